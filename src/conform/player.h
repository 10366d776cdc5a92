/* SPDX-License-Identifier: MIT */
/*
 * Owns: playing a session file's client side against a server, step by step: what is sent, what
 * must come, what was captured, the transcript of it and the verdict. Must not know: how bytes
 * reach the server (struct transport does) and what becomes of the verdicts.
 */
#ifndef CONFORM_PLAYER_H
#define CONFORM_PLAYER_H

#include "base/buf.h"
#include "conform/session_file.h"
#include "conform/stream.h"
#include "conform/values.h"
#include "conform/wire.h"

#define PLAYER_CONNS_MAX 16 /* connections of one case */
#define PLAYER_ANY_MAX 256  /* steps in one any */
#define PLAYER_CAME_MAX 512 /* unmatched bytes of a connection that a failure shows */
#define PLAYER_OUTPUT_MAX                                                                          \
    (64 << 20) /* bytes of one connection that a case keeps; stops a server                        \
                  that never stops sending */

/* The command behind the end of a case: no server has it, so that its answer, E_INVALID, is not
 * taken for any other reply. */
#define PLAYER_LAST_COMMAND "END_OF_CASE\n"

/* One connection. The transport sets `ended`, and tells what arrives with player_arrived. */
struct player_conn {
    struct span name;    /* in the file */
    struct buf in;       /* what the server said and nothing has matched yet */
    struct wire wire;    /* what was put on, through which it came */
    enum end_kind ended; /* the server closed; `in` may still hold bytes */
    bool open;           /* connected, and not closed by the client */
    bool half_closed;    /* the client sends no more */
    size_t announced;    /* what IDENTIFY's answer said is put on; more than is on: no frames */
    struct stream sent;
};

/* How bytes travel. Times are ns of the transport's own clock, virtual or real. */
struct transport {
    void *self;
    int64_t (*now)(void *self);
    /* Opens connection `i`; false: the server cannot be reached. */
    bool (*connect)(void *self, size_t i);
    /* Sends; what a broken connection swallows is found out by what does not come back. */
    void (*send)(void *self, size_t i, struct span bytes);
    void (*end)(void *self, size_t i);   /* no more output, input goes on */
    void (*close)(void *self, size_t i); /* both ways */
    void (*reset)(void *self, size_t i);
    /* Lets time pass until something new arrived on any connection, or until `deadline`. */
    void (*wait)(void *self, int64_t deadline);
};

enum verdict {
    VERDICT_PASS,
    VERDICT_FAIL,
    VERDICT_NON_STRICT,  /* passes, but an error's text is not nsqd's */
    VERDICT_UNSUPPORTED, /* the target lacks what the case needs */
    VERDICT_XFAIL,       /* fails, and the known-failure file says so */
    VERDICT_XPASS,       /* passes although the known-failure file says that it fails */
    VERDICT_UNREACHABLE, /* no connection to the server, or the file asks for the impossible */
    VERDICT_COUNT,
};

struct player_config {
    struct transport transport;
    struct span names;  /* in front of the names of topics and channels: unique in a run */
    int64_t patience;   /* ns a frame may take that has no "within" */
    int64_t slack;      /* ns a frame may come before its "after": 0 on virtual time */
    int64_t time_scale; /* percent: "within" and patience are stretched by it */
    bool late_replies;  /* a reply may come late: at the end of the case each connection that can
                           take a command gets one more, and its answer must be the next reply */
};

struct player {
    struct player_config config;
    const struct transcript *file;
    struct player_conn conns[PLAYER_CONNS_MAX]; /* filled by the transport */
    size_t conn_count;
    struct values values;
    int64_t last_step_end; /* when the last step ended; "after" counts from here */
    enum verdict verdict;
    unsigned failed_line; /* of the file; 0: none */
    struct buf exchange;  /* what was sent and what came, a line each */
    struct buf why;       /* of a verdict other than PASS: expected, and came */
    struct buf came;      /* of a failure: bytes that nothing has matched */
};

/* Plays the file; sets verdict, failed_line, transcript and why. `player` is filled by player_init,
 * and the transport's `self` may point into it. */
void player_init(struct player *player, const struct player_config *config,
                 const struct transcript *file);
void player_run(struct player *player);
void player_free(struct player *player);

/* The server has sent these bytes on connection `i`. For transports; sends nothing itself. */
void player_arrived(struct player *player, size_t i, struct span bytes);

/* "pass", "fail", .. */
const char *verdict_name(enum verdict verdict);

#endif
