/* SPDX-License-Identifier: MIT */
/* Owns: the copy of a name of a topic or channel. Must not know: what has this name. */
#ifndef BROKER_NAME_H
#define BROKER_NAME_H

#include <nsq/name.h>
#include <nsq/span.h>

/* The name of a topic or channel, or other bytes for which a name is looked up. A struct of zeros
 * is no name. */
struct name {
    uint8_t n;
    uint8_t bytes[NSQ_NAME_MAX];
};

/* Returns a copy of a name, or of at most NSQ_NAME_MAX other bytes. */
static inline struct name name_make(struct span s)
{
    struct name name = {.n = (uint8_t)s.n};
    if (s.n > 0) {
        memcpy(name.bytes, s.p, s.n);
    }
    return name;
}

/* Returns the bytes of a name, borrowed from the name. */
static inline struct span name_span(const struct name *name)
{
    return span_make(name->bytes, name->n);
}

#endif
