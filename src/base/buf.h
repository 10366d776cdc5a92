/* SPDX-License-Identifier: MIT */
/*
 * Owns: bytes that are appended at the end and taken from the front: output waiting to be sent, the
 * piece of a command that has arrived so far.
 * An emptied buffer gives its memory back unless it is small, so that idle connections stay cheap.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <nsq/span.h>

#define BUF_KEEP 256 /* bytes of capacity that an emptied buffer keeps */

/* All zeros is an empty buffer. */
struct buf {
    uint8_t *p;  /* the allocation */
    size_t head; /* where the bytes begin */
    size_t n;    /* how many there are */
    size_t cap;  /* size of the allocation */
};

/* The bytes; borrowed until the next call that changes the buffer. */
static inline struct span buf_span(const struct buf *b)
{
    return b->n == 0 ? span_make(NULL, 0) : span_make(b->p + b->head, b->n);
}

/* Makes room for n > 0 more bytes and returns where they go; call buf_grew with what was written.
 */
uint8_t *buf_room(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);

/* Copies bytes to the end. */
void buf_append(struct buf *b, struct span s);

/* Drops n bytes, at most b->n, from the front. */
void buf_drop(struct buf *b, size_t n);

/* Drops all bytes and all memory; the buffer may be used again. */
void buf_free(struct buf *b);

#endif
