/* SPDX-License-Identifier: MIT */
/*
 * Owns: playing the client side of a session file against a server: what is sent, what must be
 * received, the values that were captured, the exchange and the verdict. Must not know: how bytes
 * reach the server (struct transport does that) and what verdicts are used for.
 *
 *     player.c           the case: its steps in order, then its end
 *     player_steps.c     one step
 *     player_any.c       steps in any order
 *     player_end.c       no reply may be left over
 *     player_frames.c    the frames that were received
 *     player_io.c        sending, waiting, times
 *     player_exchange.c  the exchange in words, and why a step failed
 */
#ifndef CONFORM_PLAYER_H
#define CONFORM_PLAYER_H

#include "base/buf.h"
#include "conform/session_file.h"
#include "conform/stream.h"
#include "conform/values.h"
#include "conform/wire.h"

#define PLAYER_CONNS_MAX 16      /* connections of one case */
#define PLAYER_ANY_MAX 256       /* steps in one any */
#define PLAYER_UNMATCHED_MAX 512 /* unmatched bytes of a connection that a failure shows */

/* Bytes of one connection that a case keeps. A connection with more is closed: this stops a server
 * that never stops sending. */
#define PLAYER_OUTPUT_MAX (64 << 20)

/* The command that is sent behind the last step. No server has it, so its answer, E_INVALID, cannot
 * be mistaken for another reply. */
#define PLAYER_LAST_COMMAND "END_OF_CASE\n"

/* One connection. The transport sets `ended`, and hands over what arrives with player_arrived. */
struct player_conn {
    struct span name;    /* in the file */
    struct buf in;       /* received and decoded; no step has matched it yet */
    struct wire wire;    /* the codecs that are enabled */
    enum end_kind ended; /* the server closed; `in` may still hold bytes */
    bool open;           /* connected, and not closed by the client */
    bool half_closed;    /* the client has ended its output */
    size_t announced;    /* codecs that the answer to IDENTIFY announced; while fewer are enabled,
                            what arrives is not frames */
    struct stream sent;  /* where in the protocol the bytes that were sent stand */
};

/* How bytes reach the server. Times are ns of the transport's own clock, virtual or real. */
struct transport {
    void *self;
    int64_t (*now)(void *self);
    /* Opens connection `i`. False: the server cannot be reached. */
    bool (*connect)(void *self, size_t i);
    /* Sends. A broken connection loses the bytes without a word: the player finds out when no
     * answer arrives. */
    void (*send)(void *self, size_t i, struct span bytes);
    void (*end)(void *self, size_t i);   /* ends the output; input goes on */
    void (*close)(void *self, size_t i); /* ends both */
    void (*reset)(void *self, size_t i); /* closes with RST */
    /* Lets time pass until something arrives on any connection, or until `deadline`. */
    void (*wait)(void *self, int64_t deadline);
};

enum verdict {
    VERDICT_PASS,
    VERDICT_FAIL,
    VERDICT_NON_STRICT,  /* passes, but the text of an error differs from nsqd's */
    VERDICT_UNSUPPORTED, /* the target lacks what the case needs */
    VERDICT_XFAIL,       /* fails, as the file of known failures says */
    VERDICT_XPASS,       /* passes, although the file of known failures says that it fails */
    VERDICT_UNREACHABLE, /* no connection to the server, or a step that cannot be played */
    VERDICT_COUNT,
};

struct player_config {
    struct transport transport;
    struct span names;     /* prefix of the names of topics and channels: unique in a run */
    int64_t reply_timeout; /* ns: how long a step without "within" waits for its frame */
    int64_t slack;         /* ns that a frame may come before its "after"; 0 on virtual time */
    int64_t time_scale;    /* percent: "within" and reply_timeout are multiplied by it */
    bool late_replies;     /* a reply may arrive after the last step: player_end.c sends one more
                              command to see it */
};

struct player {
    struct player_config config;
    const struct transcript *file;
    struct player_conn conns[PLAYER_CONNS_MAX];
    size_t conn_count;
    struct values values;
    int64_t last_step_end; /* ns; "after" counts from here */
    enum verdict verdict;
    unsigned failed_line; /* of the file; 0: none */
    struct buf exchange;  /* what was sent and received, one line each */
    struct buf why;       /* for a verdict other than PASS: what was expected and received */
    struct buf unmatched; /* for a failure: received bytes that no step has matched */
};

/* Plays the file, and sets verdict, failed_line, exchange, why and unmatched. The transport's
 * `self` may point to the player, which must stay where it is between player_init and player_free.
 */
void player_init(struct player *player, const struct player_config *config,
                 const struct transcript *file);
void player_run(struct player *player);
void player_free(struct player *player);

/* The server has sent these bytes on connection `i`. Transports call it; it sends nothing. */
void player_arrived(struct player *player, size_t i, struct span bytes);

/* "pass", "fail" and so on. */
const char *verdict_name(enum verdict verdict);

#endif
