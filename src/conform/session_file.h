/* SPDX-License-Identifier: MIT */
/*
 * Owns: session files, their parser and their printer. A session file is a text file that says what
 * the clients and the server send on one or more connections. The parser makes steps from the text.
 * tests/conformance/GRAMMAR.md describes the grammar on one page. The parser accepts only the
 * canonical form. So printing a parsed file gives the same bytes. Must not know: how a step is
 * played (player.h).
 */
#ifndef CONFORM_SESSION_FILE_H
#define CONFORM_SESSION_FILE_H

#include <nsq/error.h>
#include <nsq/span.h>

#include "base/buf.h"
#include "base/time.h"

#define TRANSCRIPT_SIZE_MAX (1 << 20) /* bytes of the largest file */
#define TRANSCRIPT_CONNS_MAX 64       /* the largest number of connections of a file */
#define TRANSCRIPT_DEPTH_MAX 8        /* how deep size{ } and repeat( ) may be nested */
#define TRANSCRIPT_BLOCKS_MAX 2       /* how deep repeat { } and any { } may be nested */
/* Each repeat( ), repeat { } and any { } has a counter. At most this number of them may be nested,
 * if all three kinds are counted together. */
#define TRANSCRIPT_COUNTERS_MAX 4
/* The largest number of repetitions of one repeat( ), repeat { } or any { }. */
#define TRANSCRIPT_REPEAT_MAX 10000
#define TRANSCRIPT_NAME_MAX 64 /* characters of the longest name with its counters */
#define TRANSCRIPT_DURATION_MAX (3600 * TIME_SECOND)
#define TRANSCRIPT_VALUE_MAX (8 << 20) /* bytes of the largest fill() */
#define TRANSCRIPT_LOOKUPDS_MAX 2      /* how many scripted nsqlookupds a file may have */
/* How many addresses the scripted nsqlookupds of a file have: one for the V1 protocol of each, and
 * one for the HTTP API of the first. The address of the HTTP API has the number
 * TRANSCRIPT_LISTENER_HTTP, counted from 0. */
#define TRANSCRIPT_LISTENERS 3
#define TRANSCRIPT_LISTENER_HTTP 2

/* How important the rule of a case is. */
enum transcript_level {
    LEVEL_MUST,   /* if a server violates the rule, clients break, or messages are lost, doubled or
                     altered */
    LEVEL_SHOULD, /* the rule is documented, but clients work even if a server violates it */
    LEVEL_QUIRK,  /* behaviour of nsqd 1.3.0 that no document describes */
    LEVEL_DEPARTURE, /* nsqref differs from nsqd on purpose: see a row of DEPARTURES.md */
    LEVEL_COUNT,
};

/* One piece of the bytes that are sent or expected. */
enum item_kind {
    ITEM_BYTES, /* "text", with escapes */
    ITEM_VAR,   /* $name */
    ITEM_U8,    /* u8(n) to i64(n): big-endian numbers */
    ITEM_U16,
    ITEM_I32,
    ITEM_I64,
    ITEM_SIZE,    /* size{ items }: the length of the items as an int32, then the items */
    ITEM_FILL,    /* fill(n "text"): n bytes that repeat the text */
    ITEM_COUNTER, /* $i: the current number of a repetition that contains this item, in decimal */
    ITEM_REPEAT,  /* repeat(n $k items): the items n times, with the counter k from 1 to n */
    ITEM_ANY,     /* *: any bytes; allowed only in the description of an HTTP response */
};

struct item {
    struct item *next;
    enum item_kind kind;
    struct span bytes; /* BYTES, FILL: escapes are resolved; VAR: the name without the first '$';
                          COUNTER, REPEAT: the name of the counter */
    int64_t number;
    struct item *inside;  /* SIZE, REPEAT */
    const uint8_t *place; /* VAR: where the name stands in the file */
};

