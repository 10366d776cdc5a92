/* SPDX-License-Identifier: MIT */
/*
 * Owns: the probe: two ordinary clients of a server under load, which never reconnect. One
 * publishes a message every 5 ms without waiting for earlier ones, the other consumes it. The probe
 * measures how long each message takes. Must not know: what the load is.
 */
#ifndef TESTS_SOAK_PROBE_H
#define TESTS_SOAK_PROBE_H

#include "bench/peer.h"

struct probe {
    struct peers peers; /* its own; the load's epoll contains this epoll and so wakes for it */
    struct peer publisher, consumer;
    bool circling;
    char id[NSQ_MESSAGE_ID_SIZE]; /* of the one message of a circling probe */
    bool held;                    /* the consumer has that message */
    unsigned answers;             /* to the commands before the first message */
    int64_t due;                  /* when the next message is due */
    size_t sent, room;
    int64_t *sent_at;
    int64_t *took; /* ns; 0: not delivered */
    int64_t delivered;
    char broken[128]; /* what the server did wrong: ended a connection, answered with an error,
                         delivered a message twice. Empty: nothing */
};

/* Connects, and waits until the consumer is ready. Ends this process if that fails. */
void probe_start(struct probe *p, const char *address);

/* The same for a server that refuses new messages: the consumer requeues one message every 5 ms,
 * and it is delivered again. */
void probe_start_circling(struct probe *p, const char *address);

/* Handles what has arrived and publishes what is due, without waiting. Call it about every ms. */
void probe_turn(struct probe *p);

/* ns, of all messages so far. A message that has not arrived counts with its age. */
int64_t probe_p50(const struct probe *p);
int64_t probe_p99(const struct probe *p);
int64_t probe_max(const struct probe *p);

/* Closes both connections. False: see `broken`. */
bool probe_end(struct probe *p);

void probe_free(struct probe *p);

#endif
