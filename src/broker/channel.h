/* SPDX-License-Identifier: MIT */
/*
 * Owns: a channel: its queue, its messages in flight, its deferred messages, and its consumers. The
 * ready consumers get the messages one after another.
 *
 * A message of a channel is either in the queue, in flight, or deferred. This diagram shows all its
 * moves:
 *
 *     topic --put--> queue --deliver--> in flight --finish--> gone
 *       \              ^                   |  |
 *        \             +---- timed out ----+  |
 *         \            +---- requeue 0 ----+--+
 *          \           |                   |
 *           +-defer-> deferred <-- requeue n
 *
 * A message that moves to the queue of an ephemeral channel is dropped when that queue is full. A
 * message is also dropped when the sample rate of a consumer (sample_rate) leaves it out, and when
 * the channel is emptied or deleted.
 *
 * A consumer is ready while it has fewer messages in flight than its ready count (RDY) and is not
 * blocked. A delivery does not lower the ready count. Only broker_deliver and broker_deliver_to
 * deliver messages: one message in each call.
 */
#ifndef BROKER_CHANNEL_H
#define BROKER_CHANNEL_H

#include "base/sorted.h"
#include "base/table.h"
#include "broker/body.h"
#include "broker/core.h"
#include "broker/timed.h"

struct topic;

struct channel {
    struct table_entry entry;     /* in topic->table */
    struct sorted_entry in_order; /* in topic->channels_in_order */
    struct list link;             /* in topic->channels, or in core->ending_channels */
    struct broker_core *core;
    struct topic *topic; /* NULL: the channel was deleted */
    const bool *ending;  /* points to true when the channel or its topic was deleted */
    struct name name;
    uint64_t serial; /* > 0; larger than the serials of all older channels of the topic */
    /* The values of topic->admitted and topic->admitted_delayed at the time when the channel was
     * made. The channel gets only messages that were admitted later (broker/topic.h). */
    uint64_t first;
    uint64_t first_delayed;
    bool ephemeral;
    bool paused;
    struct queue queue;
    struct timed *timed;              /* in flight and deferred; NULL: the channel was deleted */
    struct list consumers;            /* of struct consumer */
    struct sorted consumers_in_order; /* the same consumers, in the order in which they joined */
    uint64_t joined;                  /* how many consumers have ever joined */
    size_t consumer_count;
    struct list ready; /* of struct consumer: the ready ones; the first one gets the next message */
    int64_t capacity;  /* how many messages the ready consumers can get now */
    struct latency *latency; /* NULL: no percentile is configured, or the channel was deleted */
    struct list active_link; /* in core->active while the queue and the ready list are not empty */
    /* nsqd's /stats shows the next three counters. */
    uint64_t message_count;
    uint64_t requeue_count;
    uint64_t timeout_count;
    uint64_t drop_count; /* messages dropped because the queue was full; not in /stats */
};

/* A consumer of a channel. The struct is a part of its owner (for V2, of a session). The broker
 * does not read `owner`. */
struct consumer {
    struct channel *channel;      /* NULL when not subscribed */
    struct list link;             /* in channel->consumers, or in core->orphans */
    struct sorted_entry in_order; /* in channel->consumers_in_order */
    uint8_t place[8]; /* the consumers of the channel are numbered from 1, in the order in which
                         they joined. This field is the consumer's number, big-endian. So it can be
                         the name in a sorted set */
    struct list ready_link;            /* in channel->ready */
    struct subscription *subscription; /* NULL when not subscribed */
    void *owner;
    int64_t ready_count; /* RDY */
    int64_t in_flight_count;
    int64_t capacity;    /* how many messages the consumer can get now; it is ready while this
                          * number is > 0 */
    int64_t msg_timeout; /* ns from a delivery to its timeout */
    int32_t sample_rate; /* how many percent of the messages are delivered; 0: all */
    bool blocked;        /* its owner wants no messages now, so the consumer is not ready */
    bool orphan; /* its channel was deleted, and broker_next_orphan has not returned the consumer
                  * yet */
    /* nsqd's /stats shows five values of a consumer: RDY, the number of messages in flight, and the
     * next three counters. */
    uint64_t message_count; /* deliveries */
    uint64_t finish_count;
    uint64_t requeue_count;
};

/* How many bytes of the memory budget one channel uses. */
#define CHANNEL_COST (sizeof(struct channel) + ALLOC_OVERHEAD + TIMED_COST)

/* A message that is to be sent to a consumer. `body` is borrowed until the next call of a function
 * of the broker. */
struct delivery {
    struct consumer *consumer;
    struct body *body;
    uint16_t attempts;
};

enum channel_result {
    CHANNEL_OK = 0,
    CHANNEL_NOT_IN_FLIGHT, /* no message with this id is in flight in the channel */
    CHANNEL_NOT_OWNER,     /* a message with this id is in flight, but not for this consumer */
    CHANNEL_FULL,          /* the channel has max_consumers already */
};

