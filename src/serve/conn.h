/* SPDX-License-Identifier: MIT */
/*
 * Owns: one connection of a service: its output, its codecs, its deadlines, and how it is closed.
 * A protocol uses the functions of this file. Must not know: any protocol, sockets, clocks.
 *
 * The shell (serve/handler.h) moves the bytes between this file and the sockets. The codec stack
 * (serve/stack.h) is the TLS and the compression of one connection.
 *
 * The life of a connection:
 *
 *     accepted ----------------------> OPEN <--> HANDSHAKING
 *                                     ^ | |           |
 *     conn_connect --> CONNECTING ----+ | |           | conn_finish
 *                                       | +--------+--+
 *     any state                         |          v
 *         |                  conn_leave |      FLUSHING --all sent--> LINGERING
 *         | its deadline has            |          |                      |
 *         | passed, or the              |          | the peer sends       | after 1 s or 64 KiB, or
 *         | server stops                |          v nothing more         | the peer's input ends
 *         |                             |       CLOSING --all sent-+      |
 *         v                             v                          v      v
 *       DONE <------------------------------------------------------------+
 *
 * HANDSHAKING: the uppermost codec does its handshake. The protocol gets no input, and its output
 * waits. FLUSHING and CLOSING: the rest of the output is sent, and no input is used. CLOSING is for
 * a peer that sends nothing more, so no LINGERING follows (conn_finish with `linger` false).
 * LINGERING: writing is shut down, and input is discarded for a bounded time. The reason is that
 * the kernel sends RST when a socket is closed with unread input. RST can destroy an error frame
 * that is still on its way to the peer. DONE: the connection wants CLOSE (enum want in
 * serve/handler.h).
 */
#ifndef SERVE_CONN_H
#define SERVE_CONN_H

#include <nsq/span.h>

#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "serve/output.h"
#include "serve/stack.h"

#define CONN_PEER_MAX 64          /* bytes of a peer's address that are kept */
#define CONN_LINGER_BYTES 65536   /* LINGERING discards at most this many bytes of input */
#define CONN_LINGER_NS 1000000000 /* LINGERING lasts at most this time, in ns */
/* Bytes of the largest chunk. A chunk is a part of the output. A peer must accept each chunk within
 * the write timeout. */
#define CONN_WRITE_CHUNK 16384
/* ns. The write timeout in FLUSHING and CLOSING, if write_timeout is 0. */
#define CONN_FLUSH_NS 30000000000
/* Decoded bytes. After a connection has read this many, all other connections get their turn to
 * read before this connection gets its next turn. */
#define CONN_INPUT_A_TURN 65536
/* Bytes. At most this much is read at a time from each connection while all connections together
 * hold more than their share of the memory budget. */
#define CONN_READ_LITTLE 2048
/* Bytes. At most this much is read at a time while more than SERVE_CROWD connections have an event
 * (tcp_handler.crowd). */
#define CONN_READ_IN_CROWD 32768

struct conn;
struct serve;

/* The functions that src/serve calls for one protocol. `service` is the pointer that was given with
 * the protocol: in struct listener, or as an argument of conn_connect or conn_switch_protocol.
 * `session` is the state that the protocol keeps for one connection. The functions may call the
 * conn_ functions below for that connection. When a function is never called, its pointer may be
 * NULL. */
struct protocol {
    /* Called when a connection was accepted, or when conn_switch_protocol gives a connection to
     * this protocol. Returns the session. */
    void *(*open)(void *service, struct conn *conn, int64_t now);

    /* Called with the result of conn_connect. When `why` is empty, the connection is OPEN.
     * Otherwise `why` (borrowed) is the reason why the connection could not be made. Then the
     * protocol must free the session itself, and must not use `conn` afterwards. */
    void (*connected)(void *service, void *session, struct span why, int64_t now);

    /* Called with input (borrowed). Returns how many bytes were consumed. A call does a bounded
     * amount of work. The bytes that a call does not consume are offered again. So each call must
     * do one of these: consume a byte, do other work for this connection, or make conn_may_read
     * false. */
    size_t (*recv)(void *service, void *session, struct span in, int64_t now);

    /* Called when the input has ended: the peer sends nothing more, or a codec was closed or has
     * failed. Called once, after all input was consumed. */
    void (*eof)(void *service, void *session, int64_t now);

    /* Called at the time that was given to conn_set_due. */
    void (*due)(void *service, void *session, int64_t now);

    /* Called when the handshake of a codec (added with conn_add_codec) is over. `why` (borrowed) is
     * empty after a success. Otherwise `why` is the reason of the failure, and the codec is already
     * removed. */
    void (*upgraded)(void *service, void *session, struct span why, int64_t now);

