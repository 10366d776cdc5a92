/* SPDX-License-Identifier: MIT */
/*
 * Owns: the table of what waits for an answer from the shell, by the ticket of its ask. Must not
 * know: who waits, and for what.
 *
 * A struct ticket is a part of what waits. Its owner ends it, so an owner that goes away forgets
 * each of its tickets in constant time, and their answers then mean nothing.
 */
#ifndef SERVE_TICKET_H
#define SERVE_TICKET_H

#include <nsq/span.h>

#include "base/table.h"

/* All zeros is a ticket that waits for nothing. */
struct ticket {
    UT_hash_handle hh; /* in tickets->table */
    uint64_t number;   /* of the ask; 0: it waits for nothing */
    /* The answer: `why` is empty when what was asked for is done, else it says why not (borrowed).
     * The ticket waits for nothing any more, and may be freed. */
    void (*answered)(struct ticket *ticket, struct span why, int64_t now);
};

/* All zeros is an empty table. Its memory goes with its last ticket. */
struct tickets {
    struct ticket *table;
};

/* Begins to wait for the answer to ask `number`, which is not 0 and is unique. */
void tickets_wait(struct tickets *tickets, struct ticket *ticket, uint64_t number,
                  void (*answered)(struct ticket *ticket, struct span why, int64_t now));

/* Ends the wait. Does nothing when the ticket waits for nothing. */
void tickets_forget(struct tickets *tickets, struct ticket *ticket);

/* Answers whoever waits for ask `number`; an answer that nobody waits for is ignored. */
void tickets_answer(struct tickets *tickets, uint64_t number, struct span why, int64_t now);

#endif
