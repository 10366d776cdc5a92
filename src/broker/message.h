/* SPDX-License-Identifier: MIT */
/*
 * Owns: the message, which is a body that one channel must deliver, and the first-in first-out
 * queue of messages that a topic and each channel has. Each channel has a message of its own; they
 * share the body. At any time a message is in exactly one place: a queue, in flight or deferred.
 * The first message of a body is stored inside the body and costs no more memory.
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
    (sizeof(struct message) + ALLOC_OVERHEAD) /* bytes charged for each but the first of a body */

/* A struct of zeros is an empty queue. */
struct queue {
    struct message *first;
    struct message *last;
    size_t n;
};

/* The first message of a new body. It takes the caller's reference. */
struct message *message_first(struct body *body);

/* One more message of a body. It has a reference of its own. */
struct message *message_share(struct body *body, struct budget *budget);

/* Ends a message that is in no queue, and gives up its reference. */
void message_drop(struct message *message, struct budget *budget);

/* Puts a message that is in no queue at the end. */
void queue_push(struct queue *q, struct message *message);

/* Takes the first message out and returns it; NULL when there is none. */
struct message *queue_pop(struct queue *q);

/* Drops all messages. */
void queue_clear(struct queue *q, struct budget *budget);

#endif
