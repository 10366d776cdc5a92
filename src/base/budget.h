/* SPDX-License-Identifier: MIT */
/*
 * Owns: one account of memory with a cap. Stops peers that together queue more than the machine
 * has: who is about to take memory asks first, and answers its client with an error when there is
 * no room.
 */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

struct budget {
    size_t used; /* bytes; may pass the cap by what is charged without asking (bookkeeping) */
    size_t cap;
};

static inline bool budget_has_room(const struct budget *b, size_t n)
{
    return b->used <= b->cap && b->cap - b->used >= n;
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