enum step_kind {
    STEP_COMMENT,      /* "# ..." or an empty line; `text` is the whole line */
    STEP_CONNECT,      /* `connect` says which protocol the connection speaks */
    STEP_UPGRADE,      /* both sides enable the codec `upgrade` */
    STEP_SEND,         /* `items` */
    STEP_REQUEST,      /* an HTTP request: `method`, `items` as the target, `headers`, `body` */
    STEP_CLIENT_END,   /* the client closes its output and still reads */
    STEP_CLIENT_CLOSE, /* the client closes */
    STEP_CLIENT_RESET, /* the client closes with RST */
    STEP_RESPONSE,     /* `items` */
    STEP_JSON,         /* a response whose JSON has at least the members of `text` */
    STEP_ERROR,        /* `code`, and `items` as the text after the code */
    STEP_MESSAGE, /* `var` is the name of the id, `items` is the body; also uses `attempts` and `at`
                   */
    STEP_HTTP_RESPONSE, /* `status`, `headers`, `body`, or `text` as JSON */
    STEP_HEARTBEAT,
    STEP_NOTHING,    /* the bytes that were sent get no reply */
    STEP_NO_MESSAGE, /* during the time `within` no frame arrives, neither a message nor a reply */
    STEP_SERVER_END, /* the server closes */
    STEP_WAIT,       /* `after` */
    STEP_ANY,    /* the steps in `inside`, in any order; `count` times each, or once if `count` is
                  * 0 */
    STEP_REPEAT, /* the steps in `inside`, `count` times */
    STEP_STOP_READING,  /* the client stops reading from the connection */
    STEP_START_READING, /* the client reads again */
    STEP_RESTART, /* the server is ended and started again, with the flags `text`; empty: with the
                   * same flags */
    /* The steps of a connection to a scripted nsqlookupd, which the server under test has opened.
     * On such a connection SEND is a command that must come from the server. CLIENT_END means that
     * the server must close the connection. RESPONSE, JSON, ERROR and SERVER_END are sent to the
     * server. On a connection that speaks HTTP, REQUEST must come, and HTTP_RESPONSE is sent. */
    STEP_ACCEPT,   /* waits for the connection to `listener` */
    STEP_IDENTIFY, /* an IDENTIFY must come. Its JSON must have at least the members of `text` */
    STEP_SILENCE,  /* during the time `within` no command comes, and the connection is not closed */
    STEP_REPLY_RAW,    /* `items` are sent as they are */
    STEP_SERVER_CLOSE, /* the scripted nsqlookupd closes the connection */
    STEP_SERVER_RESET, /* the scripted nsqlookupd closes the connection with RST */
};

/* The codecs that both sides of a connection can enable. The order here is also the order in which
 * a connection may enable them. */
enum upgrade_kind { UPGRADE_TLS, UPGRADE_SNAPPY, UPGRADE_DEFLATE, UPGRADE_KINDS };

/* The protocol of a connection. It decides which address of the server the connection goes to.
 * CONNECT_NSQ is V2 in a file about nsqd, and V1 in a file about nsqlookupd. */
enum connect_kind { CONNECT_NSQ, CONNECT_HTTP, CONNECT_HTTPS, CONNECT_KINDS };

/* What a step says about the body of an HTTP request or response. */
enum body_kind {
    BODY_UNSAID, /* request: none is sent; response: any body */
    BODY_ITEMS,  /* `body` */
    BODY_JSON,   /* response: JSON with at least the members of `text` */
    BODY_ABSENT, /* response: none follows the head, whatever its headers say, as with HEAD */
};

/* A header line of an HTTP request or response. */
struct header_line {
    struct header_line *next;
    struct item *items; /* the line without its end. In a response, the first item is a string that
                           has the whole name and the colon */
    bool absent;        /* the response must have no header with the name `items` */
};

/* How the server closes a connection. */
enum end_kind { END_NONE, END_FIN, END_RST };

