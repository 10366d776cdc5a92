/* SPDX-License-Identifier: MIT */
/*
 * Implements base/buf.h. A buffer is one allocation; its bytes may begin after the start of the
 * allocation. Must not know what the bytes mean.
 */
#include "base/buf.h"

#include <assert.h>

#include "base/alloc.h"

#define BUF_LEAST 64

/* Makes room for n more bytes at the end. Moves the bytes of the buffer to the start of the
 * allocation, and enlarges the allocation if the room is still too small. If the bytes begin in the
 * first quarter, the move gives little room. So in this case the allocation is always doubled.
 * Without this rule, a full buffer could move all its bytes again and again, each time after a few
 * bytes are removed and a few are appended. It is seldom called. Because it is not inlined,
 * buf_room is so small that buf_append contains it. */
__attribute__((noinline)) static void make_room(struct buf *b, size_t n)
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

void buf_fit(struct buf *b)
{
    if (b->n == 0) {
        buf_free(b);
    } else if (b->n < b->cap) {
        memmove(b->p, b->p + b->head, b->n);
        b->p = alloc_resize(b->p, b->n);
        b->head = 0;
        b->cap = b->n;
    }
}

void buf_free(struct buf *b)
{
    alloc_free(b->p);
    *b = (struct buf){0};
}
