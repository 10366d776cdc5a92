/* SPDX-License-Identifier: MIT */
/*
 * Owns: a queue of bytes. Bytes are appended at the end and dropped from the front. It holds, for
 * example, output that waits to be sent, or the part of a command that has arrived. When a buffer
 * becomes empty and its capacity is above BUF_KEEP, it frees its memory. So idle connections need
 * little.
 * Must not know: what the bytes are.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <nsq/span.h>

#define BUF_KEEP 256 /* bytes of capacity that an emptied buffer keeps */

/* All zeros is an empty buffer. */
struct buf {
    uint8_t *p;  /* the allocation, or NULL */
    size_t head; /* where in the allocation the bytes begin */
    size_t n;    /* how many bytes the buffer holds */
    size_t cap;  /* bytes of the allocation */
};

/* The bytes in the buffer. They are borrowed until the next call that changes the buffer. */
static inline struct span buf_span(const struct buf *b)
{
    return b->n == 0 ? span_make(NULL, 0) : span_make(b->p + b->head, b->n);
}

/* Makes room for n more bytes, n > 0, and returns where to write them. The caller writes up to n
 * bytes there and then calls buf_grew with their number. */
uint8_t *buf_room(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);

/* Appends a copy of the bytes, which must not be in the same buffer. */
void buf_append(struct buf *b, struct span s);

/* Drops n bytes from the front. n must be at most b->n. */
void buf_drop(struct buf *b, size_t n);

/* Drops all bytes and frees the memory. The buffer is empty then and may be used again. */
void buf_free(struct buf *b);

#endif
