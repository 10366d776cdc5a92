/* SPDX-License-Identifier: MIT */
/*
 * Owns: one play of the client side of a session file against a server. This includes the bytes
 * that are sent, the bytes that must be received, the captured values, the exchange and the
 * verdict. Must not know: how bytes reach the server (struct transport sends them) and how verdicts
 * are used.
 *
 *     player.c           the whole case: its steps in order, then the last check
 *     player_steps.c     one step
 *     player_any.c       steps in any order
 *     player_http.c      requests and responses of HTTP
 *     player_lookupd.c   the side of a scripted nsqlookupd
 *     player_end.c       the check that no reply is left when the case ends
 *     player_frames.c    the frames that were received
 *     player_pieces.c    sending in pieces
 *     player_io.c        sending, waiting, times
 *     player_exchange.c  the exchange in words, and why a step failed
 */
#ifndef CONFORM_PLAYER_H
#define CONFORM_PLAYER_H

#include "base/buf.h"
#include "base/time.h"
#include "conform/session_file.h"
#include "conform/session_file_unroll.h"
#include "conform/stream.h"
#include "conform/values.h"
#include "conform/wire.h"

#define PLAYER_CONNS_MAX TRANSCRIPT_CONNS_MAX
#define PLAYER_UNMATCHED_MAX 512 /* a failure shows at most this number of unmatched bytes */

/* One connection may receive at most this many decoded bytes. When more bytes arrive, the
 * connection is closed, and the case fails. Without this limit, a server could send without end. */
#define PLAYER_RECEIVED_MAX ((size_t)16 << 20)

/* All connections of a case together may receive at most this many decoded bytes. */
#define PLAYER_RECEIVED_ALL_MAX ((size_t)64 << 20)

/* The largest size, in bytes, of the exchange in a report. If an exchange is longer, the report
 * contains its first lines and its last lines, each with half of the bytes. The lines between are
 * only counted. No line is cut, so the first lines together may be a little longer than half. */
#define PLAYER_EXCHANGE_MAX ((size_t)16384)

/* A whole case may last at most time_scale * (w + PLAYER_REPLY_TIMEOUTS_A_CASE * reply_timeout).
 * Here w is the sum of the times of all "within" and "after" of its steps. Without this limit, a
 * case could last very long if a server answers each step as late as the step allows. */
#define PLAYER_REPLY_TIMEOUTS_A_CASE 6

/* ns. For each restart of the server, this time is added to w. */
#define PLAYER_RESTART_TIMEOUT (30 * TIME_SECOND)

/* The bytes of one step are cut at no more than this number of places. */
#define PLAYER_SPLITS_MAX 16

/* In a whole case, bytes are cut at no more than PLAYER_SPLIT_STEPS * config.splits places, so that
 * long cases do not take much longer. */
#define PLAYER_SPLIT_STEPS 8

/* ns: the pause between two pieces. The server should read the first piece before the second piece
 * arrives. */
#define PLAYER_SPLIT_PAUSE (2 * TIME_MS)

/* The command that a client sends after the last step. No server has this command. So its answer,
 * E_INVALID, cannot be confused with another reply. */
#define PLAYER_LAST_WORD "END_OF_CASE"
#define PLAYER_LAST_COMMAND PLAYER_LAST_WORD "\n"

/* How long a case waits for late replies at its end if the server ignores unknown commands. This is
 * a few times as long as a server needs to answer. */
#define PLAYER_LATE_WAIT (100 * TIME_MS)

/* One connection. The transport sets `ended`, and passes the bytes that arrive to player_arrived.
 */
struct player_conn {
    struct span name;    /* the connection's name in the file */
    bool http;           /* speaks HTTP: what arrives is not frames */
    bool accepted;       /* the server has opened it to a scripted nsqlookupd, so commands arrive */
    bool requests;       /* accepted: what arrives are requests of HTTP */
    bool magic;          /* accepted: a step has received the magic */
    bool v1;             /* speaks V1: what arrives are frames without a type */
    struct buf in;       /* received and decoded bytes that no step has matched yet */
    struct wire wire;    /* the codecs that are enabled */
    enum end_kind ended; /* how the server closed; `in` may still contain bytes */
    bool open;           /* the client has connected and has not closed */
    bool flooded;        /* more than PLAYER_RECEIVED_MAX bytes arrived on this connection, or more
                            than PLAYER_RECEIVED_ALL_MAX on all. The rest was discarded */
    size_t received;     /* how many decoded bytes have arrived */
    bool fresh;          /* the client has sent nothing yet */
    bool stopped;        /* the client has stopped reading */
    bool half_closed;    /* the client has closed its output */
    size_t announced;    /* how many codecs the answer to IDENTIFY has announced. Until all these
                            codecs are enabled, the bytes that arrive are not frames */
    struct stream sent;  /* whether the sent bytes end inside a command */
};

/* How bytes reach the server. Times are in ns of the transport's own clock, which is virtual or
 * real. */
