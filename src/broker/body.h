/* SPDX-License-Identifier: MIT */
/*
 * Owns: the bytes of a published message. A body is stored once, even if several channels must
 * deliver it. The body also stores the values that are set when it is published: id, timestamp and
 * delay. Each channel that must deliver a body has its own struct message (broker/message.h). The
 * first struct message is stored inside the body. So one allocation is enough if only one channel
 * gets the body.
 *
 * A draft is a body that has not arrived completely. Its memory grows with the bytes that have
 * arrived, not with the size that was announced. The room is the memory that is allocated for the
 * bytes of the body. It is at most the announced size. A room of more than 4096 bytes is always at
 * least half full. So a peer cannot make the server allocate much memory by announcing a large
 * size.
 */
#ifndef BROKER_BODY_H
#define BROKER_BODY_H

#include <nsq/span.h>

#include "base/alloc.h"
#include "base/budget.h"
#include "broker/message.h"

struct body {
    uint32_t refs; /* the number of messages that share this body, plus the number of outputs that
                    * refer to it */
    uint32_t size; /* bytes */
    uint64_t id;
    int64_t timestamp; /* wall clock, ns since 1970 */
    int64_t deferred;  /* ns that each channel waits before it delivers the body; 0: no delay */
    struct message first;
    uint8_t bytes[];
};

/* In a struct of zeros no draft has begun. */
struct draft {
    struct body *body; /* NULL until the first byte has arrived */
    uint32_t size;     /* bytes announced */
    uint32_t have;     /* bytes arrived */
    uint32_t cap;      /* bytes allocated in `body` */
};

/* Returns how many bytes of the memory budget a body with room for n bytes uses. */
static inline size_t body_cost(size_t n)
{
    return sizeof(struct body) + n + ALLOC_OVERHEAD;
}

/* Returns the bytes of a body, borrowed from the body. */
static inline struct span body_span(const struct body *body)
{
    return span_make(body->bytes, body->size);
}

/* Adds one reference. Returns the body. */
static inline struct body *body_keep(struct body *body)
{
    body->refs++;
    return body;
}

/* Removes one reference. The body is freed when no reference is left. */
void body_drop(struct body *body, struct budget *budget);

/* Starts a draft of `size` bytes, which is more than 0. Allocates nothing. */
void draft_begin(struct draft *draft, uint32_t size);

/* Copies the bytes `part` to the end of the draft. `part` is not empty, and is not longer than the
 * rest of the draft. `use` is the budget use of the body. Returns false when the budget has no room
 * for the bytes; the draft is then unchanged. */
bool draft_add(struct draft *draft, struct budget *budget, enum budget_use use, struct span part);

/* Returns the body of a draft whose bytes have all arrived. The caller owns its only reference. The
 * draft becomes a struct of zeros. */
struct body *draft_finish(struct draft *draft);

/* Frees the memory of a draft. Does nothing when no draft has begun. */
void draft_drop(struct draft *draft, struct budget *budget);

#endif
