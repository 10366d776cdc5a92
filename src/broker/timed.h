/* SPDX-License-Identifier: MIT */
/*
 * Owns: the messages of one channel that have a timer: those in flight and those that are deferred.
 * A channel can drop all of them in constant time: it drops its struct timed and gets a new one.
 * Later calls of broker_collect free the messages of the dropped struct; each call frees a part of
 * them.
 *
 * How long it takes to remove a consumer does not depend on the number of its messages in flight.
 * These messages do not point to the consumer itself. They point to its struct subscription, which
 * says whether the consumer has left.
 *
 * Must not know: queues, and which consumer gets a message.
 */
#ifndef BROKER_TIMED_H
#define BROKER_TIMED_H

#include "base/split_table.h"
#include "broker/body.h"
#include "broker/core.h"

struct channel;
struct consumer;

/* The link between a consumer and its messages in flight. SUB makes this struct. It is freed when
 * the consumer has left and none of the consumer's messages is in flight. */
struct subscription {
    size_t refs;               /* number of messages in flight, plus 1 until the consumer leaves */
    struct consumer *consumer; /* NULL after the consumer has left */
};

struct timed {
    struct list link; /* in core->ending when `channel` is NULL */
    struct broker_core *core;
    struct channel *channel;      /* NULL: the channel has dropped these messages */
    struct split_table in_flight; /* of struct in_flight, by message id */
    struct list deferred;         /* of struct deferred */
    size_t deferred_count;
};

struct in_flight {
    struct table_entry entry; /* in timed->in_flight */
    struct timer timer;
    struct timed *timed;
    struct subscription *subscription; /* of the consumer that got the message */
    struct message *message;
    int64_t delivered_at; /* ns; TOUCH moves the deadline to at most max_msg_timeout after this
                           * time */
};

struct deferred {
    struct timer timer;
    struct list link; /* in timed->deferred */
    struct timed *timed;
    struct message *message;
};

/* How many bytes of the memory budget the structs above use. The cost of a session includes its
 * subscription. But a subscription can live longer than its session: as long as one of its messages
 * is in flight. Therefore the cost of every message in flight includes a subscription too. */
#define TIMED_COST (sizeof(struct timed) + TABLE_COST + ALLOC_OVERHEAD)
#define SUBSCRIPTION_COST (sizeof(struct subscription) + ALLOC_OVERHEAD)
#define IN_FLIGHT_COST                                                                             \
    (sizeof(struct in_flight) + sizeof(struct heap_entry) + ALLOC_OVERHEAD + SUBSCRIPTION_COST)
#define DEFERRED_COST (sizeof(struct deferred) + sizeof(struct heap_entry) + ALLOC_OVERHEAD)

/* Returns the new struct timed of a channel. */
struct timed *timed_new(struct broker_core *core, struct channel *channel);

/* Called when the channel drops its messages. Frees the struct when it has no messages. If it has
 * messages, broker_collect frees the struct later. */
void timed_end(struct timed *timed);

/* Frees one message of a struct that was ended. When that was the last message, frees the struct
 * too. */
void timed_collect(struct timed *timed);

/* Returns a new subscription of a consumer. */
struct subscription *subscription_new(struct consumer *consumer);

/* Called when the consumer leaves. */
void subscription_end(struct subscription *subscription);

/* Adds a message in flight, which times out at the time `due`. */
void timed_add_in_flight(struct timed *timed, struct subscription *subscription,
                         struct message *message, int64_t now, int64_t due);

/* Returns the message in flight with this id, or NULL. */
struct in_flight *timed_find(const struct timed *timed, uint64_t id);

/* Removes and frees the entry of a message in flight, and returns the message. */
struct message *timed_take_in_flight(struct in_flight *f);

/* timed_first returns any message in flight, or NULL when no message is in flight. timed_next
 * returns another message, or NULL when every message was returned once. */
struct in_flight *timed_first(const struct timed *timed);
struct in_flight *timed_next(const struct in_flight *f);

/* Adds a deferred message, whose delay ends at the time `due`. */
void timed_add_deferred(struct timed *timed, struct message *message, int64_t due);

/* Removes and frees the entry of a deferred message, and returns the message. */
struct message *timed_take_deferred(struct deferred *d);

#endif
