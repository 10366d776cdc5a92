/* SPDX-License-Identifier: MIT */
/*
 * Owns: one duty to deliver a body, and the first-in first-out queue of such duties that a topic
 * and each channel has. At any time a message is in exactly one place: a queue, in flight or
 * deferred.
 */
#ifndef BROKER_MESSAGE_H
#define BROKER_MESSAGE_H

#include <nsq/span.h>

#include "base/alloc.h"
#include "base/budget.h"
#include "broker/body.h"

struct message {
    struct message *next; /* in a queue */
    struct body *body;    /* one reference */
    uint16_t attempts;    /* deliveries so far; wraps to 0 after 65535, as nsqd's does */
};

#define MESSAGE_COST (sizeof(struct message) + ALLOC_OVERHEAD) /* what one is charged */

/* All zeros is an empty queue. */
struct queue {
    struct message *first;
    struct message *last;
    size_t n;
};

/* A new message; takes the caller's reference to the body. */
struct message *message_new(struct body *body, struct budget *budget);

/* Ends a message that is in no queue, and its reference. */
void message_drop(struct message *message, struct budget *budget);

/* Takes a message that is in no queue and puts it at the end. */
void queue_push(struct queue *q, struct message *message);

/* Returns the first message to the caller; NULL when there is none. */
struct message *queue_pop(struct queue *q);

/* Drops all messages. */
void queue_clear(struct queue *q, struct budget *budget);

#endif