    /* Called once for each call of conn_send_held, with the argument `held` of that call. This
     * happens when the bytes were sent or encoded, or when they are dropped, for example because
     * the connection ends. It may happen after the call of `closed`. NULL: the protocol does not
     * use conn_send_held. */
    void (*release)(void *service, void *held);

    /* Called when unsent output was above the high-water mark, and now is not above it.
     * conn->full_since is the time at which unsent output rose above the mark. NULL: nothing waits
     * for this. (The protocol's recv is called again anyway.) */
    void (*drained)(void *service, void *session, int64_t now);

    /* Called when the connection is gone, or when src/serve closes the connection. The protocol
     * must not use `conn` afterwards. It must free the session at once, or later if the session
     * still waits for an answer. */
    void (*closed)(void *service, void *session, int64_t now);
};

/* Log lines that src/serve writes about the connections of a listener. Each field is a form (a text
 * with a '%' for each argument, base/log.h). When a form is NULL, its line is not written. The
 * first '%' is replaced by the peer's address. */
struct conn_log_forms {
    const char *opened;      /* INFO */
    const char *refused;     /* WARNING: there are too many connections */
    const char *lost;        /* ERROR: the socket had an error */
    const char *timed_out;   /* ERROR: the peer did not accept its output within the write
                              * timeout */
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

/* Whether the input has ended, and whether the protocol was told. After CONN_INPUT_CUT the peer may
 * still send. */
enum conn_input {
    CONN_INPUT_OPEN,  /* more input may arrive */
    CONN_INPUT_ENDED, /* the peer sends nothing more; the protocol must be told after all input */
    CONN_INPUT_TOLD,  /* the peer sends nothing more, and the protocol was told */
    CONN_INPUT_CUT,   /* a codec has ended the input, and the protocol was told */
};

/* Whether the protocol's recv is running. When recv adds a codec, it must return. The bytes that it
 * has not consumed go through the codec, and then to recv again. */
enum conn_recv { CONN_RECV_NONE, CONN_RECV_RUNNING, CONN_RECV_CODEC_ADDED };

struct conn {
    struct serve *serve;
    uint64_t id;
    const struct conn_log_forms *forms;
    void *service;
    const struct protocol *protocol;
    void *session; /* the protocol's state; NULL: the session has ended */
    enum conn_state state;
    enum conn_input input;
    enum conn_recv recv;
    bool input_paused; /* set by conn_pause_input */
    bool stream_ended; /* the last bytes of the codecs were appended to `out` */
    bool gathering;    /* the shell gets no output before gather_end */
    bool full;         /* unsent output was above `limit`, and `drained` was not called since
                        * then */
    uint8_t peer_size;
    uint8_t peer[CONN_PEER_MAX];

    struct stack stack;  /* codecs, from the socket upwards; most connections have none */
    struct output plain; /* bytes from the protocol that the codecs have not encoded yet */
    struct output out;   /* bytes for the socket */
    size_t limit; /* the high-water mark in bytes: a connection with more unsent output is full */
    size_t held;  /* this connection's part of budget->held, bytes */
    size_t unconsumed;  /* bytes of offered input that were not consumed; the shell keeps them */
    int64_t full_since; /* the time at which `full` became true */
    uint64_t queued;    /* number of bytes that were ever appended to `out` */
    /* The current chunk of output ends at byte number chunk_end of all output. The whole chunk must
     * be sent by the time chunk_deadline. TIME_NEVER: there is no deadline. */
    uint64_t chunk_end;
    int64_t chunk_deadline;
    int64_t write_timeout;  /* ns; 0: none, except in FLUSHING and CLOSING (CONN_FLUSH_NS) */
    int64_t gather_end;     /* before this time, output that may wait is kept (conn_gather) */
    int64_t due;            /* the time that was given to conn_set_due */
    int64_t state_deadline; /* the time at which HANDSHAKING or LINGERING must end */
    size_t lingered;        /* bytes that LINGERING has discarded */

