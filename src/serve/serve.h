/* SPDX-License-Identifier: MIT */
/*
 * Owns: any TCP service as a value: its connections, their output, their deadlines, how they end,
 * and the list of those that changed. The first four bytes of a connection choose its protocol from
 * the listener's table. Must not know: NSQ, sockets, clocks.
 *
 * The life of a connection:
 *
 *     MAGIC --chosen--> OPEN --conn_finish--> FLUSHING --all sent--> LINGERING --> DONE
 *       \                                         \--no linger--------------------^
 *        \--bad magic--> FLUSHING
 *
 * An OPEN connection may have codecs upon its socket (serve/stack.h). While one is in its handshake
 * the protocol hears and says nothing. FLUSHING sends what is left and reads nothing. LINGERING has
 * shut down writing and throws input away for a bounded while: a socket closed with unread input
 * makes the kernel send RST, which can destroy the error frame on its way. DONE wants CLOSE.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include <nsq/span.h>

#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/log.h"
#include "serve/handler.h"
#include "serve/stack.h"

#define SERVE_MAGIC_SIZE 4
#define SERVE_PEER_MAX 64        /* bytes kept of a peer's address */
#define SERVE_LOW_WATER 16384    /* the high-water mark of each, when all together have too much */
#define SERVE_LINGER_BYTES 65536 /* input thrown away at most after an error */
#define SERVE_LINGER_NS 1000000000 /* and for how long */
#define SERVE_WRITE_CHUNK 16384    /* output that a peer must take within its write timeout */
#define SERVE_FLUSH_NS 30000000000 /* the write timeout of last output, where there is none */
#define SERVE_TIMERS_A_STEP 256    /* due connections handled in one step */
#define SERVE_BACKLOG_A_STEP 64    /* connections whose codec holds input, handled in one step */
#define SERVE_INPUT_A_TURN 262144  /* decoded bytes of a connection before it is others' turn */

struct conn;

/* A protocol: what speaks on a connection once its magic was read. One row in a listener's table.
 */
struct protocol {
    struct span magic; /* SERVE_MAGIC_SIZE bytes */

    /* A connection has chosen this protocol. Returns the protocol's own state for it. */
    void *(*open)(void *service, struct conn *conn, int64_t now);

    /* For connections that conn_connect made: it is OPEN; or, with a reason (borrowed), it could
     * not be made, and `conn` may not be used any more. */
    void (*connected)(void *service, void *session, struct span why, int64_t now);

    /* Input; returns the bytes consumed, which are all of them unless conn_may_read turned false.
     */
    size_t (*recv)(void *service, void *session, struct span in, int64_t now);

    /* End of input. */
    void (*eof)(void *service, void *session, int64_t now);

    /* The time given to conn_set_due has come. */
    void (*due)(void *service, void *session, int64_t now);

    /* The codec that conn_add_codec put on has ended its handshake, or has failed in it and is off
     * again: `why` is empty, or says why (borrowed). */
    void (*upgraded)(void *service, void *session, struct span why, int64_t now);

    /* Unsent output has fallen to the high-water mark again. */
    void (*drained)(void *service, void *session, int64_t now);

    /* The connection is gone, or given up, and `conn` may not be used any more; frees the state. */
    void (*closed)(void *service, void *session, int64_t now);
};

/* What is behind one listening address. Everything is borrowed as long as the serve lives. */
struct listener {
    void *service; /* handed to the protocols */
    const struct protocol *protocols;
    size_t protocol_count;
    struct span bad_magic; /* the answer to any other magic, as it stands on the wire */
};

enum conn_state {
    CONN_CONNECTING,
    CONN_MAGIC,
    CONN_OPEN,
    CONN_FLUSHING,
    CONN_LINGERING,
    CONN_DONE
};

