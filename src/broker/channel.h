/* SPDX-License-Identifier: MIT */
/*
 * Owns: a channel: its queue, what is in flight, what is deferred, and its consumers, which take
 * turns.
 *
 * A message of a channel is in exactly one place. These are all its moves:
 *
 *     topic --put--> queue --deliver--> in flight --finish--> gone
 *       \              ^                   |  |
 *        \             +---- timed out ----+  |
 *         \            +---- requeue 0 ----+--+
 *          \           |                   |
 *           +-defer-> deferred <-- requeue n
 *
 * It is dropped when it comes to the full queue of an ephemeral channel, when sampling drops it,
 * and when the channel is emptied or deleted.
 *
 * RDY is a level, not a credit: a consumer is ready while it has fewer messages in flight than its
 * ready count. Only broker_deliver delivers, one message a call.
 */
#ifndef BROKER_CHANNEL_H
#define BROKER_CHANNEL_H

#include "base/table.h"
#include "broker/body.h"
#include "broker/core.h"

struct topic;

struct channel {
    UT_hash_handle hh; /* in the topic's table */
    struct broker_core *core;
    struct topic *topic;
    struct name name;
    bool ephemeral;
    bool paused;
    struct queue queue;
    struct in_flight *in_flight; /* table by message id */
    struct list deferred;        /* of struct deferred */
    size_t deferred_count;
    struct list consumers; /* of struct consumer */
    size_t consumer_count;
    struct list ready; /* of struct consumer: those that may get a message; the first is next */
    int64_t capacity;  /* how many messages these would take now */
    struct list active_link; /* in core->active while the queue and the ready list are not empty */
    /* nsqd's /stats shows these three. */
    uint64_t message_count;
    uint64_t requeue_count;
    uint64_t timeout_count;
    uint64_t drop_count; /* messages that found a full ephemeral channel; see struct topic */
};

/* One subscription. The subscriber owns the struct; `owner` is for its use and is not read here. */
struct consumer {
    struct channel *channel; /* NULL: not subscribed */
    struct list link;        /* in channel->consumers, or in core->orphans */
    struct list ready_link;  /* in channel->ready */
    struct list in_flight;   /* of struct in_flight */
    void *owner;
    int64_t ready_count; /* RDY */
    int64_t in_flight_count;
    int64_t capacity;    /* its part of channel->capacity; more than 0: it is ready */
    int64_t msg_timeout; /* ns from a delivery to its timeout */
    int32_t sample_rate; /* percent of the messages that are delivered; 0 = all of them */
    bool blocked;        /* has too much unsent output: not ready, whatever RDY says */
    bool orphan; /* its channel was deleted, and broker_next_orphan has not returned it yet */
    /* nsqd's /stats shows these three, beside RDY and the in-flight count. */
    uint64_t message_count; /* deliveries */
    uint64_t finish_count;
    uint64_t requeue_count;
};

struct in_flight {
    UT_hash_handle hh; /* in channel->in_flight */
    struct timer timer;
    struct list link; /* in consumer->in_flight */
    struct channel *channel;
    struct consumer *consumer; /* NULL: it has left, and nobody may finish the message */
    struct message *message;
    int64_t delivered_at; /* ns; TOUCH is capped after it */
};

struct deferred {
    struct timer timer;
    struct list link; /* in channel->deferred */
    struct channel *channel;
    struct message *message;
};

/* Bytes charged for each. */
#define CHANNEL_COST (sizeof(struct channel) + TABLE_COST + ALLOC_OVERHEAD)
#define IN_FLIGHT_COST (sizeof(struct in_flight) + sizeof(struct heap_entry) + ALLOC_OVERHEAD)
#define DEFERRED_COST (sizeof(struct deferred) + sizeof(struct heap_entry) + ALLOC_OVERHEAD)

/* A message on its way to a consumer; borrowed until the next call into the broker. */
struct delivery {
    struct consumer *consumer;
    const struct body *body;
    uint16_t attempts;
};

enum channel_result {
    CHANNEL_OK = 0,
    CHANNEL_NOT_IN_FLIGHT, /* no such id is in flight here */
    CHANNEL_NOT_OWNER,     /* it is, but not for this consumer */
    CHANNEL_FULL,          /* the channel has max_consumers already */
};

struct channel *channel_new(struct broker_core *core, struct topic *topic, struct span name);

/* Ends a channel that has no consumers, with its messages. It must be out of the topic's table. */
void channel_free(struct channel *channel);

/* Takes a message from the topic, to deliver it at once or after `delay` ns. A full ephemeral
 * channel drops a message that it should deliver at once, as nsqd does. */
void channel_put(struct channel *channel, struct message *message);
void channel_defer(struct channel *channel, struct message *message, int64_t delay, int64_t now);

/* Stops and resumes delivery. Messages in flight can still be finished, requeued and touched, and
 * time out. */
void channel_pause(struct channel *channel, bool paused);

/* Adds a consumer that has its settings and is not subscribed. CHANNEL_OK or _FULL. */
enum channel_result channel_join(struct channel *channel, struct consumer *consumer);

/* Removes a consumer. What it has in flight stays in flight until it times out, as in nsqd. */
void channel_leave(struct consumer *consumer);

/* Drops all messages: queued, in flight and deferred. */
void channel_empty(struct channel *channel);

/* Removes all consumers; they become orphans (broker/topology.h). */
void channel_orphan_consumers(struct channel *channel);

size_t channel_in_flight_count(const struct channel *channel);

/* Sets RDY; says whether the consumer has too much unsent output. */
void consumer_set_ready(struct consumer *consumer, int64_t count);
void consumer_set_blocked(struct consumer *consumer, bool blocked);

/* FIN, REQ and TOUCH: CHANNEL_OK, _NOT_IN_FLIGHT or _NOT_OWNER. `delay` and `timeout` are ns.
 * Orphans may call these and those above: nothing is in flight for them. */
enum channel_result consumer_finish(struct consumer *consumer, struct span id);
enum channel_result consumer_requeue(struct consumer *consumer, struct span id, int64_t delay,
                                     int64_t now);
enum channel_result consumer_touch(struct consumer *consumer, struct span id, int64_t timeout,
                                   int64_t now);

/* Delivers the next message of a channel that is in core->active to the consumer whose turn it is.
 * False when sampling dropped the message instead. */
bool channel_deliver(struct channel *channel, int64_t now, struct delivery *delivery);

/* The timer is due: the message goes to the end of its queue. */
void in_flight_expire(struct in_flight *f);
void deferred_expire(struct deferred *d);

#endif
