/* SPDX-License-Identifier: MIT */
/*
 * Owns: the bytes of a published message. A body is stored once and shared by all channels that
 * must deliver it; it knows what was fixed at publishing: id, timestamp, delay. The first duty to
 * deliver it lies in it, so that a message for one channel is one allocation.
 * A draft is a body that is still arriving. It grows with the bytes that came, not with the size
 * that was announced, so announcing much costs a peer as much as it costs us.
 */
#ifndef BROKER_BODY_H
#define BROKER_BODY_H

#include <nsq/span.h>

#include "base/alloc.h"
#include "base/budget.h"
#include "broker/message.h"

struct body {
    uint32_t refs; /* messages that share it */
    uint32_t size; /* bytes */
    uint64_t id;
    int64_t timestamp; /* wall clock, ns since 1970 */
    int64_t deferred;  /* ns that each channel waits before it delivers; 0 = at once */
    struct message first;
    uint8_t bytes[];
};

/* All zeros is no draft. */
struct draft {
    struct body *body; /* NULL until the first byte is there */
    uint32_t size;     /* bytes announced */
    uint32_t have;     /* bytes arrived */
    uint32_t cap;      /* bytes of room in body */
};

/* What a body with room for n bytes is charged. */
static inline size_t body_cost(size_t n)
{
    return sizeof(struct body) + n + ALLOC_OVERHEAD;
}

static inline struct span body_span(const struct body *body)
{
    return span_make(body->bytes, body->size);
}

/* Takes one reference back; the last one frees. */
void body_drop(struct body *body, struct budget *budget);

/* Starts a draft of `size` > 0 bytes; takes no memory yet. */
void draft_begin(struct draft *draft, uint32_t size);

/* Copies the next bytes, at most those that are missing. False when the budget has no room for
 * them; the draft is then as it was. `use`: what the body is for. */
bool draft_add(struct draft *draft, struct budget *budget, enum budget_use use, struct span part);

/* Ends a draft whose bytes are all there and returns its body, with one reference, to the caller.
 */
struct body *draft_finish(struct draft *draft);

/* Gives a draft's memory back; does nothing when there is none. */
void draft_drop(struct draft *draft, struct budget *budget);

#endif
