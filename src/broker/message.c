/* SPDX-License-Identifier: MIT */
/*
 * Creates and frees messages, and manages queues of messages. Must not know: topics and channels.
 */
#include "broker/message.h"

#include "broker/body.h"

struct message *message_first(struct body *body)
{
    body->first = (struct message){.body = body};
    return &body->first;
}

struct message *message_share(struct body *body, struct budget *budget)
{
    struct message *message = alloc_zeroed(sizeof *message);
    message->body = body;
    body->refs++;
    budget_charge(budget, MESSAGE_COST);
    return message;
}

void message_drop(struct message *message, struct budget *budget)
{
    struct body *body = message->body;
    if (message != &body->first) {
        budget_release(budget, MESSAGE_COST);
        alloc_free(message);
    }
    body_drop(body, budget);
}

void queue_push(struct queue *q, struct message *message)
{
    message->next = NULL;
    if (q->last == NULL) {
        q->first = message;
    } else {
        q->last->next = message;
    }
    q->last = message;
    q->n++;
}

struct message *queue_pop(struct queue *q)
{
    struct message *message = q->first;
    if (message != NULL) {
        q->first = message->next;
        q->last = q->first == NULL ? NULL : q->last;
        q->n--;
    }
    return message;
}

void queue_splice(struct queue *to, struct queue *from)
{
    if (from->n == 0) {
        return;
    }
    if (to->last == NULL) {
        to->first = from->first;
    } else {
        to->last->next = from->first;
    }
    to->last = from->last;
    to->n += from->n;
    *from = (struct queue){0};
}