    struct heap_node timer; /* in serve->timers, with the key timer_at */
    int64_t timer_at; /* when the timer ends: never later than the earliest of the deadlines. When
                         a deadline changes to a later time, the timer is not changed. So the
                         timer can end too early; then it starts again */
    struct list changed; /* in serve->changed */
    /* In serve->backlog, while the codecs may hold input for the protocol. In serve->handshakes,
     * while the input of a handshake waits for its turn. */
    struct list backlog;
    struct list connect; /* in serve->to_connect */
    struct buf address;  /* "host:port" to connect to */
};

/* Begins to connect to "host:port" (copied). max_connections is the limit for these connections and
 * the accepted connections together. `session` is the protocol's state of the connection. The
 * protocol's `connected` is called with the result. conn_set_due may be called before that. Returns
 * NULL when there are too many connections, or when the service stops. */
struct conn *conn_connect(struct serve *serve, struct span address, const struct protocol *protocol,
                          void *service, void *session);

/* Gives the connection to another protocol and calls the `open` of that protocol. The protocol of
 * serve/magic.h uses this function, after it has found out which protocol the peer speaks. The old
 * protocol must free its own session, because its `closed` is not called. */
void conn_switch_protocol(struct conn *conn, const struct protocol *protocol, void *service,
                          int64_t now);

/* Closes the connection at once and drops its unsent output. The protocol must free its own
 * session, because `closed` is not called. */
void conn_leave(struct conn *conn);

/* Appends output (copied). The shell sends it after the current step. Does nothing after
 * conn_finish. */
void conn_send(struct conn *conn, struct span data, int64_t now);

/* Appends output that is not copied. The bytes must not change until the protocol's `release` is
 * called with `held`. After conn_finish, these bytes are not sent, and `release` is called at
 * once. */
void conn_send_held(struct conn *conn, struct span data, void *held, int64_t now);

/* conn_gather lets the output of the last conn_send wait for more output, so that the shell sends
 * both with one call. conn_may_gather is true if no output is unsent, or if all unsent output is
 * waiting. conn_gather may be called only if conn_may_gather was true before the last conn_send.
 * The output waits until `gather_timeout` (struct serve_config) has passed since output was last
 * sent after a call of conn_gather. If this time has passed already, the output does not wait. The
 * wait ends earlier in two cases: the connection ends; or conn_send is called again, and
 * conn_gather is not called after it. */
bool conn_may_gather(const struct conn *conn);
void conn_gather(struct conn *conn, int64_t now);

/* Returns how many bytes of output are not sent yet. */
size_t conn_unsent(const struct conn *conn);

/* Returns true when unsent output is above the high-water mark. While all connections together hold
 * more than their share of the memory budget, any unsent output counts as above this mark. */
bool conn_is_full(const struct conn *conn);

/* Returns true when the protocol may consume more input. Four things are then true: the connection
 * is OPEN, its input is not paused, its output is not full, and the running call of recv has not
 * added a codec. */
bool conn_may_read(const struct conn *conn);

/* Stops the input when `paused` is true. Resumes the input when `paused` is false. */
void conn_pause_input(struct conn *conn, bool paused);

/* Sets the time at which the protocol's `due` is called once. When the time is TIME_NEVER, `due` is
 * not called. Each call replaces the earlier setting. A change to a later time is cheap. */
void conn_set_due(struct conn *conn, int64_t due);

/* Sets how long (ns) the peer may take to accept each chunk of output. If the peer needs more time,
 * the connection is closed. When `timeout` is 0, there is no limit. When a chunk begins, it
 * contains all output that is unsent at that time, but at most CONN_WRITE_CHUNK bytes. Each chunk
 * has its own deadline, so that a slow reader is not treated as a dead reader. Upstream's nsqd also
 * has a deadline for each write. */
void conn_set_write_timeout(struct conn *conn, int64_t timeout, int64_t now);

/* Adds a codec above the codecs that are already there. The connection owns the codec afterwards.
 * Output that was sent before this call does not go through the codec. Input that was not consumed
 * before this call goes through the codec. If the codec needs a handshake, the handshake may take
 * handshake_timeout ns. The protocol's `upgraded` is called when the handshake is over. If the
 * connection is not OPEN, the codec is only freed. Must not be called during a handshake, or when
 * there are already STACK_CODECS_MAX codecs. */
void conn_add_codec(struct conn *conn, struct codec codec, int64_t handshake_timeout, int64_t now);

/* Returns the peer's name that a codec has learned (TLS: the common name in the peer's
 * certificate). Returns an empty span when there is no name. Borrowed. */
struct span conn_peer_name(const struct conn *conn);

/* Returns what TLS has negotiated with the peer (codec/codec.h). The numbers are 0 without TLS. */
struct codec_parameters conn_parameters(const struct conn *conn);

/* Closes the connection after its unsent output was sent. No more input is given to the protocol.
 * When `linger` is true, input is discarded for a bounded time before the socket is closed.
 * `linger` must be true when the connection may have unread input. In two cases `linger` has no
 * effect. If the peer sends nothing more, the connection does not linger. If a codec has ended the
 * input, the connection always lingers. */
void conn_finish(struct conn *conn, bool linger, int64_t now);

/* Returns the peer's address as text. Borrowed. */
struct span conn_peer(const struct conn *conn);

#endif
