/* SPDX-License-Identifier: MIT */
/*
 * Owns: the replies that a session owes its client, in the order of their commands. A publish that
 * waits for the disk is posted: its reply is owed, the session parses on, and every later reply
 * queues behind it. Messages and heartbeats do not queue. Must not know: how replies are sent.
 */
#ifndef SESSION_OWED_H
#define SESSION_OWED_H

#include "base/budget.h"
#include "serve/ticket.h"
#include "session/reply.h"

struct owed {
    struct owed *next; /* the reply of a later command */
    void *owner;       /* for the ticket's function: the session */
    enum nsq_command_id command;
    struct ticket ticket; /* waits: the reply is not known yet */
    struct reply reply;
};

/* All zeros: nothing is owed. */
struct owed_queue {
    struct owed *first;
    struct owed *last;
    size_t n;
};

/* Adds a reply, which it takes, behind all others. Charged to the budget without asking: it is
 * bookkeeping, which v2_config.max_owed_replies bounds. */
struct owed *owed_push(struct owed_queue *q, struct reply reply, struct budget *budget);

/* The reply that waited for the ticket is known; the session takes it here. */
void owed_settle(struct owed *owed, struct reply reply, struct budget *budget);

/* Whether the first reply is there and known. */
static inline bool owed_has_known(const struct owed_queue *q)
{
    return q->first != NULL && q->first->ticket.number == 0;
}

/* Returns the first reply, which is known, to the caller. */
struct reply owed_pop(struct owed_queue *q, struct budget *budget);

/* Drops all replies; their tickets are forgotten. */
void owed_clear(struct owed_queue *q, struct tickets *tickets, struct budget *budget);

/* What one owed reply is charged, in bytes, with its text. */
size_t owed_cost(const struct owed *owed);

#endif
