/* SPDX-License-Identifier: MIT */
/*
 * Owns: one connection of a service: its output, its codecs, its deadlines and how it ends. This
 * is the side that a protocol sees. Must not know: any protocol, sockets, clocks.
 *
 * The life of a connection:
 *
 *     accepted ----------------------> OPEN <--> HANDSHAKING
 *                                     ^ | |           |
 *     conn_connect --> CONNECTING ----+ | |           | conn_finish
 *                                       | +--------+--+
 *                            conn_leave |          v
 *     closed by a deadline or a stop    |      FLUSHING --all sent--> LINGERING
 *                   |                   |          |                      |
 *                   |                   |          | the peer has ended   | 1 s, 64 KiB,
 *                   |                   |          v                      | or the peer's end
 *                   |                   |       CLOSING --all sent-+      |
 *                   v                   v                          v      v
 *                  DONE <-------------------------------------------------+
 *
 * HANDSHAKING: the uppermost codec is in its handshake; the protocol reads and sends nothing.
 * FLUSHING and CLOSING send what is left and read nothing. LINGERING has shut down writing and
 * discards input for a bounded time: when a socket is closed with unread input, the kernel sends
 * RST, and that can destroy the error frame on its way. DONE wants CLOSE.
 */
#ifndef SERVE_CONN_H
#define SERVE_CONN_H

#include <nsq/span.h>

#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "serve/stack.h"

#define CONN_PEER_MAX 64          /* bytes that are kept of a peer's address */
#define CONN_LINGER_BYTES 65536   /* input that LINGERING discards at most */
#define CONN_LINGER_NS 1000000000 /* how long LINGERING lasts at most */
#define CONN_WRITE_CHUNK                                                                           \
    16384 /* bytes of output that a peer must take within its write timeout                        \
           */
#define CONN_FLUSH_NS 30000000000 /* the write timeout of the last output, when there is none */
#define CONN_INPUT_A_TURN                                                                          \
    262144                   /* decoded bytes of one connection before others have their turn      \
                              */
#define CONN_LOW_WATER 16384 /* high-water mark of each, when all together buffer too much */

struct conn;
struct serve;

/* What speaks on a connection. `service` is what the listener, or the caller of conn_connect, has
 * named; `session` is the protocol's own state of this connection. The functions of a protocol may
 * call those of its connection below. A function that is never called may be NULL. */
struct protocol {
    /* A connection was accepted, or has switched to this protocol. Returns the session. */
    void *(*open)(void *service, struct conn *conn, int64_t now);

    /* A connection that conn_connect began is OPEN. Or, with a reason (borrowed), it could not be
     * made: then the session is the protocol's again and `conn` must not be used any more. */
    void (*connected)(void *service, void *session, struct span why, int64_t now);

    /* Input (borrowed). Returns how many bytes were consumed: all of them, unless conn_may_read has
     * turned false. */
    size_t (*recv)(void *service, void *session, struct span in, int64_t now);

    /* The peer sends no more. Comes once, behind all input. */
    void (*eof)(void *service, void *session, int64_t now);

    /* The time that conn_set_due named has come. */
    void (*due)(void *service, void *session, int64_t now);

    /* The handshake of the codec that conn_add_codec added has ended. `why` (borrowed) is empty, or
     * it is the reason of a failure; then the codec is already removed. */
    void (*upgraded)(void *service, void *session, struct span why, int64_t now);

    /* Unsent output was above the high-water mark since conn->full_since, and is not any more. */
    void (*drained)(void *service, void *session, int64_t now);

    /* The connection is gone, or was given up. Ends the session; `conn` must not be used any more.
     */
    void (*closed)(void *service, void *session, int64_t now);
};

/* Log lines that serve writes about the connections of a listener, as forms of base/log.h. NULL:
 * such a line is not written. '%' stands for the peer's address. */
struct conn_log_forms {
    const char *opened;      /* INFO */
    const char *refused;     /* WARNING: there are too many connections */
    const char *lost;        /* ERROR: the socket broke */
    const char *timed_out;   /* ERROR: the peer did not take its output in time */
    const char *undecodable; /* ERROR: a codec failed; the second '%' is the reason */
};

enum conn_state {
    CONN_CONNECTING,
    CONN_HANDSHAKING,
    CONN_OPEN,
    CONN_FLUSHING,
    CONN_CLOSING,
    CONN_LINGERING,
    CONN_DONE
};

/* How far the input has come. */
enum conn_input {
    CONN_INPUT_OPEN,
    CONN_INPUT_ENDED, /* the peer has ended it; the protocol has to be told behind what is left */
    CONN_INPUT_TOLD,  /* the protocol was told so */
    CONN_INPUT_CUT,   /* a codec has ended it, and the protocol was told; the peer may still send */
};

