/* SPDX-License-Identifier: MIT */
/*
 * Owns: two ordinary clients of a server under load, which never reconnect: one publishes a message
 * every 5 ms, whatever became of those before, the other consumes it; and how long that takes each
 * time. Must not know: what the load is.
 */
#ifndef TESTS_SOAK_PROBE_H
#define TESTS_SOAK_PROBE_H

#include "bench/peer.h"

struct probe {
    struct peers peers; /* of its own: its epoll wakes another one when it is put in there */
    struct peer publisher, consumer;
    bool circling;
    char id[NSQ_MESSAGE_ID_SIZE]; /* circling: of the message */
    bool held;                    /* the consumer has it */
    unsigned answers;             /* to what came before the first message */
    int64_t due;                  /* the next message */
    size_t sent, room;
    int64_t *sent_at;
    int64_t *took; /* ns; 0: not delivered */
    int64_t delivered;
    char broken[128]; /* what the server did that it must not: ended a connection, answered with an
                         error, delivered a message twice; empty when it did not */
};

/* Connects, and waits until the consumer is ready. Ends this process when that fails. */
void probe_start(struct probe *p, const char *address);

/* The same without new messages, for a server that takes none: the consumer requeues one message
 * every 5 ms, and it comes back. */
void probe_start_circling(struct probe *p, const char *address);

/* Handles what came and publishes what is due, without waiting. To be called every ms or so. */
void probe_turn(struct probe *p);

/* ns, of all messages so far; one on its way took its age. */
int64_t probe_p50(const struct probe *p);
int64_t probe_p99(const struct probe *p);
int64_t probe_max(const struct probe *p);

/* Ends both connections. False when it is `broken`. */
bool probe_end(struct probe *p);

void probe_free(struct probe *p);

#endif
