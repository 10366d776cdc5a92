/* SPDX-License-Identifier: MIT */
/*
 * A table of tickets by number. Must not know who waits, or for what.
 */
#include "serve/ticket.h"

/* The numbers come from a counter of this program, so their low bits are spread evenly. No peer can
 * choose the numbers. */
static unsigned hash_of(uint64_t number)
{
    return (unsigned)number;
}

void tickets_wait(struct tickets *tickets, struct ticket *ticket, uint64_t number,
                  void (*answered)(struct ticket *ticket, struct span why, int64_t now))
{
    ticket->number = number;
    ticket->answered = answered;
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, tickets->table, &ticket->number, sizeof ticket->number,
                                hash_of(number), ticket);
}

void tickets_forget(struct tickets *tickets, struct ticket *ticket)
{
    if (ticket->number != 0) {
        HASH_DELETE(hh, tickets->table, ticket);
        ticket->number = 0;
    }
}

void tickets_answer(struct tickets *tickets, uint64_t number, struct span why, int64_t now)
{
    struct ticket *ticket = NULL;
    HASH_FIND_BYHASHVALUE(hh, tickets->table, &number, sizeof number, hash_of(number), ticket);
    if (ticket != NULL) {
        tickets_forget(tickets, ticket);
        ticket->answered(ticket, why, now);
    }
}