/* Where the protocol's recv is. A codec that recv adds ends that call's input: the rest of the
 * bytes must go through the codec. */
enum conn_recv { CONN_RECV_NONE, CONN_RECV_RUNNING, CONN_RECV_CODEC_ADDED };

struct conn {
    struct serve *serve;
    uint64_t id;
    const struct conn_log_forms *forms;
    void *service;
    const struct protocol *protocol;
    void *session; /* the protocol's; NULL: it has ended */
    enum conn_state state;
    enum conn_input input;
    enum conn_recv recv;
    bool input_paused; /* by the protocol */
    bool full;         /* unsent output is above the limit, and `drained` was not called since */
    uint8_t peer_size;
    uint8_t peer[CONN_PEER_MAX];

    struct stack stack; /* codecs, from the socket up; mostly none */
    struct buf out;     /* bytes for the socket */
    size_t limit;       /* the high-water mark: bytes of unsent output above which it is full */
    size_t buffered;    /* its share of serve->buffered, bytes */
    size_t unconsumed;  /* bytes of input that were offered and not consumed: the shell has them */
    int64_t full_since; /* when it became full */
    uint64_t queued;    /* bytes that were ever appended to out */
    uint64_t chunk_end; /* the first so many of them must have been sent .. */
    int64_t chunk_deadline; /* .. by this time; TIME_NEVER: nothing waits */
    int64_t write_timeout;  /* ns; 0: none */
    int64_t due;            /* what conn_set_due named */
    int64_t state_deadline; /* end of HANDSHAKING or LINGERING */
    size_t lingered;        /* bytes that LINGERING has discarded */

    struct heap_node timer; /* in serve->timers, at timer_at */
    int64_t timer_at;       /* the earliest of the deadlines above, or a time before it */
    struct list changed;    /* in serve->changed */
    struct list backlog;    /* in serve->backlog: the codecs may hold input for the protocol */
    struct list connect;    /* in serve->to_connect */
    struct buf address;     /* what to connect to */
};

/* Begins a connection of this side's own making, to "host:port" (copied). It counts as any other.
 * NULL: there are too many connections, or the service stops. `session` is the protocol's state;
 * `connected` tells the outcome. The deadline of conn_set_due holds meanwhile. */
struct conn *conn_connect(struct serve *serve, struct span address, const struct protocol *protocol,
                          void *service, void *session);

/* Gives the connection to another protocol, whose `open` is called. For a protocol that only finds
 * out which one the peer speaks; its own session ends with this call, without `closed`. */
void conn_switch_protocol(struct conn *conn, const struct protocol *protocol, void *service,
                          int64_t now);

/* Ends a connection at once, and its protocol's session with it: not even `closed` is called.
 * Unsent output is dropped. */
void conn_leave(struct conn *conn);

/* Appends output (copied); it leaves when the step ends. Does nothing after conn_finish. */
void conn_send(struct conn *conn, struct span data, int64_t now);

/* Bytes of output that are not sent yet. */
size_t conn_unsent(const struct conn *conn);

/* Whether unsent output is above the high-water mark. */
bool conn_is_full(const struct conn *conn);

/* Whether the protocol may consume more input: the connection is OPEN, its input is not paused, its
 * output is not full, and no codec was added by the recv that runs. */
bool conn_may_read(const struct conn *conn);

/* Stops and resumes input. */
void conn_pause_input(struct conn *conn, bool paused);

/* When to call the protocol's `due`, once; TIME_NEVER: never. To move it later costs nothing. */
void conn_set_due(struct conn *conn, int64_t due);

/* How long (ns) the peer may take for each chunk of waiting output before the connection is closed;
 * 0: for ever. A chunk is what is there, at most CONN_WRITE_CHUNK bytes. nsqd's deadline too is for
 * each write, so a slow reader is not taken for a dead one. */
void conn_set_write_timeout(struct conn *conn, int64_t timeout, int64_t now);

/* Adds a codec, which the connection now owns, above the socket and the codecs that are there. What
 * was sent before leaves without it; input that was not consumed goes through it. When the codec
 * needs a handshake, that may take handshake_timeout ns, and `upgraded` tells its end. Not during a
 * handshake, and not when there are STACK_CODECS_MAX codecs. */
void conn_add_codec(struct conn *conn, struct codec codec, int64_t handshake_timeout, int64_t now);

/* The peer's name that a codec has proved (TLS: its certificate's common name); empty: none.
 * Borrowed. */
struct span conn_peer_name(const struct conn *conn);

/* Ends the connection: what is unsent is sent, and nothing more is read. `linger`: input is
 * discarded for a while before the socket is closed; for a connection that may have unread input.
 */
void conn_finish(struct conn *conn, bool linger, int64_t now);

/* The peer's address as text. Borrowed. */
struct span conn_peer(const struct conn *conn);

#endif
