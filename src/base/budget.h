/* SPDX-License-Identifier: MIT */
/*
 * Owns: one account of memory with a cap, and a reserve above it. Stops peers that together queue
 * more than the machine has: who is about to take memory asks first, saying what for, and answers
 * its client with an error when there is no room.
 * Publishers stop at the cap, whatever it is used for. The reserve is for those who would take
 * messages out again: without it, publishers that press could keep out every new consumer of a full
 * server for ever. It is bounded too; who finds it used up is refused.
 */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum budget_use {
    BUDGET_QUEUE,  /* what publishing needs: bodies, their shares in channels, new topics */
    BUDGET_CLIENT, /* all else: IDENTIFY and AUTH, topics and channels of SUB, codecs */
};

#define BUDGET_RESERVE_PART 8 /* the reserve is this part of the cap */

struct budget {
    size_t used; /* bytes; may pass both bounds by what is charged without asking (bookkeeping) */
    size_t cap;  /* bound of BUDGET_QUEUE */
    size_t reserve; /* what BUDGET_CLIENT may have above the cap; the sum fits a size_t */
};

static inline struct budget budget_of_cap(size_t cap)
{
    size_t part = cap / BUDGET_RESERVE_PART;
    return (struct budget){.cap = cap, .reserve = part < SIZE_MAX - cap ? part : SIZE_MAX - cap};
}

static inline size_t budget_bound(const struct budget *b, enum budget_use use)
{
    return use == BUDGET_QUEUE ? b->cap : b->cap + b->reserve;
}

static inline bool budget_has_room(const struct budget *b, enum budget_use use, size_t n)
{
    size_t bound = budget_bound(b, use);
    return b->used <= bound && bound - b->used >= n;
}

static inline void budget_charge(struct budget *b, size_t n)
{
    b->used += n;
}

static inline void budget_release(struct budget *b, size_t n)
{
    assert(n <= b->used);
    b->used -= n;
}

#endif