struct step {
    struct step *next;
    const struct step *origin; /* the step of the file from which a `repeat` made this step */
    enum step_kind kind;
    unsigned line;             /* of the file, from 1 */
    struct span actor;         /* the name of the connection; "c*": any connection c1, c2, ... */
    enum connect_kind connect; /* CONNECT */
    unsigned
        listener; /* ACCEPT: the number of a scripted nsqlookupd, or TRANSCRIPT_LISTENER_HTTP */
    struct span method; /* REQUEST */
    int64_t status;     /* HTTP_RESPONSE */
    struct header_line *headers;
    enum body_kind body_kind;
    struct item *body;
    struct item *items;
    struct span text;
    enum upgrade_kind upgrade;
    int64_t upgrade_number; /* TLS: the version (codec/tls.h), 0: any; DEFLATE: the level */
    bool raw;               /* SEND, CLIENT_END: the codecs are not used */
    bool killed;            /* RESTART: with SIGKILL, otherwise with SIGTERM */
    enum end_kind end;      /* SERVER_END: how the server must close; END_NONE: in any way */
    enum nsq_error code;
    struct span var;         /* MESSAGE: the name of the id */
    struct span at;          /* MESSAGE: the name of the timestamp; empty: any timestamp */
    int64_t attempts;        /* MESSAGE: the number of attempts; -1: any number */
    struct span attempts_of; /* MESSAGE: the counter that is the number of attempts; empty: none */
    bool any_body;           /* MESSAGE: `items` is empty, and every body matches */
    int64_t after;           /* ns: the frame must not arrive earlier; 0: no limit */
    int64_t within;      /* ns: the frame must not arrive later; 0: `after` + the reply timeout */
    struct step *inside; /* ANY, REPEAT */
    int64_t count;       /* ANY, REPEAT: the number of repetitions */
    struct span counter; /* ANY, REPEAT: the name of the counter; empty if `count` is 0 */
};

/* The words of a header line. Their texts point into transcript.bytes. */
struct word {
    struct word *next;
    struct span text;
};

/* The program that a file is about. */
enum server_kind { SERVER_NSQD, SERVER_NSQLOOKUPD };

struct transcript {
    struct span id;    /* "area/slug" */
    struct span title; /* the rule in one line */
    struct word *reqs; /* ids of requirements */
    enum transcript_level level;
    enum server_kind server;
    struct word *needs; /* tls, snappy, deflate, auth, http, fresh */
    struct span flags;  /* the server's flags; empty: any flags */
    bool partial_order; /* replies come in order, and messages at any time */
    struct span effect; /* why the rule matters; may be empty */
    struct span source; /* "spec", "nsqd 1.3.0", or "departure N" */
    struct step *steps;
    void *memory;     /* the list of all allocated nodes */
    struct buf bytes; /* a copy of the file */
};

/* The first mistake in a file, and where it is. */
struct transcript_error {
    unsigned line; /* from 1 */
    unsigned column;
    const char *expected; /* what the parser expected there; a static string */
};

/* Returns true if the id has the form area/slug, in lower-case letters, digits, - and . */
bool transcript_id_is_valid(struct span id);

/* Parses a copy of `bytes`. Returns false if the file has a mistake. Then *error says what was
 * expected and where, and the caller need not call transcript_free. */
bool transcript_parse(struct transcript *file, struct span bytes, struct transcript_error *error);
void transcript_free(struct transcript *file);

/* transcript_print appends the canonical form of a whole file. transcript_step_print appends the
 * canonical form of one step. transcript_items_print appends that of a list of items. */
void transcript_print(const struct transcript *file, struct buf *out);
void transcript_step_print(const struct step *step, unsigned indent, struct buf *out);
void transcript_items_print(const struct item *items, struct buf *out);

/* Appends bytes in the form that they have between the quotes of a string. Printable ASCII stays
 * unchanged, except for characters that need an escape. Other bytes become escapes. */
void transcript_escape(struct span bytes, struct buf *out);

/* Returns true if any step of the file is of this kind, even inside another step. */
bool transcript_has(const struct transcript *file, enum step_kind kind);

/* Returns true if the file has a scripted nsqlookupd. Then the server under test must be told its
 * address when it starts. */
bool transcript_scripts_lookupd(const struct transcript *file);

/* Returns true if the header of the file says "needs: ..." with this word. */
bool transcript_needs(const struct transcript *file, struct span word);

/* Returns true if the file has a connection that speaks HTTP or HTTPS. */
bool transcript_speaks_http(const struct transcript *file);

/* Returns true if a step enables a codec. A connection with HTTPS counts as such a step. Then the
 * bytes on the wire differ from the bytes in the file. */
bool transcript_upgrades(const struct transcript *file);

/* Returns the name of a level, in capitals. */
struct span transcript_level_name(enum transcript_level level);

#endif
