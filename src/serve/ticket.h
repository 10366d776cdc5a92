/* SPDX-License-Identifier: MIT */
/*
 * Owns: a table of structs that wait for an answer from the shell. The key is the number in the
 * request to the shell (`ticket` in struct ask, serve/handler.h). Must not know: who waits, and for
 * what.
 *
 * A struct ticket is a field of the struct that waits. Before that struct is freed, its owner must
 * call tickets_forget for each of its tickets. This takes constant time. Later answers to a
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
    /* Called with the answer. `why` (borrowed) is empty when the request was done; otherwise it is
     * the reason why the request failed. The ticket waits for nothing any more, so this function
     * may free it. */
    void (*answered)(struct ticket *ticket, struct span why, int64_t now);
};

/* A table with all fields zero is empty. The table's memory is freed when its last ticket is
 * removed. */
struct tickets {
    struct ticket *table;
};

/* Begins to wait for the answer to the request with this number. The number must not be 0, and no
 * other ticket in the table may have it. */
void tickets_wait(struct tickets *tickets, struct ticket *ticket, uint64_t number,
                  void (*answered)(struct ticket *ticket, struct span why, int64_t now));

/* Stops waiting. Does nothing when the ticket waits for nothing. */
void tickets_forget(struct tickets *tickets, struct ticket *ticket);

/* Calls `answered` of the ticket that waits for this number. Does nothing when there is no such
 * ticket. */
void tickets_answer(struct tickets *tickets, uint64_t number, struct span why, int64_t now);

#endif
