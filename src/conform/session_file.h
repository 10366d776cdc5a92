/* SPDX-License-Identifier: MIT */
/*
 * Owns: session files: text files that say what the clients and the server send on one or more
 * connections; their parser into steps, and their printer. tests/conformance/GRAMMAR.md is the
 * grammar on one page. The parser accepts the canonical form only, so printing a parsed file gives
 * the same bytes. Must not know: how a step is played (player.h).
 */
#ifndef CONFORM_SESSION_FILE_H
#define CONFORM_SESSION_FILE_H

#include <nsq/error.h>
#include <nsq/span.h>

#include "base/buf.h"

#define TRANSCRIPT_SIZE_MAX (1 << 20)  /* bytes of a file */
#define TRANSCRIPT_DEPTH_MAX 8         /* size{ size{ ... } } */
#define TRANSCRIPT_VALUE_MAX (8 << 20) /* bytes of one fill() */

/* How important it is that a server conforms. */
enum transcript_level {
    LEVEL_MUST,      /* the protocol's specification, or what every client depends on */
    LEVEL_SHOULD,    /* documented, but clients work without it */
    LEVEL_QUIRK,     /* what nsqd 1.3.0 does, but no document says */
    LEVEL_DEPARTURE, /* where nsqref differs from nsqd on purpose: a row of DEPARTURES.md */
    LEVEL_COUNT,
};

/* One piece of what is sent or expected. */
enum item_kind {
    ITEM_BYTES, /* "text", with escapes */
    ITEM_VAR,   /* $name */
    ITEM_U8,    /* u8(n) .. i64(n): big-endian */
    ITEM_U16,
    ITEM_I32,
    ITEM_I64,
    ITEM_SIZE, /* size{ items }: the items, behind their length as an int32 */
    ITEM_FILL, /* fill(n "text"): n bytes that repeat the text */
};

struct item {
    struct item *next;
    enum item_kind kind;
    struct span bytes; /* BYTES, FILL: escapes are resolved; VAR: the name without '$' */
    int64_t number;
    struct item *inside; /* SIZE */
};

enum step_kind {
    STEP_COMMENT, /* "# ..." or an empty line; `text` is the whole line */
    STEP_CONNECT,
    STEP_UPGRADE,      /* both sides enable the codec `upgrade` */
    STEP_SEND,         /* `items` */
    STEP_CLIENT_END,   /* the client ends its output, but still reads */
    STEP_CLIENT_CLOSE, /* the client closes */
    STEP_CLIENT_RESET, /* the client closes with RST */
    STEP_RESPONSE,     /* `items` */
    STEP_JSON,         /* a response whose JSON has the members of `text`, and maybe more */
    STEP_ERROR,        /* `code`, and `items` as the text behind it */
    STEP_MESSAGE,      /* `var` the id, `attempts`, `items` the body */
    STEP_HEARTBEAT,
    STEP_NOTHING,    /* no reply to what was sent */
    STEP_NO_MESSAGE, /* no message for `within` */
    STEP_SERVER_END, /* the server closes */
    STEP_WAIT,       /* `after` */
    STEP_ANY,        /* the steps in `inside`, in any order */
};

/* The codecs that both sides of a connection can enable, in the order that is allowed. */
enum upgrade_kind { UPGRADE_TLS, UPGRADE_SNAPPY, UPGRADE_DEFLATE, UPGRADE_KINDS };

/* How the server ends a connection. */
enum end_kind { END_NONE, END_FIN, END_RST };

struct step {
    struct step *next;
    enum step_kind kind;
    unsigned line;     /* of the file, from 1 */
    struct span actor; /* the connection */
    struct item *items;
    struct span text;
    enum upgrade_kind upgrade;
    int64_t upgrade_number; /* TLS: the version as in codec/tls.h, 0: any; DEFLATE: the level */
    bool raw;               /* SEND, CLIENT_END: bytes that bypass the codecs */
    enum end_kind end;      /* SERVER_END; END_NONE: either will do */
    enum nsq_error code;
    struct span var;     /* MESSAGE: the id's name */
    struct span at;      /* MESSAGE: the timestamp's name; empty: any will do */
    int64_t attempts;    /* MESSAGE; -1: any */
    int64_t after;       /* ns: it must not come earlier; 0: no limit */
    int64_t within;      /* ns: it must come by then; 0: player_config.reply_timeout */
    struct step *inside; /* ANY */
};

/* The words of a header line; they point into transcript.bytes. */
struct word {
    struct word *next;
    struct span text;
};

struct transcript {
    struct span id;    /* "area/slug" */
    struct span title; /* the rule in one line */
    struct word *reqs; /* ids of requirements */
    enum transcript_level level;
    struct word *needs; /* tls, snappy, deflate, auth, http */
    struct span flags;  /* the server's command line; empty: any will do */
    bool partial_order; /* replies come in order, but messages at any time */
    struct span effect; /* why it matters; may be empty */
    struct span source; /* "spec", "nsqd 1.3.0", or "departure N" */
    struct step *steps;
    void *memory;     /* the chain of all nodes */
    struct buf bytes; /* a copy of the file */
};

/* What is wrong with a file, and where. */
struct transcript_error {
    unsigned line; /* from 1 */
    unsigned column;
    const char *expected; /* what was expected there; a static string */
};

/* Parses a copy of `bytes`. False: *error says what was expected and where, and *file needs no
 * transcript_free. */
bool transcript_parse(struct transcript *file, struct span bytes, struct transcript_error *error);
void transcript_free(struct transcript *file);

/* Appends the canonical form. */
void transcript_print(const struct transcript *file, struct buf *out);
void transcript_step_print(const struct step *step, unsigned indent, struct buf *out);
void transcript_items_print(const struct item *items, struct buf *out);

/* Appends bytes as they stand between the quotes of a string: printable ASCII as it is, other bytes
 * as escapes. */
void transcript_escape(struct span bytes, struct buf *out);

/* Whether a step enables a codec. Then the bytes on the wire differ from those in the file. */
bool transcript_upgrades(const struct transcript *file);

/* The name of a level, in capitals. */
struct span transcript_level_name(enum transcript_level level);

#endif