struct transport {
    void *self;
    int64_t (*now)(void *self);
    /* Opens connection `i` to the address for this protocol. The player does TLS itself. Returns
     * false if the server cannot be reached. */
    bool (*connect)(void *self, size_t i, enum connect_kind kind);
    /* Takes a connection that the server has made to `listener` (session_file.h), as connection
     * `i`. Returns false if there is none yet. NULL: there are no scripted nsqlookupds. */
    bool (*accept)(void *self, size_t i, unsigned listener);
    /* Sends bytes. If the connection is broken, the bytes are lost and no error is reported. The
     * player notices the loss when no answer arrives. */
    void (*send)(void *self, size_t i, struct span bytes);
    void (*end)(void *self, size_t i);   /* closes the client's output; input is still received */
    void (*close)(void *self, size_t i); /* closes the output and the input */
    void (*reset)(void *self, size_t i); /* closes with RST */
    /* Stops reading from connection `i`, or starts again. */
    void (*read)(void *self, size_t i, bool on);
    /* Ends the server and starts it again, with these flags. If `flags` is empty, the server gets
     * the same flags as before. The player closes all connections afterwards. Returns false if the
     * server does not start again; then `why` is the reason. NULL: the server cannot be
     * restarted. */
    bool (*restart)(void *self, bool killed, struct span flags, struct buf *why);
    /* Waits until something arrives on any connection, or until `deadline`. */
    void (*wait)(void *self, int64_t deadline);
};

enum verdict {
    VERDICT_PASS,
    VERDICT_FAIL,
    VERDICT_NON_STRICT,  /* the case passes, but the text of an error differs from nsqd's */
    VERDICT_UNSUPPORTED, /* the target does not have a feature that the case needs */
    VERDICT_XFAIL,       /* the case fails, and the file of known failures expects this */
    VERDICT_XPASS,       /* the case passes, although a known failure was expected */
    VERDICT_UNREACHABLE, /* the server cannot be reached, or a step cannot be played */
    VERDICT_DIED,        /* the server ended while it played the case */
    VERDICT_FLAKY,       /* the verdict was not the same in each repetition */
    VERDICT_COUNT,
};

struct player_config {
    struct transport transport;
    struct span names; /* prefix of the names of topics and channels; unique in a run */
    /* The addresses of the scripted nsqlookupds, and of the HTTP API of the first of them. Each is
     * "host:port". NULL: there are no scripted nsqlookupds. Borrowed. */
    const char *listeners[TRANSCRIPT_LISTENERS];
    int64_t reply_timeout; /* ns: how long a step without "within" waits for its frame */
    int64_t slack; /* ns: the tolerance of "after": a frame passes if it comes too early by at most
                      this time. 0 on virtual time */
    int64_t lag; /* ns: a frame may be noticed this much later than it came, because the machine is
                    busy. 0 on virtual time */
    int64_t time_scale; /* percent: "within" and reply_timeout are multiplied by this number */
    size_t splits;      /* at how many places the bytes of a step are cut, at most
                           PLAYER_SPLITS_MAX; 0: the bytes are not cut */
    bool late_replies;  /* a reply may arrive after the last step. Then player_end.c sends one more
                           command, so that such a reply is noticed */
    bool ignores_unknown; /* the server does not answer a command that it does not know. Then
                             player_end.c sends no such command, and waits a short time */
    bool no_exchange;     /* no program or person reads the exchange, so nothing is added to it */
};

struct player {
    struct player_config config;
    const struct transcript *file;
    struct unrolled steps; /* the steps of the file; each `repeat` is replaced by the steps that it
                            * repeats */
    struct player_conn conns[PLAYER_CONNS_MAX];
    size_t conn_count;
    size_t splits;   /* at how many places the bytes of all steps may still be cut */
    size_t received; /* how many decoded bytes have arrived on all connections */
    struct values values;
    int64_t last_step_end; /* ns: the "after" of the next step counts from this time. It may differ
                              a little from the end of the last step: see step_end in player.c */
    int64_t end_by; /* ns: the end of the whole case; no step waits longer than until this time */
    int64_t step_wait; /* ns: the longest time that the last waiting step was allowed to wait */
    enum verdict verdict;
    unsigned failed_line; /* the line in the file; 0: no step has failed */
    struct buf exchange;  /* one line for each thing sent or received */
    struct buf tail;      /* the last lines of a long exchange */
    size_t left_out;      /* number of lines between `exchange` and `tail` that were left out */
    struct buf why;       /* for a verdict other than PASS: what was expected and received */
    struct buf unmatched; /* for a failure: received bytes that no step has matched */
};

/* player_run plays the file and sets verdict, failed_line, exchange, why and unmatched. The
 * transport's `self` may point to the player. So the player must not be moved between player_init
 * and player_free. */
void player_init(struct player *player, const struct player_config *config,
                 const struct transcript *file);
void player_run(struct player *player);
void player_free(struct player *player);

/* Tells the player that the server has sent these bytes on connection `i`. Transports call this
 * function. The function sends nothing to the server. When `flooded` of the connection is true
 * afterwards, the transport must close the connection. */
void player_arrived(struct player *player, size_t i, struct span bytes);

/* Returns the name of a verdict: "pass", "fail" and so on. */
const char *verdict_name(enum verdict verdict);

#endif