struct conn {
    struct serve *serve;
    uint64_t id;
    const struct listener *listener; /* NULL: this side has made the connection */
    void *service;
    const struct protocol *protocol; /* from OPEN on, or CONNECTING */
    void *session;                   /* the protocol's; NULL: not begun, or ended */
    enum conn_state state;
    bool input_paused; /* the protocol wants no input for now */
    bool eof;          /* the peer sends no more */
    bool linger;       /* FLUSHING goes on to LINGERING */
    uint8_t magic_size;
    uint8_t magic[SERVE_MAGIC_SIZE];
    struct list changed; /* in serve->changed */
    struct buf out;      /* for the socket */
    struct stack *stack; /* NULL: no codec */
    struct list backlog; /* in serve->backlog: the stack may hold input that nobody waits for */
    bool shaking;        /* OPEN, and the uppermost codec is in its handshake */
    bool switched;       /* a codec was put on within a call of the protocol */
    bool input_over;     /* the protocol was told that no more comes */
    int64_t shake_deadline;
    size_t limit;          /* unsent bytes above which the output is full */
    size_t buffered;       /* its part of serve->buffered */
    size_t left;           /* input that was offered and not taken: the shell keeps it */
    bool full;             /* the output came to be full, and nobody was told that it drained */
    int64_t full_since;    /* when it did */
    uint64_t queued;       /* bytes ever appended to out */
    uint64_t mark;         /* so many of them must have been sent .. */
    int64_t mark_deadline; /* .. by then; INT64_MAX: nothing waits */
    int64_t write_timeout; /* ns; 0 = none */
    int64_t due;           /* the protocol's; INT64_MAX = none */
    int64_t linger_deadline;
    size_t linger_read;
    struct heap_node timer; /* at the earliest of the deadlines above, or before it */
    int64_t timer_at;
    struct list connect; /* in serve->to_connect */
    struct buf address;  /* what to connect to */
    uint8_t peer_size;
    uint8_t peer[SERVE_PEER_MAX];
};

struct serve_config {
    size_t max_connections; /* stops a flood of connections from taking all descriptors */
    size_t high_water;    /* unsent bytes of a connection after which it is not read from, and gets
                             no messages; stops a peer that never reads from filling the memory */
    size_t buffered_most; /* what all together may buffer before that mark is SERVE_LOW_WATER for
                             who is sent more; stops many such peers; 0 = no bound */
};

/* What a program adds to what serve does for its connections. Each may be NULL. serve calls them
 * behind its own part of the function of the same name in serve/handler.h. */
struct serve_hooks {
    void *self;
    void (*step)(void *self, int64_t now);
    int64_t (*next_deadline)(void *self);
    struct ask (*next_ask)(void *self); /* serve itself asks for log lines and connections */
    void (*answer)(void *self, uint64_t ticket, const struct answer *answer, int64_t now);
    void (*wall)(void *self, int64_t offset);
    void (*stop)(void *self, int64_t now);
};

struct slot {
    struct conn *conn; /* NULL: free */
    uint32_t generation;
    uint32_t next_free;
};

struct serve {
    struct serve_config config;
    const struct listener *listeners;
    size_t listener_count;
    struct log *log;
    struct serve_hooks hooks;
    struct log_event *shown; /* what the last ask lent out */
    struct slot *slots;
    size_t slot_count;
    uint32_t first_free; /* slot_count: none */
    size_t conn_count;
    size_t buffered; /* bytes of memory that unsent output and input left over take */
    struct heap timers;
    struct list changed;
    struct list backlog;    /* of struct conn */
    struct list to_connect; /* of struct conn: the shell was not asked yet */
    bool stopping;
};

/* Everything is borrowed but the hooks, which are copied; NULL: the service has none. */
void serve_init(struct serve *serve, const struct serve_config *config,
                const struct listener *listeners, size_t listener_count, struct log *log,
                const struct serve_hooks *hooks);

/* Ends all connections, without a word to their peers. */
void serve_free(struct serve *serve);

