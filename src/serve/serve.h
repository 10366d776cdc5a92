/* SPDX-License-Identifier: MIT */
/*
 * Owns: any TCP service as a value, and so the tcp_handler of serve/handler.h: its listeners, its
 * connections, which of them have changed, and whose turn it is. Must not know: any protocol,
 * sockets, clocks.
 *
 * A program fills a table of listeners and, when it does more than its protocols do, hooks. Then
 * the shell drives serve_handler() by the round of serve/drive.h. tests/unit/test_echo.c is a whole
 * service in 50 lines.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include <nsq/span.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/log.h"
#include "serve/conn.h"
#include "serve/handler.h"

#define SERVE_TIMERS_A_STEP 256 /* due connections that one step handles */
#define SERVE_BACKLOG_A_STEP 64 /* connections whose codecs hold input that one step handles */

/* What is behind one listening address. Everything is borrowed as long as the serve lives. A
 * listener for several protocols names magic_protocol (serve/magic.h). */
struct listener {
    const struct protocol *protocol;
    void *service; /* handed to the protocol */
    struct conn_log_forms forms;
};

struct serve_config {
    size_t max_connections; /* stops a flood of connections from taking all descriptors */
    size_t high_water;      /* bytes of unsent output above which a connection is full: it is not
                               read from and gets no messages. Stops a peer that never reads from
                               filling the memory */
    size_t buffered_most;   /* bytes that all connections together may buffer; above it the mark of
                               each one that is sent more is CONN_LOW_WATER. Stops many peers that
                               never read. 0: no bound */
};

/* What a program adds. Each function may be NULL. serve calls it behind its own part of the
 * function of the same name in serve/handler.h. */
struct serve_hooks {
    void *self;
    void (*step)(void *self, int64_t now);
    int64_t (*next_deadline)(void *self);
    struct ask (*next_ask)(void *self); /* serve itself asks for log lines and connections */
    void (*answer)(void *self, uint64_t ticket, const struct answer *answer, int64_t now);
    void (*wall)(void *self, int64_t offset);
    void (*stop)(void *self, int64_t now);
};

struct serve_slot {
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
    struct serve_slot *slots;
    size_t slot_count;
    uint32_t first_free; /* slot_count: none */
    size_t conn_count;
    size_t buffered; /* bytes of memory in unsent output and in input that was not consumed */
    struct heap timers;
    struct list changed;    /* of struct conn */
    struct list backlog;    /* of struct conn */
    struct list to_connect; /* of struct conn: the shell was not asked yet */
    bool stopping;
};

/* Everything is borrowed but the hooks, which are copied; NULL: there are none. */
void serve_init(struct serve *serve, const struct serve_config *config,
                const struct listener *listeners, size_t listener_count, struct log *log,
                const struct serve_hooks *hooks);

/* Ends all connections; their peers are sent nothing. */
void serve_free(struct serve *serve);

/* The service as the shell sees it; borrowed as long as the serve lives. */
struct tcp_handler serve_handler(struct serve *serve);

/* The functions of that handler; serve/handler.h has their contract. `self` is the struct serve. */
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

/* --- for serve/conn.c ------------------------------------------------------------------------- */

/* Whether another connection may begin. */
bool serve_has_room(const struct serve *serve);

/* Gives a connection a slot, and its id; takes that back. */
void serve_add_conn(struct serve *serve, struct conn *conn);
void serve_remove_conn(struct serve *serve, struct conn *conn);

#endif
