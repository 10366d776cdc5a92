/* SPDX-License-Identifier: MIT */
/*
 * Owns: one duty to deliver a body, and the first-in first-out queue of such duties that a topic
 * and each channel has. At any time a message is in exactly one place: a queue, in flight or
 * deferred. The first message of a body lies in the body and costs nothing beside it.
 */
#ifndef BROKER_MESSAGE_H
#define BROKER_MESSAGE_H

#include <nsq/span.h>

#include "base/alloc.h"
#include "base/budget.h"

struct body;

struct message {
    struct message *next; /* in a queue */
    struct body *body;    /* one reference */
    uint16_t attempts;    /* deliveries so far; wraps to 0 after 65535, as nsqd's does */
};

#define MESSAGE_COST                                                                               \
    (sizeof(struct message) + ALLOC_OVERHEAD) /* what each but the first is charged */

/* All zeros is an empty queue. */
struct queue {
    struct message *first;
    struct message *last;
    size_t n;
};

/* The first message of a new body; takes the caller's reference. */
struct message *message_first(struct body *body);

/* One more message of a body, with a reference of its own. */
struct message *message_share(struct body *body, struct budget *budget);

/* Ends a message that is in no queue, and its reference. */
void message_drop(struct message *message, struct budget *budget);

/* Takes a message that is in no queue and puts it at the end. */
void queue_push(struct queue *q, struct message *message);

/* Returns the first message to the caller; NULL when there is none. */
struct message *queue_pop(struct queue *q);

/* Drops all messages. */
void queue_clear(struct queue *q, struct budget *budget);

#endif
