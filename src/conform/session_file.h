/* SPDX-License-Identifier: MIT */
/*
 * Owns: the session file: a transcript of one or more connections, parsed into steps and printed
 * back. tests/conformance/GRAMMAR.md is its grammar on one page. What is printed is what was read,
 * to the byte: fmt(parse(x)) == x, because the parser takes the canonical form and nothing else.
 * Must not know: how a step is carried out; that is the player's.
 */
#ifndef CONFORM_SESSION_FILE_H
#define CONFORM_SESSION_FILE_H

#include <nsq/error.h>
#include <nsq/span.h>

#include "base/buf.h"

#define TRANSCRIPT_SIZE_MAX (1 << 20)  /* bytes of a file */
#define TRANSCRIPT_DEPTH_MAX 8         /* size{ size{ ... } } */
#define TRANSCRIPT_VALUE_MAX (8 << 20) /* bytes that fill() makes at most */

/* How binding a case is. */
enum transcript_level {
    LEVEL_MUST,      /* the protocol's specification, or what every client leans on */
    LEVEL_SHOULD,    /* documented, and clients get by without */
    LEVEL_QUIRK,     /* what nsqd 1.3.0 does, not documented */
    LEVEL_DEPARTURE, /* where nsqref differs from nsqd on purpose: a row of DEPARTURES.md */
    LEVEL_COUNT,
};

/* One piece of bytes, or of a value that becomes bytes. */
enum item_kind {
    ITEM_BYTES, /* "text", with escapes */
    ITEM_VAR,   /* $name */
    ITEM_U8,    /* u8(n) .. i64(n): big-endian */
    ITEM_U16,
    ITEM_I32,
    ITEM_I64,
    ITEM_SIZE, /* size{ items }: an int32 with their length, then they themselves */
    ITEM_FILL, /* fill(n "text"): the text over and over, n bytes in all */
};

struct item {
    struct item *next;
    enum item_kind kind;
    struct span bytes; /* BYTES, FILL: what the escapes stand for; VAR: the name without '$' */
    int64_t number;
    struct item *inside; /* SIZE */
};

enum step_kind {
    STEP_COMMENT, /* "# ..." or an empty line; `text` is the whole line */
    STEP_CONNECT,
    STEP_UPGRADE,      /* `upgrade` is put on */
    STEP_SEND,         /* `items` */
    STEP_CLIENT_END,   /* the client sends no more, but still reads */
    STEP_CLIENT_CLOSE, /* the client closes */
    STEP_CLIENT_RESET, /* the client closes with RST */
    STEP_RESPONSE,     /* `items` */
    STEP_JSON,         /* a response whose JSON has at least the members of `text` */
    STEP_ERROR,        /* `code`, and `items` as the text behind it */
    STEP_MESSAGE,      /* `var` the id, `attempts`, `items` the body */
    STEP_HEARTBEAT,
    STEP_NOTHING,    /* no reply to what was sent */
    STEP_NO_MESSAGE, /* no message for `within` */
    STEP_SERVER_END, /* the server closes */
    STEP_WAIT,       /* `after` */
    STEP_ANY,        /* the steps in `inside`, in any order */
};

/* What both sides of a connection put on, in the order in which they may. */
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
    int64_t upgrade_number; /* TLS: the only version, as in codec/tls.h, 0: any; DEFLATE: level */
    bool raw;               /* SEND, CLIENT_END: past what was put on */
    enum end_kind end;      /* SERVER_END; END_NONE: in either way */
    enum nsq_error code;
    struct span var;     /* MESSAGE: the id's name */
    struct span at;      /* MESSAGE: the timestamp's name; empty: not looked at */
    int64_t attempts;    /* MESSAGE; -1: any */
    int64_t after;       /* ns that pass at least before it comes; 0 = none */
    int64_t within;      /* ns it comes within; 0 = the runner's patience */
    struct step *inside; /* ANY */
};

/* Words of a header line; spans into the file. */
struct word {
    struct word *next;
    struct span text;
};

struct transcript {
    struct span id;    /* "area/slug" */
    struct span title; /* the rule in one line */
    struct word *reqs; /* ids of the ledger */
    enum transcript_level level;
    struct word *needs; /* tls, snappy, deflate, auth, http */
    struct span flags;  /* of the server, as on a command line; empty: any server */
    bool partial_order; /* replies come in order, messages whenever they come */
    struct span effect; /* why it matters; may be empty */
    struct span source; /* "spec", "nsqd 1.3.0", or "departure N" */
    struct step *steps;
    void *memory;     /* chain of allocations */
    struct buf bytes; /* the file itself */
};

/* What is wrong with a file, and where. */
struct transcript_error {
    unsigned line; /* from 1 */
    unsigned column;
    const char *expected; /* static */
};

/* Parses a copy of `bytes`. False: *error says what was expected where, and *file needs no freeing.
 */
bool transcript_parse(struct transcript *file, struct span bytes, struct transcript_error *error);
void transcript_free(struct transcript *file);

/* Appends the canonical form. */
void transcript_print(const struct transcript *file, struct buf *out);
void transcript_step_print(const struct step *step, unsigned indent, struct buf *out);
void transcript_items_print(const struct item *items, struct buf *out);

/* Appends bytes as the inside of a string: printable ASCII as it is, the rest as escapes. */
void transcript_escape(struct span bytes, struct buf *out);

/* Whether anything is put on: then what goes over the wire is not what stands in the file. */
bool transcript_upgrades(const struct transcript *file);

/* The name of a level, in capitals. */
struct span transcript_level_name(enum transcript_level level);

#endif
