/* SPDX-License-Identifier: MIT */
/*
 * Owns: the message, and the first-in first-out queue of messages. A message is the task of one
 * channel to deliver one body. When several channels must deliver one body, each channel has its
 * own message, and these messages share the body. A topic that has no channel yet keeps one message
 * for each body, and gives it to a channel later. The topic and each of its channels have a queue.
 * A message is always either in a queue, in flight, or deferred. The first message of a body is
 * stored inside the body, so it needs no memory of its own.
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
    uint16_t attempts;    /* number of deliveries; wraps to 0 after 65535, as in nsqd */
};

/* How many bytes of the memory budget each message of a body uses, except the first one. */
#define MESSAGE_COST (sizeof(struct message) + ALLOC_OVERHEAD)

/* A struct of zeros is an empty queue. */
struct queue {
    struct message *first;
    struct message *last;
    size_t n;
};

/* Returns the first message of a new body. The message owns the caller's reference afterwards. */
struct message *message_first(struct body *body);

/* Returns one more message of a body. The message has its own reference to the body. */
struct message *message_share(struct body *body, struct budget *budget);

/* Frees a message that is in no queue, and removes its reference to the body. */
void message_drop(struct message *message, struct budget *budget);

/* Puts a message at the end of a queue. The message must not be in a queue. */
void queue_push(struct queue *q, struct message *message);

/* Removes the first message and returns it. Returns NULL when the queue is empty. */
struct message *queue_pop(struct queue *q);

/* Moves all messages of `from` to the end of `to`, in constant time. `from` is empty afterwards. */
void queue_splice(struct queue *to, struct queue *from);

#endif
