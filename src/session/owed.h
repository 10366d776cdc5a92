/* SPDX-License-Identifier: MIT */
/*
 * Owns: the owed replies of a session, in the order of their commands. A reply is owed when it
 * cannot be sent yet. When a PUB, MPUB or DPUB must wait for the disk, its reply is owed and the
 * session continues to parse. While a reply is owed, every later reply is owed too, because
 * replies must be sent in the order of the commands. Messages and heartbeats do not wait in this
 * queue.
 * Must not know: how replies are sent.
 */
#ifndef SESSION_OWED_H
#define SESSION_OWED_H

#include "base/budget.h"
#include "serve/ticket.h"
#include "session/reply.h"

struct owed {
    struct owed *next; /* the reply of a later command */
    void *owner;       /* the session; ticket.answered uses it */
    enum nsq_command_id command;
    struct ticket ticket; /* while ticket.number != 0, `reply` is not known yet */
    struct reply reply;
};

/* A struct of zeros is an empty queue. */
struct owed_queue {
    struct owed *first;
    struct owed *last;
    size_t n;
};

/* Adds a reply at the end of the queue and returns its entry. The queue owns the reply afterwards.
 * Charges the memory budget even when the budget has no room. This is safe because
 * v2_config.max_owed_replies bounds the number of entries. */
struct owed *owed_push(struct owed_queue *q, struct reply reply, struct budget *budget);

/* Sets the reply of an entry whose ticket was answered. The entry owns the reply afterwards. */
void owed_settle(struct owed *owed, struct reply reply, struct budget *budget);

/* Returns true when the queue is not empty and its first reply is known. */
static inline bool owed_has_known(const struct owed_queue *q)
{
    return q->first != NULL && q->first->ticket.number == 0;
}

/* Removes the first reply and returns it. The reply must be known. The caller owns it
 * afterwards. */
struct reply owed_pop(struct owed_queue *q, struct budget *budget);

/* Frees all replies and removes their tickets from `tickets`. So later answers to these tickets are
 * ignored. */
void owed_clear(struct owed_queue *q, struct tickets *tickets, struct budget *budget);

/* Returns how many bytes one entry and the text of its reply cost in the memory budget. */
size_t owed_cost(const struct owed *owed);

#endif
