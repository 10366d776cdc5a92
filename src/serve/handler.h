/* SPDX-License-Identifier: MIT */
/*
 * Owns: the contract between the shell, which moves bytes and tells the time, and a service. nsqd's
 * TCP port is such a service; HTTP and nsqlookupd will be others. The shell knows nothing else of
 * them, and they know no socket, no clock and no log file.
 *
 * Times are monotonic nanoseconds. The shell calls, and nothing ever calls the shell: what a call
 * has changed is fetched with next_changed and next_ask. serve/drive.h has the order of the calls.
 */
#ifndef SERVE_HANDLER_H
#define SERVE_HANDLER_H

#include <nsq/span.h>

#include "base/log.h"

/* What a connection wants, as bits. When no bit is set, it is idle; a hang-up and an error still
 * count. */
enum want {
    WANT_READ = 1,
    WANT_WRITE = 2,   /* out() has something to send */
    WANT_SHUT_WR = 4, /* shut down writing; input may still be wanted */
    WANT_CLOSE = 8,   /* close the socket and call closed(); nothing else closes it */
};

/* Why a socket is gone. */
enum closed_reason {
    CLOSED_AS_WANTED,
    CLOSED_BY_ERROR, /* reset, broken pipe, any error of a read or write */
};

enum ask_kind {
    ASK_NONE = 0,
    ASK_LOG,     /* write `event` to the log; no answer */
    ASK_CONNECT, /* connect to `address` without waiting, then call `connected` for `ticket` */
    ASK_APPEND,  /* make what `ticket` stands for safe, then answer; the disk will do it */
};

/* Something that the shell has to do. */
struct ask {
    enum ask_kind kind;
    uint64_t ticket; /* what to answer with; ASK_CONNECT: the number of the connection */
    union {          /* borrowed until the next call of next_ask */
        const struct log_event *event; /* ASK_LOG */
        struct span address;           /* ASK_CONNECT: "host:port" */
        struct span bytes; /* ASK_APPEND: what to append; empty as long as there is no disk */
    };
};

/* What became of an ask that wants an answer. Borrowed for the call. */
struct answer {
    struct span why;   /* empty: it was done; otherwise the reason why it failed */
    struct span bytes; /* what was read, if the ask was for reading */
};

/* How many bytes these spans hold together. */
static inline size_t span_total(const struct span *spans, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        n += spans[i].n;
    }
    return n;
}

struct tcp_handler {
    void *self;

    /* A connection was accepted on listener number `listener` (counted from 0, in the order in
     * which the program gave the listeners to the shell) from `peer` (its address as text,
     * borrowed). Returns the connection's number: a slot in the low 32 bits, a generation above
     * them, so that both sides can use arrays. 0: the connection is refused. */
    uint64_t (*open)(void *self, unsigned listener, struct span peer, int64_t now);

    /* The outcome of an ASK_CONNECT. `why` is empty: `conn` is now like any other connection.
     * Otherwise `why` is the reason of the failure (borrowed), and `conn` is no longer valid. When
     * the connection wants CLOSE before its outcome is known, `closed` is called instead. */
    void (*connected)(void *self, uint64_t conn, struct span why, int64_t now);

    /* Bytes have arrived (`in` is borrowed and not empty). Returns how many were consumed. The
     * shell keeps the rest and stops reading. When the connection wants READ, the shell offers the
     * rest again before it reads. A connection that wants READ consumes at least one byte, unless
     * this call itself makes it not want READ any more. */
    size_t (*recv)(void *self, uint64_t conn, struct span in, int64_t now);

    /* The peer will send no more. Called once, after all input was consumed. */
    void (*eof)(void *self, uint64_t conn, int64_t now);

    /* The socket is gone; `conn` is no longer valid. */
    void (*closed)(void *self, uint64_t conn, enum closed_reason reason, int64_t now);

    /* What to send, in order, for one gathered write: fills at most `most` spans (borrowed until
     * the next call) and returns how many. 0: nothing. When that is not all there is, a later call
     * returns the rest. */
    size_t (*out)(void *self, uint64_t conn, struct span *spans, size_t most, int64_t now);

    /* The first n > 0 bytes of that were sent; partial writes are normal. */
    void (*sent)(void *self, uint64_t conn, size_t n, int64_t now);

    /* Bits of enum want. */
    unsigned (*want)(void *self, uint64_t conn);

    /* Ends a batch of inputs: handles the deadlines that have come, a bounded number of them, and
     * makes output ready. */
    void (*step)(void *self, int64_t now);

    /* When step must be called again at the latest. TIME_PAST: at once, because work is left.
     * TIME_NEVER: nothing is due. */
    int64_t (*next_deadline)(void *self);

    /* A connection whose out() or want() has changed; each one is returned once. 0: no more. */
    uint64_t (*next_changed)(void *self);

    /* The next thing that the shell must do; ASK_NONE: no more. */
    struct ask (*next_ask)(void *self);

    /* What became of an ask that wants an answer. */
    void (*answer)(void *self, uint64_t ticket, const struct answer *answer, int64_t now);

    /* The wall clock: ns since 1970 = now + offset. Called before anything else, and when the
     * offset changes. */
    void (*wall)(void *self, int64_t offset);

    /* Graceful exit: every connection comes to want CLOSE, and no new one is opened. `stopped`
     * tells when the last one is gone. */
    void (*stop)(void *self, int64_t now);
    bool (*stopped)(void *self);
};

#endif
