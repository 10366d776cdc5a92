/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the files of the one client share. client.c runs the input in several ways and
 * compares what the server sent; client_server.c drives the server and reads its output;
 * client_due.c says after which byte a reply is due; client_encoded.c encodes what the client
 * sends.
 */
#ifndef FUZZ_CLIENT_PARTS_H
#define FUZZ_CLIENT_PARTS_H

#include <nsq/command.h>
#include <nsq/frame.h>

#include "engine/engine.h"
#include "fuzz.h"
#include "hearer.h"
#include "serve/magic.h"
#include "session/session.h"

#define WIRE_MAX 6144 /* bytes of the encoded input; more is not sent */

/* Flags. */
#define WITHOUT_MAGIC 1   /* the magic is sent before the input */
#define PENDING 2         /* publishes wait for the disk's answer, */
#define REFUSED 4         /* .. and the answer is a failure */
#define ENDS 8            /* after the input the client sends EOF; otherwise its socket breaks */
#define SHORT_TIMEOUTS 16 /* message timeout and heartbeat interval are 1 s */
#define LOGGED 32         /* log lines are made and taken */
#define ALONE 64          /* a channel takes one consumer */
#define STOPS 128         /* graceful exit after the input */

/* The header. A bound of 0 is nsqd's default. */
struct choice {
    uint8_t flags;
    uint8_t max_line;
    uint8_t max_msg_size;
    uint8_t max_body_size;
    uint8_t max_rdy_count;
    uint8_t high_water;
    uint8_t memory;     /* in units of 72 bytes */
    uint8_t time;       /* without codecs: low 4 bits p: time passes before each 2^p-th byte, 0:
                           never; high 4 bits h: 25 ms << h each time. With codecs: see below */
    uint8_t one, other; /* lengths of the pieces of the cut run, less 2 */
};

/* Bits of `time` with codecs. */
#define RAW 1 /* nothing is encoded for the uppermost codec: it decodes the input's bytes */
#define TLS 2 /* the server has TLS (the toy) */
/* A shift. With TLS, the handshake: 0 succeeds, 1 fails, 2 is ended by the client, 3 stalls.
 * Without TLS, RAW and AUTH: the number of the piece that gets a wrong checksum, if the codec has
 * checksums; 0: none. */
#define HOW 4
#define LATE 64          /* 1 s passes before every LATE_PIECES-th piece */
#define TLS_REQUIRED 128 /* with TLS */
#define AUTH 128         /* without TLS: AUTH is required, and HOW chooses what is granted */

extern struct choice client_choice;
extern bool client_negotiates; /* the server offers codecs */

/* A run: the input sent in one way. */
struct run {
    struct engine *engine;
    struct tcp_handler handler;
    uint64_t conn; /* 0: closed */
    unsigned want; /* as it was when the connection last changed */
    int64_t now;
    struct span input;
    size_t consumed;
    size_t given;     /* bytes that the client has sent so far */
    bool ended;       /* the server may send nothing any more */
    unsigned replies; /* responses and errors, heartbeats not counted */
    enum nsq_frame_type last_reply;
    size_t output; /* bytes sent, decoded */
    uint64_t hash; /* of those bytes */
    struct hearer hearer;
    uint64_t auth; /* the server's connection to its auth server; 0: none */
};

/* A publish that waits for the disk is posted: commands behind it in the same piece are carried out
 * before it is answered. So pieces end where something was asked, and then nothing depends on the
 * cuts. If nobody consumes and there is enough memory, nothing depends on them anyway, because
 * replies are in order. */
struct client_asks {
    bool at[WIRE_MAX + 1]; /* something was asked after this byte of the bytewise run */
    bool notes;            /* asks are noted now */
    bool ignored;          /* pieces do not end there */
    bool subscribed;       /* a client consumed */
};

extern struct client_asks client_asks;

/* With codecs: the bytes that the client sends. */
struct client_wire {
    size_t n;
    size_t end; /* the bytes from here on are the codecs' own end; they are sent alone, as EOF is */
    bool full;
    uint8_t bytes[WIRE_MAX];
    bool late[WIRE_MAX + 1]; /* time passes before this byte */
};

extern struct client_wire client_wire;

/* The server's next runs have an allowance of one unit for each call (base/effort.h). */
extern bool client_least_effort;

/* --- client_server.c -------------------------------------------------------------------------- */

/* Starts a server and connects the client; `input` is borrowed. */
struct run client_start(struct span input);

/* Ends the run: by EOF, a stop or a broken socket, as the flags say. A server that has read
 * everything and sent all replies closes after the client's EOF. */
void client_finish(struct run *run);

/* Gives the server the next n bytes of the input, and does everything that follows at this time. */
void client_give(struct run *run, size_t n);

/* The monotonic clock advances; the wall clock stands still. */
void client_pass(struct run *run, int64_t time);

/* Checks that the server has reported every change. */
void client_check_told(const struct run *run);

/* --- client_due.c ----------------------------------------------------------------------------- */

/* This target's own use of the parser: finds what the next byte completes. */
struct reader {
    struct nsq_place place;
    struct nsq_limits limits;
    size_t parsed;
    bool bad;
    size_t magic; /* bytes of the magic that are missing */
};

/* Which replies are due after a byte. */
enum due {
    DUE_NOTHING, /* no reply may come */
    DUE_ERROR,   /* none or one error */
    DUE_REPLY,   /* one reply */
    DUE_SILENCE, /* none, and none later */
};

/* What is noted before bytes are given. */
struct before {
    unsigned state;
    unsigned replies;
    bool ended;
};

/* What is due after `given` bytes of the input. A byte completes at most one item. */
enum due client_next_due(struct reader *reader, struct span input, size_t given);

/* The client's session of V2; NULL: it has not begun, or has ended. */
const struct session *client_session(const struct run *run);

/* Notes the state before bytes are given, and checks the replies after them. */
struct before client_look_before(const struct run *run, const struct reader *reader);
void client_look_after(struct run *run, const struct reader *reader, const struct before *before,
                       enum due due);

/* --- client.c --------------------------------------------------------------------------------- */

/* Keeps what the server has sent after the bytes given so far. */
void client_keep_trace(const struct run *run);

/* The server sent nothing more after the given bytes. */
void client_keep_rest(const struct run *run);

/* How much time passes each time, in ns. */
int64_t client_time_step(void);

/* --- client_encoded.c ------------------------------------------------------------------------- */

/* Encodes the input item by item, as the server's answers require, and gives it byte by byte. The
 * encoded bytes are in client_wire. */
void client_run_encoded(struct span input);

#endif
