/* SPDX-License-Identifier: MIT */
/*
 * Owns: the contract between the shell and a service. The shell moves bytes and passes the
 * time to the service. Examples of a service: the engine, which is a whole nsqd, and the echo
 * service in tests/unit/test_echo.c. The shell knows only this contract about a service. A service
 * knows no socket, no clock and no log file.
 *
 * Times are monotonic nanoseconds. The shell calls the service, and the service never calls the
 * shell. The shell learns from next_changed and next_ask what a call has changed. serve/drive.h
 * describes the order of the calls.
 */
#ifndef SERVE_HANDLER_H
#define SERVE_HANDLER_H

#include <nsq/span.h>

#include "base/log.h"

/* What a connection wants the shell to do, as bits. When no bit is set, the connection is idle. The
 * shell closes a socket when the connection wants CLOSE. It also closes a socket that has an error
 * or is closed in both directions, even if the connection is idle. */
enum want {
    WANT_READ = 1,    /* read input and call recv() */
    WANT_WRITE = 2,   /* out() has something to send */
    WANT_SHUT_WR = 4, /* shut down writing; the connection may still want READ */
    WANT_CLOSE = 8,   /* close the socket and call closed() */
};

/* Why a socket is gone. */
enum closed_reason {
    CLOSED_AS_WANTED,
    CLOSED_BY_ERROR, /* reset, broken pipe, any error of a read or write */
};

enum ask_kind {
    ASK_NONE = 0,
    ASK_LOG,       /* write `event` to the log; needs no answer */
    ASK_LOG_LEVEL, /* from now on write only lines of `level` or above to the log;
                    * needs no answer */
    ASK_CONNECT,   /* connect to `address` without waiting, then call `connected` for `ticket` */
    ASK_APPEND,    /* write `bytes` to the disk, then call `answer`. The server does not use the
                    * disk yet: `bytes` is empty, and the shell answers at once */
    ASK_UDP_OPEN,  /* open a UDP socket for datagrams to `address`, without waiting, then call
                    * `answer`. The service has one such socket. The new one replaces the old one,
                    * which is closed at once. An earlier ASK_UDP_OPEN that was not answered yet is
                    * cancelled: it is never answered */
    ASK_UDP_SEND, /* send `bytes` as one datagram on the UDP socket; needs no answer. If there is no
                   * socket, or the datagram cannot be sent at once, it is lost */
    ASK_UDP_CLOSE, /* close the UDP socket, if there is one; needs no answer. An ASK_UDP_OPEN that
                    * was not answered yet is cancelled: it is never answered */
};

/* A request of the service to the shell. */
struct ask {
    enum ask_kind kind;
    uint64_t ticket; /* the number of this request; ASK_CONNECT: the connection's number */
    union {          /* borrowed until the next call of next_ask */
        const struct log_event *event; /* ASK_LOG */
        enum log_level level;          /* ASK_LOG_LEVEL */
        struct span address;           /* ASK_CONNECT, ASK_UDP_OPEN: "host:port" */
        struct span bytes;             /* ASK_APPEND, ASK_UDP_SEND */
    };
};

/* The result of a request that needs an answer. Borrowed: valid only during the call. */
struct answer {
    struct span why;   /* empty: the request was done; otherwise the reason why it failed */
    struct span bytes; /* bytes that were read; always empty now, because no request reads yet */
};

/* Returns how many bytes the spans contain together. */
static inline size_t span_total(const struct span *spans, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        n += spans[i].n;
    }
    return n;
}

/* The largest size, in bytes, of the input of one call of `last`. When a client with TLS closes its
 * connection, it sends a last TLS record of less than 100 bytes. Before this record it may send a
 * record with the end of its deflate stream. */
#define HANDLER_LAST_MAX 512

struct tcp_handler {
    void *self;

    /* A connection was accepted. `listener` is the number of its listener: the listeners are
     * counted from 0, in the order in which the program gave them to the shell. `peer` is the
     * peer's address as text (borrowed). Returns the number of the connection. Its low 32 bits are
     * the slot: a small number that both sides can use as the index of an array. When a connection
     * is gone, a later connection may get the same slot. Then the high 32 bits of its number (the
     * generation) are different. Returns 0 to refuse the connection. */
    uint64_t (*open)(void *self, unsigned listener, struct span peer, int64_t now);

