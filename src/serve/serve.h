/* SPDX-License-Identifier: MIT */
/*
 * Owns: one TCP service in one struct, for any protocol. The struct contains the listeners, the
 * connections, the list of changed connections, and the order of the connections' turns. A struct
 * serve implements the tcp_handler of serve/handler.h. Must not know: any protocol, sockets,
 * clocks.
 *
 * A program uses a struct serve as follows. The program fills a table of listeners. If it has work
 * that is not part of a protocol, it also fills struct serve_hooks. It gives the functions of
 * serve_handler() to the shell, which calls them in the order that serve/drive.h describes. The
 * backlog is the list of connections whose codecs may hold input for the protocol.
 * tests/unit/test_echo.c contains a complete service of 50 lines, and its test.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include <nsq/span.h>

#include "base/budget.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/log.h"
#include "serve/conn.h"
#include "serve/handler.h"

/* One step handles at most this many deadlines of connections. */
#define SERVE_TIMERS_A_STEP 256
/* While the service stops, one step closes at most this many connections. */
#define SERVE_STOPS_A_STEP 32
/* One step handles at most this many connections of the backlog. */
#define SERVE_BACKLOG_A_STEP 64
/* Bytes. When one step has decoded this many for connections of the backlog, the other connections
 * of the backlog wait for the next step. */
#define SERVE_DECODED_A_STEP 262144
/* When more than this number of connections have an event at the same time (tcp_handler.crowd),
 * less is read from each of them. */
#define SERVE_CROWD 64

/* What one listening address serves. Everything is borrowed and must live as long as struct serve.
 * A listener that accepts several protocols uses magic_protocol (serve/magic.h). */
struct listener {
    const struct protocol *protocol;
    void *service; /* passed to the protocol */
    struct conn_log_forms forms;
};

struct serve_config {
    /* The largest number of connections at the same time. Without this limit, a flood of
     * connections could use up all file descriptors. */
    size_t max_connections;
    /* Bytes of unsent output above which a connection is full. The server does not read from a full
     * connection, and sends no messages to its consumer. Without this limit, a peer that never
     * reads could fill the memory. */
    size_t high_water;
    /* ns. Output that may wait (conn_gather) is sent at most once in this time. 0: it never waits.
     * A call of the system for each small piece of output would cost most of the processor time. */
    int64_t gather_timeout;
    /* Counts the memory that all connections together hold (base/budget.h). While this memory is
     * more than their share of the budget, two rules apply. Each connection with unsent output is
     * full, and the shell reads at most CONN_READ_LITTLE bytes at a time. Without this limit, many
     * peers that never read could fill the memory. Borrowed. NULL: there is no limit. */
    struct budget *budget;
};

/* Functions that a program adds. Each function may be NULL. Each function belongs to the function
 * with the same name in serve/handler.h: src/serve does its own work first, and then calls the
 * function of the program. */
struct serve_hooks {
    void *self;
    void (*step)(void *self, int64_t now, int64_t judged);
    int64_t (*next_deadline)(void *self);
    struct ask (*next_ask)(void *self); /* called when src/serve itself has no request to the
                                         * shell */
    void (*answer)(void *self, uint64_t ticket, const struct answer *answer, int64_t now);
    void (*crowd)(void *self, size_t connections);
    void (*wall)(void *self, int64_t offset);
    void (*stop)(void *self, int64_t now);
    bool (*stopped)(void *self);
};

struct serve_slot {
    struct conn *conn; /* NULL: the slot is free */
    uint32_t generation;
    uint32_t next_free;
};

struct serve {
    struct serve_config config;
    const struct listener *listeners;
    size_t listener_count;
    struct log *log;
    struct serve_hooks hooks;
    struct log_event *shown; /* the event of the last ASK_LOG, which the shell still borrows */
    struct serve_slot *slots;
    size_t slot_count;
    uint32_t first_free; /* equal to slot_count: no slot is free */
    size_t conn_count;
    struct budget no_limit; /* used when the configuration has no budget */
    struct heap timers;
    struct list changed; /* of struct conn */
    struct list backlog; /* of struct conn */
    /* A handshake takes milliseconds of processor time. So between two steps at most one connection
     * does a part of a handshake. Connections with other input then do not wait for many
     * handshakes. */
    struct list handshakes;      /* of struct conn: their input waits for a turn */
    struct conn *handshake_turn; /* the connection that may do a part now; NULL: no connection
                                  * may */
    int handshake_rest;     /* how many steps must still pass before the next part of a handshake */
    struct list to_connect; /* of struct conn: new connections to other servers that next_ask has
                               not passed to the shell yet */
    size_t crowd;           /* how many connections have an event now */
    uint64_t decoded;       /* bytes that codecs have decoded so far */
    bool stopping;
    size_t stop_next; /* while stopping: the index of a slot; the connections in all slots before it
                       * are closed */
    bool stop_told;   /* the stop has closed all connections, and hooks.stop was called */
};

/* Initialises a struct serve. The configuration and the hooks are copied; `hooks` may be NULL. The
 * listeners and the log are borrowed. */
void serve_init(struct serve *serve, const struct serve_config *config,
                const struct listener *listeners, size_t listener_count, struct log *log,
                const struct serve_hooks *hooks);

/* Frees all connections and the memory of `serve`. Nothing is sent to their peers. */
void serve_free(struct serve *serve);

/* Returns the service as the shell sees it. The result is valid as long as `serve`. */
struct tcp_handler serve_handler(struct serve *serve);

/* The functions of the handler that serve_handler returns. serve/handler.h describes them. `self`
 * is the struct serve. */
uint64_t serve_open(void *self, unsigned listener, struct span peer, int64_t now);
void serve_connected(void *self, uint64_t id, struct span why, int64_t now);
void serve_crowd(void *self, size_t connections);
size_t serve_recv(void *self, uint64_t id, struct span in, int64_t now);
size_t serve_last(void *self, uint64_t id, struct span in, int64_t now);
void serve_eof(void *self, uint64_t id, int64_t now);
void serve_closed(void *self, uint64_t id, enum closed_reason reason, int64_t now);
size_t serve_out(void *self, uint64_t id, struct span *spans, size_t most, int64_t now);
void serve_sent(void *self, uint64_t id, size_t n, int64_t now);
unsigned serve_want(void *self, uint64_t id);
size_t serve_read_most(void *self, uint64_t id);
void serve_step(void *self, int64_t now, int64_t judged);
int64_t serve_next_deadline(void *self);
uint64_t serve_next_changed(void *self);
struct ask serve_next_ask(void *self);
void serve_answer(void *self, uint64_t ticket, const struct answer *answer, int64_t now);
void serve_wall(void *self, int64_t offset);
void serve_resident(void *self, size_t bytes);
void serve_stop(void *self, int64_t now);
bool serve_stopped(void *self);

/* --- for serve/conn.c ------------------------------------------------------------------------- */

/* Returns true when another connection may begin. */
bool serve_has_room(const struct serve *serve);

/* Gives a slot and an id to a connection. */
void serve_add_conn(struct serve *serve, struct conn *conn);

/* Frees the slot of a connection. */
void serve_remove_conn(struct serve *serve, struct conn *conn);

#endif
