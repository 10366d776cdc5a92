/* SPDX-License-Identifier: MIT */
/*
 * Implements base/buf.h: one allocation, in which the bytes need not begin at the start. Must not
 * know what the bytes are.
 */
#include "base/buf.h"

#include <assert.h>

#include "base/alloc.h"

#define BUF_LEAST 64

/* Makes room for n more bytes at the end: moves the bytes of the buffer to the front of the
 * allocation, and enlarges it if needed. If the bytes begin in the first quarter, a move gains
 * little; then the allocation is doubled in any case. Otherwise, when few bytes at a time are
 * dropped from a full buffer and appended to it, each time all bytes would be moved. */
static void make_room(struct buf *b, size_t n)
{
    size_t cap = b->cap < BUF_LEAST ? BUF_LEAST : b->cap;
    if (b->n > 0 && b->head < cap / 4) {
        cap *= 2;
    }
    while (cap - b->n < n) {
        cap *= 2;
    }
    if (b->head > 0) {
        memmove(b->p, b->p + b->head, b->n);
    }
    b->head = 0;
    if (cap != b->cap) {
        b->p = alloc_resize(b->p, cap);
        b->cap = cap;
    }
}

uint8_t *buf_room(struct buf *b, size_t n)
{
    if (b->cap - b->head - b->n < n) {
        make_room(b, n);
    }
    return b->p + b->head + b->n;
}

void buf_grew(struct buf *b, size_t n)
{
    assert(n <= b->cap - b->head - b->n);
    b->n += n;
}

void buf_append(struct buf *b, struct span s)
{
    if (s.n > 0) {
        memcpy(buf_room(b, s.n), s.p, s.n);
        b->n += s.n;
    }
}

void buf_drop(struct buf *b, size_t n)
{
    assert(n <= b->n);
    b->n -= n;
    b->head = b->n == 0 ? 0 : b->head + n;
    if (b->n == 0 && b->cap > BUF_KEEP) {
        buf_free(b);
    }
}

void buf_free(struct buf *b)
{
    alloc_free(b->p);
    *b = (struct buf){0};
}
