/* SPDX-License-Identifier: MIT */
/*
 * Frees bodies that have no reference left, and lets drafts grow while bodies arrive. Must not
 * know: who sends a body, and who delivers it.
 */
#include "broker/body.h"

#include <assert.h>

#define DRAFT_LEAST 4096 /* bytes; first allocation for a draft that arrives in parts */

void body_drop(struct body *body, struct budget *budget)
{
    assert(body->refs > 0);
    if (--body->refs == 0) {
        budget_release(budget, body_cost(body->size));
        alloc_free(body);
    }
}

void draft_begin(struct draft *draft, uint32_t size)
{
    *draft = (struct draft){.size = size};
}

/* Returns how many bytes to allocate when n bytes have arrived and do not fit: twice as many, but
 * never more than the size that was announced. So when half of a body has arrived, its memory is
 * not moved any more. */
static uint32_t room_for(const struct draft *draft, size_t n)
{
    size_t cap = n > DRAFT_LEAST ? 2 * n : DRAFT_LEAST;
    return cap < draft->size ? (uint32_t)cap : draft->size;
}

bool draft_add(struct draft *draft, struct budget *budget, enum budget_use use, struct span part)
{
    size_t n = draft->have + part.n;
    assert(part.n > 0 && n <= draft->size);
    if (n > draft->cap) {
        uint32_t cap = room_for(draft, n);
        size_t more = draft->body == NULL ? body_cost(cap) : cap - draft->cap;
        if (!budget_has_room(budget, use, more)) {
            return false;
        }
        budget_charge(budget, more);
        draft->body = alloc_resize(draft->body, sizeof *draft->body + cap);
        draft->cap = cap;
    }
    memcpy(draft->body->bytes + draft->have, part.p, part.n);
    draft->have = (uint32_t)n;
    return true;
}

struct body *draft_finish(struct draft *draft)
{
    struct body *body = draft->body;
    assert(body != NULL && draft->have == draft->size && draft->cap == draft->size);
    *body = (struct body){.refs = 1, .size = draft->size};
    *draft = (struct draft){0};
    return body;
}

void draft_drop(struct draft *draft, struct budget *budget)
{
    if (draft->body != NULL) {
        budget_release(budget, body_cost(draft->cap));
        alloc_free(draft->body);
    }
    *draft = (struct draft){0};
}
