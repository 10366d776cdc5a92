/* SPDX-License-Identifier: MIT */
/*
 * Owns: a queue of output bytes. Its bytes are of two kinds. Own bytes are copied into the queue.
 * References are bytes that other code stores, for example the body of a message. So a body that
 * waits in many queues is stored once. The bytes leave the queue in the order in which they were
 * added. Must not know: what the bytes mean, codecs, connections.
 */
#ifndef SERVE_OUTPUT_H
#define SERVE_OUTPUT_H

#include <nsq/span.h>

#include "base/buf.h"

/* Ends one reference. `service` is the pointer that was given to output_drop or output_free. `held`
 * is the pointer that was given to output_refer. */
typedef void output_release(void *service, void *held);

/* One reference, with the own bytes that are sent before it. */
struct output_ref {
    size_t own_before; /* number of own bytes between the previous reference and this one */
    struct span bytes; /* the rest that is not sent yet; not empty */
    void *held;        /* passed to output_release when the last byte was sent */
};

/* A struct of zeros is an empty queue. */
struct output {
    struct buf own;  /* all own bytes, in order */
    struct buf refs; /* of struct output_ref, in order */
    size_t own_last; /* number of own bytes after the last reference */
    size_t n;        /* number of all bytes */
};

/* Appends a copy of the bytes. */
void output_append(struct output *o, struct span bytes);

/* Must be called when the caller has appended n own bytes to o->own without output_append. */
void output_own_grew(struct output *o, size_t n);

/* Appends a reference to bytes. `bytes` must not be empty, and the bytes must not change until the
 * reference is released. */
void output_refer(struct output *o, struct span bytes, void *held);

/* Fills at most `most` spans with the first bytes of the queue. Returns how many spans were filled.
 * The spans are valid until the queue changes. */
size_t output_fill(const struct output *o, struct span *spans, size_t most);

/* Removes the first n bytes, n <= o->n. Releases each reference whose last byte was removed. When
 * no reference was ever added, `release` may be NULL. */
void output_drop(struct output *o, size_t n, output_release *release, void *service);

/* Removes all bytes, and releases all references. */
void output_free(struct output *o, output_release *release, void *service);

/* Returns how many bytes of memory the queue uses, without the bytes of its references. A queue
 * without bytes keeps little memory, which is not counted. */
static inline size_t output_memory(const struct output *o)
{
    return o->n == 0 ? 0 : o->own.cap + o->refs.cap;
}

#endif
