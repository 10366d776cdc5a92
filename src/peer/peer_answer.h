/* SPDX-License-Identifier: MIT */
/*
 * Owns: the answer of an nsqlookupd to GET /channels. Must not know: HTTP, what the names are used
 * for.
 */
#ifndef PEER_PEER_ANSWER_H
#define PEER_PEER_ANSWER_H

#include "base/buf.h"

/* Reads {"channels":["a","b"]} as Go's decoder does. Appends the valid names that are not
 * ephemeral, at most `most` of them. Each name is one byte with its size, followed by its bytes. If
 * the document is not of this kind, returns false and appends nothing. */
bool peer_answer_read(struct span answer, size_t most, struct buf *names);

/* Removes the first name from `names`. */
static inline struct span peer_answer_next(struct span *names)
{
    struct span name = span_first(span_skip(*names, 1), names->p[0]);
    *names = span_skip(*names, 1 + name.n);
    return name;
}

#endif