    /* Called with the result of an ASK_CONNECT. When `why` is empty, `conn` is connected, and is
     * used like an accepted connection. Otherwise `why` (borrowed) is the reason of the failure,
     * and `conn` is no longer valid. If the connection wants CLOSE before the result is known,
     * `closed` is called instead of `connected`. */
    void (*connected)(void *self, uint64_t conn, struct span why, int64_t now);

    /* Tells the service how many connections have an event: input, the end of their input, or room
     * for output. Called after each wait. When many connections have an event, each call of recv
     * should do less. NULL: the service does not need this number. */
    void (*crowd)(void *self, size_t connections);

    /* Called when bytes have arrived. `in` is borrowed and not empty. Returns how many bytes were
     * consumed. The shell keeps the other bytes and stops reading. When the connection wants READ
     * again, the shell first offers the kept bytes, and then reads more. One call does a bounded
     * amount of work. So recv may consume only some of the bytes, or none when other work of the
     * connection comes first. Then the shell offers the kept bytes again in the next round, if the
     * connection still wants READ. */
    size_t (*recv)(void *self, uint64_t conn, struct span in, int64_t now);

    /* Called when the peer sends nothing more and the connection does not want READ. `in`
     * (borrowed, at most HANDLER_LAST_MAX bytes) is all input that is left. For
     * example, it is the last record of TLS, which a client sends before it closes its connection.
     * Only the codec uses that record. Returns how many bytes were consumed. When all were
     * consumed, the shell calls `eof`. Otherwise the other bytes wait until the connection wants
     * READ. A handler without this function (NULL) never consumes such input. */
    size_t (*last)(void *self, uint64_t conn, struct span in, int64_t now);

    /* Called when the peer will send nothing more. Called once, after all input was consumed. */
    void (*eof)(void *self, uint64_t conn, int64_t now);

    /* Called when the socket is gone. `conn` is no longer valid. */
    void (*closed)(void *self, uint64_t conn, enum closed_reason reason, int64_t now);

    /* Fills at most `most` spans with the bytes to send, in order, for one gathered write. The
     * spans are borrowed until the next call. Returns how many spans were filled; 0: there is
     * nothing to send. When there are more bytes to send, a later call returns them. */
    size_t (*out)(void *self, uint64_t conn, struct span *spans, size_t most, int64_t now);

    /* Called when the first n > 0 bytes of the spans of the last out() were sent. Often n is less
     * than the number of bytes in these spans. */
    void (*sent)(void *self, uint64_t conn, size_t n, int64_t now);

    /* Returns what the connection wants, as bits of enum want. */
    unsigned (*want)(void *self, uint64_t conn);

    /* Returns how many bytes the shell may read from the connection at a time. NULL: any number.
     * While connections hold much memory, the number is small, because the shell keeps what `recv`
     * does not consume. */
    size_t (*read_most)(void *self, uint64_t conn);

    /* Called in each round, after the input. Handles the deadlines that are not after `judged`, and
     * prepares output. `judged` is the time up to which deadlines may be handled; it is at most
     * `now`. All input that arrived up to `judged` was already passed to recv. So a peer that sent
     * its input before its deadline is not treated as late, even if the process was suspended for a
     * while. One call handles a bounded number of deadlines. */
    void (*step)(void *self, int64_t now, int64_t judged);

    /* Returns a deadline: step must be called again at this time or earlier. TIME_PAST: step must
     * be called at once, because work is left. TIME_NEVER: there is no deadline. */
    int64_t (*next_deadline)(void *self);

    /* Returns a connection whose out() or want() may have changed. Each changed connection is
     * returned once. Returns 0 when no changed connection is left. */
    uint64_t (*next_changed)(void *self);

    /* Returns the next request to the shell. When there is no more request, its kind is ASK_NONE.
     * */
    struct ask (*next_ask)(void *self);

    /* Tells the service the result of a request that needs an answer. */
    void (*answer)(void *self, uint64_t ticket, const struct answer *answer, int64_t now);

    /* Sets the offset of the wall clock: ns since 1970 = now + offset. Called before all other
     * functions, and again when the offset changes. */
    void (*wall)(void *self, int64_t offset);

    /* Tells how many bytes of memory the process has. Called about once a second while the shell
     * has something to do. */
    void (*resident)(void *self, size_t bytes);

    /* Begins a graceful exit: every connection will want CLOSE, and no new connection is opened.
     * Each call of `step` continues the exit. From now on recv consumes nothing. */
    void (*stop)(void *self, int64_t now);

    /* Returns true when `stop` was called, the last connection is gone, and the service has nothing
     * left to do. Then the shell does the requests that are left, and ends. */
    bool (*stopped)(void *self);
};

#endif
