/* SPDX-License-Identifier: MIT */
/*
 * Owns: a table of tickets. A ticket is an entry that waits for the answer to one request to the
 * shell. The key is the number of the request (`ticket` in struct ask, serve/handler.h). Must not
 * know: which part of the program waits, and what it waits for.
 *
 * A struct ticket is a field of a larger struct. Before the larger struct is freed, its owner must
 * call tickets_forget for each of its tickets. One call needs constant time. Later answers to a
 * forgotten ticket are ignored.
 */
#ifndef SERVE_TICKET_H
#define SERVE_TICKET_H

#include <nsq/span.h>

#include "base/table.h"

/* A ticket with all fields zero waits for nothing. */
struct ticket {
    UT_hash_handle hh; /* in tickets->table */
    uint64_t number;   /* the number of the request; 0: the ticket waits for nothing */
    /* Called with the answer. `why` (borrowed) is empty when the request was done. Otherwise `why`
     * is the reason why the request failed. The ticket is already removed from the table, so the
     * function may free the ticket. */
    void (*answered)(struct ticket *ticket, struct span why, int64_t now);
};

/* A table with all fields zero is empty. The table's memory is freed when its last ticket is
 * removed. */
struct tickets {
    struct ticket *table;
};

/* Puts a ticket into the table. The ticket then waits for the answer to the request with this
 * number. The number must not be 0, and no other ticket in the table may have this number. */
void tickets_wait(struct tickets *tickets, struct ticket *ticket, uint64_t number,
                  void (*answered)(struct ticket *ticket, struct span why, int64_t now));

/* Removes a ticket from the table. Does nothing when the ticket waits for nothing. */
void tickets_forget(struct tickets *tickets, struct ticket *ticket);

/* Calls `answered` of the ticket that waits for this number. Does nothing when there is no such
 * ticket. */
void tickets_answer(struct tickets *tickets, uint64_t number, struct span why, int64_t now);

#endif
