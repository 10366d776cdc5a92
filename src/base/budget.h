/* SPDX-License-Identifier: MIT */
/*
 * Owns: the memory budget: how many bytes are in use, a cap, and a reserve above the cap. It stops
 * peers that together queue more than the machine's memory. Code that is about to take memory for a
 * peer first asks whether there is room. If there is none, the peer gets an error.
 *
 * Publishing is refused when the cap is reached. Everything else may also use the reserve. Without
 * it, publishers could keep the memory full and lock out for ever the consumers that would empty
 * the queues. When the reserve is used up too, everything is refused.
 *
 * Must not know: what the bytes are, and who answers the peer.
 */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum budget_use {
    BUDGET_QUEUE,  /* for publishing: bodies, their entries in channels, new topics */
    BUDGET_CLIENT, /* for all else: IDENTIFY, AUTH, the topic and channel of a SUB, codecs */
};

#define BUDGET_RESERVE_PART 8 /* the reserve is the cap divided by this */

struct budget {
    size_t used;    /* bytes in use. Memory that has to be taken in any case is charged without
                     * asking, so this may be above both bounds. */
    size_t cap;     /* bytes: the bound for BUDGET_QUEUE */
    size_t reserve; /* bytes: cap + reserve is the bound for BUDGET_CLIENT; it fits a size_t */
};

/* A budget of which nothing is used. */
static inline struct budget budget_of_cap(size_t cap)
{
    size_t part = cap / BUDGET_RESERVE_PART;
    return (struct budget){.cap = cap, .reserve = part < SIZE_MAX - cap ? part : SIZE_MAX - cap};
}

/* The bound in bytes for a use. */
static inline size_t budget_bound(const struct budget *b, enum budget_use use)
{
    return use == BUDGET_QUEUE ? b->cap : b->cap + b->reserve;
}

/* Whether n more bytes may be taken for this use. It charges nothing. */
static inline bool budget_has_room(const struct budget *b, enum budget_use use, size_t n)
{
    size_t bound = budget_bound(b, use);
    return b->used <= bound && bound - b->used >= n;
}

/* Adds n bytes to those in use, whether there is room or not. */
static inline void budget_charge(struct budget *b, size_t n)
{
    b->used += n;
}

/* Takes n bytes off those in use; they were charged before. */
static inline void budget_release(struct budget *b, size_t n)
{
    assert(n <= b->used);
    b->used -= n;
}

#endif
