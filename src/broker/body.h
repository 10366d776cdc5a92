/* SPDX-License-Identifier: MIT */
/*
 * Owns: the bytes of a published message. A body is stored once, however many channels must deliver
 * it. It also has what is fixed when it is published: id, timestamp and delay. The first of the
 * messages that share a body (broker/message.h) is stored inside it, so that a message for one
 * channel is one allocation.
 * A draft is a body that is still arriving. It grows with the bytes that have arrived, not with the
 * size that was announced: a peer cannot take memory by announcing sizes.
 */
#ifndef BROKER_BODY_H
#define BROKER_BODY_H

#include <nsq/span.h>

#include "base/alloc.h"
#include "base/budget.h"
#include "broker/message.h"

struct body {
    uint32_t refs; /* how many messages share it */
    uint32_t size; /* bytes */
    uint64_t id;
    int64_t timestamp; /* wall clock, ns since 1970 */
    int64_t deferred;  /* delay in ns: each channel waits so long before it delivers; 0 = none */
    struct message first;
    uint8_t bytes[];
};

/* A struct of zeros is no draft. */
struct draft {
    struct body *body; /* NULL until the first byte is there */
    uint32_t size;     /* bytes announced */
    uint32_t have;     /* bytes arrived */
    uint32_t cap;      /* bytes of room in body */
};

/* How many bytes are charged to the memory budget for a body with room for n bytes. */
static inline size_t body_cost(size_t n)
{
    return sizeof(struct body) + n + ALLOC_OVERHEAD;
}

static inline struct span body_span(const struct body *body)
{
    return span_make(body->bytes, body->size);
}

/* Gives up one reference; the last one frees the body. */
void body_drop(struct body *body, struct budget *budget);

/* Starts a draft of `size` > 0 bytes; takes no memory yet. */
void draft_begin(struct draft *draft, uint32_t size);

/* Copies the next bytes, at most those that are missing. False when the budget has no room for
 * them; then the draft is unchanged. `use`: what the body is for. */
bool draft_add(struct draft *draft, struct budget *budget, enum budget_use use, struct span part);

/* Ends a draft whose bytes have all arrived, and returns its body with one reference, which is the
 * caller's. */
struct body *draft_finish(struct draft *draft);

/* Frees a draft's memory; does nothing when there is no draft. */
void draft_drop(struct draft *draft, struct budget *budget);

#endif
