/* SPDX-License-Identifier: MIT */
/*
 * Owns: the contract between the shell, which moves bytes and tells the time, and whatever serves
 * connections. nsqd is one such handler; nsqlookupd and HTTP will be others. The shell knows
 * nothing else of them, and they know no socket, no clock and no log file.
 *
 * Times are monotonic nanoseconds. The shell calls; nothing ever calls the shell. What a call
 * changed is picked up with next_changed and next_ask when a batch of inputs has been ended with
 * step.
 */
#ifndef SERVE_HANDLER_H
#define SERVE_HANDLER_H

#include <nsq/span.h>

#include "base/log.h"

/* What a connection wants, as bits. None of them: it idles; POLLHUP and POLLERR still count. */
enum want {
    WANT_READ = 1,
    WANT_WRITE = 2,   /* out() is not empty */
    WANT_SHUT_WR = 4, /* shut down writing, once; input may still be wanted */
    WANT_CLOSE = 8,   /* close the socket and call closed(); only this closes */
};

/* Why a socket is gone. */
enum closed_reason {
    CLOSED_AS_WANTED,
    CLOSED_BY_ERROR, /* reset, broken pipe, any error of read or write */
};

enum ask_kind {
    ASK_NONE = 0,
    ASK_LOG,     /* write `event` to the log; no answer */
    ASK_CONNECT, /* connect to `address` without waiting, and call `connected` for `ticket` */
    ASK_APPEND,  /* make what `ticket` stands for safe, then answer; later the disk */
};

/* Something the shell is asked to do. */
struct ask {
    enum ask_kind kind;
    uint64_t ticket; /* what to answer with; ASK_CONNECT: the number of the connection */
    union {          /* borrowed until the next call of next_ask */
        const struct log_event *event; /* ASK_LOG */
        struct span address;           /* ASK_CONNECT: "host:port" */
        struct span bytes;             /* ASK_APPEND: what to append */
    };
};

/* What became of an ask that wants an answer. Borrowed for the call. */
struct answer {
    struct span why;   /* empty: it was done; else the reason why it failed */
    struct span bytes; /* what was read, where the ask was for that */
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

    /* A connection was accepted on listener number `listener` (counted from 0 as the handler's
     * owner gave them to the shell) from `peer` (its address as text, borrowed). Returns its
     * number, a slot in the low 32 bits and a generation above, so both sides index arrays; 0
     * refuses it. */
    uint64_t (*open)(void *self, unsigned listener, struct span peer, int64_t now);

    /* An ASK_CONNECT has been done, `why` empty, and `conn` is then like any other; or it has
     * failed for this reason (borrowed), and `conn` means nothing from here on. It may come to want
     * CLOSE before that: then `closed` is called and not this. */
    void (*connected)(void *self, uint64_t conn, struct span why, int64_t now);

    /* Bytes arrived, `in` borrowed. Returns how many were consumed. The shell keeps the rest, stops
     * reading, and offers them again, nothing in front of them, when READ is wanted. Who wants READ
     * consumes at least one byte of what is offered, or, because the call itself filled the output,
     * does not want it any more. */
    size_t (*recv)(void *self, uint64_t conn, struct span in, int64_t now);

    /* The peer will send no more; comes once, after all unconsumed input. */
    void (*eof)(void *self, uint64_t conn, int64_t now);

    /* The socket is gone; `conn` means nothing from here on. */
    void (*closed)(void *self, uint64_t conn, enum closed_reason reason, int64_t now);

    /* What to send, in order: fills at most `most` spans and returns how many; 0: nothing. Borrowed
     * until the next call. When that is not all there is, a later call gives the rest. */
    size_t (*out)(void *self, uint64_t conn, struct span *spans, size_t most, int64_t now);

    /* The first n > 0 bytes of them were sent; partial writes are normal. */
    void (*sent)(void *self, uint64_t conn, size_t n, int64_t now);

    /* Bits of enum want. */
    unsigned (*want)(void *self, uint64_t conn);

    /* Ends a batch of inputs: handles due timers, a bounded number, and makes output ready. */
    void (*step)(void *self, int64_t now);

    /* When step must be called again at the latest. TIME_PAST: at once, there is work left;
     * TIME_NEVER: no time. */
    int64_t (*next_deadline)(void *self);

    /* Each connection whose out or want changed, once; 0 at the end. */
    uint64_t (*next_changed)(void *self);

    /* The next thing that the shell must do; ASK_NONE at the end. */
    struct ask (*next_ask)(void *self);

    /* What became of an ask that wanted an answer. */
    void (*answer)(void *self, uint64_t ticket, const struct answer *answer, int64_t now);

    /* The wall clock: ns since 1970 = now + offset. Called before anything else, and when it
     * changes. */
    void (*wall)(void *self, int64_t offset);

    /* Graceful exit: every connection comes to want CLOSE, none is opened any more. `stopped` tells
     * when the last is gone. */
    void (*stop)(void *self, int64_t now);
    bool (*stopped)(void *self);
};

#endif
