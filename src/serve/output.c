/* SPDX-License-Identifier: MIT */
/*
 * Implements serve/output.h. All own bytes are in one buffer, so that an output without references
 * is as cheap as a buffer. Must not know when output is sent.
 */
#include "serve/output.h"

#include <assert.h>

static struct output_ref *first_ref(const struct output *o)
{
    return o->refs.n == 0 ? NULL : (struct output_ref *)(void *)(o->refs.p + o->refs.head);
}

void output_append(struct output *o, struct span bytes)
{
    buf_append(&o->own, bytes);
    output_own_grew(o, bytes.n);
}

void output_own_grew(struct output *o, size_t n)
{
    o->own_last += n;
    o->n += n;
}

void output_refer(struct output *o, struct span bytes, void *held)
{
    assert(bytes.n > 0);
    const struct output_ref ref = {.own_before = o->own_last, .bytes = bytes, .held = held};
    buf_append(&o->refs, span_make(&ref, sizeof ref));
    o->own_last = 0;
    o->n += bytes.n;
}

size_t output_fill(const struct output *o, struct span *spans, size_t most)
{
    size_t filled = 0;
    struct span own = buf_span(&o->own);
    const struct output_ref *ref = first_ref(o);
    for (size_t i = 0; i < o->refs.n / sizeof *ref && filled < most; i++) {
        if (ref[i].own_before > 0) {
            spans[filled++] = span_first(own, ref[i].own_before);
            own = span_skip(own, ref[i].own_before);
        }
        if (filled < most) {
            spans[filled++] = ref[i].bytes;
        }
    }
    if (filled < most && o->own_last > 0) {
        spans[filled++] = own;
    }
    return filled;
}

/* Removes own bytes at the front, at most `most` and at most *there. Reduces *there. Returns how
 * many bytes were removed. */
static size_t drop_own(struct output *o, size_t *there, size_t most)
{
    size_t n = *there < most ? *there : most;
    *there -= n;
    buf_drop(&o->own, n);
    return n;
}

void output_drop(struct output *o, size_t n, output_release *release, void *service)
{
    assert(n <= o->n);
    o->n -= n;
    while (n > 0 && o->refs.n > 0) {
        struct output_ref *ref = first_ref(o);
        n -= drop_own(o, &ref->own_before, n);
        size_t part = span_first(ref->bytes, n).n;
        ref->bytes = span_skip(ref->bytes, part);
        n -= part;
        if (ref->bytes.n == 0) {
            release(service, ref->held);
            buf_drop(&o->refs, sizeof *ref);
        }
    }
    drop_own(o, &o->own_last, n);
}

void output_free(struct output *o, output_release *release, void *service)
{
    output_drop(o, o->n, release, service);
    buf_free(&o->own);
    buf_free(&o->refs);
}
