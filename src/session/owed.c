/* SPDX-License-Identifier: MIT */
/*
 * Manages the queue of owed replies. Must not know how a reply is sent, nor when a session ends.
 */
#include "session/owed.h"

#include "base/alloc.h"

size_t owed_cost(const struct owed *owed)
{
    const struct buf *text = owed->reply.text;
    size_t text_cost = text == NULL ? 0 : sizeof *text + text->cap + 2 * ALLOC_OVERHEAD;
    return sizeof *owed + ALLOC_OVERHEAD + text_cost;
}

struct owed *owed_push(struct owed_queue *q, struct reply reply, struct budget *budget)
{
    struct owed *owed = alloc_zeroed(sizeof *owed);
    owed->reply = reply;
    if (q->last == NULL) {
        q->first = owed;
    } else {
        q->last->next = owed;
    }
    q->last = owed;
    q->n++;
    budget_charge(budget, owed_cost(owed));
    return owed;
}

void owed_settle(struct owed *owed, struct reply reply, struct budget *budget)
{
    budget_release(budget, owed_cost(owed));
    owed->reply = reply;
    budget_charge(budget, owed_cost(owed));
}

/* Removes the first entry from the queue and returns it. The caller frees it. */
static struct owed *take_first(struct owed_queue *q)
{
    struct owed *owed = q->first;
    q->first = owed->next;
    q->last = q->first == NULL ? NULL : q->last;
    q->n--;
    return owed;
}

struct reply owed_pop(struct owed_queue *q, struct budget *budget)
{
    struct owed *owed = take_first(q);
    struct reply reply = owed->reply;
    budget_release(budget, owed_cost(owed));
    alloc_free(owed);
    return reply;
}

void owed_clear(struct owed_queue *q, struct tickets *tickets, struct budget *budget)
{
    while (q->first != NULL) {
        tickets_forget(tickets, &q->first->ticket);
        struct reply reply = owed_pop(q, budget);
        reply_free(&reply);
    }
}