/* Returns a new channel, which is not in the topic's table yet. */
struct channel *channel_new(struct broker_core *core, struct topic *topic, struct span name,
                            int64_t now);

/* Returns how many bytes of the memory budget a new channel uses. */
static inline size_t channel_cost(const struct broker_core *core)
{
    return CHANNEL_COST + (core->config.latency.percentile_count > 0 ? LATENCY_COST : 0);
}

/* Ends a channel that was removed from its topic, in constant time. From then on its consumers get
 * no messages. broker_collect frees its messages and calls channel_collect. */
void channel_end(struct channel *channel);

/* Takes one consumer from a channel that was ended, and makes this consumer an orphan
 * (broker/topology.h). If no consumer is left, frees the channel. */
void channel_collect(struct channel *channel);

/* Puts a message from the topic into the channel's queue. A full ephemeral channel drops the
 * message, as nsqd does. The channel owns the message afterwards. */
void channel_put(struct channel *channel, struct message *message);

/* Puts all messages of a queue of the topic into the channel's queue, in constant time. The channel
 * must not be ephemeral. The queue is empty afterwards. */
void channel_put_all(struct channel *channel, struct queue *messages);

/* Takes a message of the topic and holds it for `delay` ns. Then the message goes into the
 * channel's queue. The channel owns the message afterwards, also during the delay. */
void channel_defer(struct channel *channel, struct message *message, int64_t delay, int64_t now);

/* Stops the delivery of messages when `paused` is true, and resumes it when `paused` is false. In a
 * paused channel, messages in flight can still be finished, requeued and touched, and they still
 * time out. */
void channel_pause(struct channel *channel, bool paused);

/* Adds a consumer, which must not be subscribed. The caller must have set its msg_timeout and
 * sample_rate before. Returns CHANNEL_OK or CHANNEL_FULL. */
enum channel_result channel_join(struct channel *channel, struct consumer *consumer);

/* Removes a consumer from its channel, in O(log n) for n consumers. The messages that are in flight
 * to this consumer stay in flight until they time out, as in nsqd. */
void channel_leave(struct consumer *consumer);

/* Drops all messages of the channel: queued, in flight and deferred. The time of the
 * call grows only with the number of consumers. broker_collect frees the messages. */
void channel_empty(struct channel *channel);

/* Returns true when the channel or its topic was deleted. Then the channel delivers nothing, and
 * its consumers become orphans in one of the next calls. */
static inline bool channel_is_ending(const struct channel *channel)
{
    return *channel->ending;
}

/* Returns how many messages of the channel are in flight. */
size_t channel_in_flight_count(const struct channel *channel);

/* Returns how many messages the channel has: queued, in flight and deferred. */
size_t channel_held(const struct channel *channel);

/* Returns true when the consumer is ready and the queue of its channel has a message. The function
 * is inline because it is called after every command. */
static inline bool consumer_can_receive(const struct consumer *consumer)
{
    return consumer->channel != NULL && consumer->capacity > 0 &&
           !list_empty(&consumer->channel->active_link) && !channel_is_ending(consumer->channel);
}

/* Sets the ready count (RDY). The consumer may be an orphan. */
void consumer_set_ready(struct consumer *consumer, int64_t count);

/* While `blocked` is true, the consumer gets no messages, for example because it has too much
 * unsent output. The consumer may be an orphan. */
void consumer_set_blocked(struct consumer *consumer, bool blocked);

/* The next three functions return CHANNEL_OK, CHANNEL_NOT_IN_FLIGHT or CHANNEL_NOT_OWNER. An orphan
 * has no messages in flight, so it gets CHANNEL_NOT_IN_FLIGHT. */

/* FIN: removes and frees a message in flight, and notes how long its processing took. `wall` is the
 * time since 1970 in ns. */
enum channel_result consumer_finish(struct consumer *consumer, struct span id, int64_t now,
                                    int64_t wall);

/* REQ: takes a message that is in flight and puts it back into the queue, after `delay` ns. */
enum channel_result consumer_requeue(struct consumer *consumer, struct span id, int64_t delay,
                                     int64_t now);

/* TOUCH: moves the deadline of a message in flight to `timeout` ns after `now`. The new deadline is
 * at most max_msg_timeout after the delivery. */
enum channel_result consumer_touch(struct consumer *consumer, struct span id, int64_t timeout,
                                   int64_t now);

/* Delivers the next message of a channel to the next ready consumer. Afterwards the message is in
 * flight, and *delivery is set. The channel must be in core->active. Returns false when the message
 * was dropped instead, because of the consumer's sample_rate. */
bool channel_deliver(struct channel *channel, int64_t now, struct delivery *delivery);

/* Takes a message that is in flight and puts it at the end of the queue. Called when the message
 * has timed out. If the channel was emptied or deleted, frees the message instead. */
void in_flight_expire(struct in_flight *f);

/* Puts a deferred message at the end of the queue. Called when its delay is over. If the channel
 * was emptied or deleted, frees the message instead. */
void deferred_expire(struct deferred *d);

#endif