/* The service as the shell sees it; borrowed as long as the serve lives. */
struct tcp_handler serve_handler(struct serve *serve);

/* The functions of that handler: serve/handler.h says what each does. `self` is the struct serve.
 */
uint64_t serve_open(void *self, unsigned listener, struct span peer, int64_t now);
void serve_connected(void *self, uint64_t id, struct span why, int64_t now);
size_t serve_recv(void *self, uint64_t id, struct span in, int64_t now);
void serve_eof(void *self, uint64_t id, int64_t now);
void serve_closed(void *self, uint64_t id, enum closed_reason reason, int64_t now);
size_t serve_out(void *self, uint64_t id, struct span *spans, size_t most, int64_t now);
void serve_sent(void *self, uint64_t id, size_t n, int64_t now);
unsigned serve_want(void *self, uint64_t id);
void serve_step(void *self, int64_t now);
int64_t serve_next_deadline(void *self);
uint64_t serve_next_changed(void *self);
struct ask serve_next_ask(void *self);
void serve_answer(void *self, uint64_t ticket, const struct answer *answer, int64_t now);
void serve_wall(void *self, int64_t offset);
void serve_stop(void *self, int64_t now);
bool serve_stopped(void *self);

/* --- for protocols ---------------------------------------------------------------------------- */

/* A connection of this side's own making, to "host:port". It counts as any other; NULL: there are
 * too many, or the end has begun. `session` is the protocol's state; `connected` tells how it went,
 * and the deadline of conn_set_due holds meanwhile. */
struct conn *conn_connect(struct serve *serve, struct span address, const struct protocol *protocol,
                          void *service, void *session);

/* Ends a connection at once whose protocol wants to hear no more of it, not even `closed`. What is
 * unsent is dropped. */
void conn_leave(struct conn *conn);

/* Appends output; it leaves when the step ends. Nothing is added once the connection is finished.
 */
void conn_send(struct conn *conn, struct span data, int64_t now);

/* Bytes of output that are not sent yet. */
size_t conn_unsent(const struct conn *conn);

/* Whether unsent output is above the high-water mark. */
bool conn_is_full(const struct conn *conn);

/* Whether the protocol may take more input: it is open, not paused, and its output is not full. */
bool conn_may_read(const struct conn *conn);

/* Stops and resumes input. */
void conn_pause_input(struct conn *conn, bool paused);

/* When to call the protocol's `due`, once; INT64_MAX = never. Moving it later costs nothing. */
void conn_set_due(struct conn *conn, int64_t due);

/* How long the peer may take, in ns, for each chunk of the output that waits for it, before the
 * connection is closed; 0 = for ever. A chunk is what there is, at most SERVE_WRITE_CHUNK bytes:
 * nsqd's deadline too is for each write, so a slow reader is not one that stands still. */
void conn_set_write_timeout(struct conn *conn, int64_t timeout, int64_t now);

/* Puts a codec, which the connection now owns, upon its socket and upon the codecs that are there;
 * what was sent before goes out without it, and input that was not consumed goes through it. A
 * codec that needs a handshake has `handshake_timeout` ns for it; its end is told with `upgraded`.
 * Not during a handshake, and not when conn_codecs is STACK_CODECS_MAX already. */
void conn_add_codec(struct conn *conn, struct codec codec, int64_t handshake_timeout, int64_t now);

/* How many codecs are on. */
size_t conn_codecs(const struct conn *conn);

/* Who the peer has shown itself to be, by what a codec knows; empty: nobody. Borrowed. */
struct span conn_peer_name(const struct conn *conn);

/* Ends the connection: what is unsent is sent, nothing more is read. With linger, input is thrown
 * away for a while before the socket closes; it is for connections that may have unread input. */
void conn_finish(struct conn *conn, bool linger, int64_t now);

/* The address of the peer as text. */
struct span conn_peer(const struct conn *conn);

#endif
