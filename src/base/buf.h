/* SPDX-License-Identifier: MIT */
/*
 * Owns: a buffer, which is a queue of bytes. Bytes are appended at the end and removed from the
 * front. A buffer is used, for example, for output that is not sent yet, or for a command that has
 * arrived in part. A buffer that becomes empty and has a capacity above BUF_KEEP frees its memory.
 * So an idle connection needs little memory.
 * Must not know: what the bytes mean.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <nsq/span.h>

#define BUF_KEEP 256 /* bytes: an empty buffer with a larger capacity frees its memory */

/* A buffer in which all fields are zero is empty and ready for use. */
struct buf {
    uint8_t *p;  /* the allocation, or NULL */
    size_t head; /* index in the allocation at which the bytes begin */
    size_t n;    /* number of bytes in the buffer */
    size_t cap;  /* size of the allocation in bytes */
};

/* Returns the bytes in the buffer. They are valid until the next call that changes the buffer. */
static inline struct span buf_span(const struct buf *b)
{
    return b->n == 0 ? span_make(NULL, 0) : span_make(b->p + b->head, b->n);
}

/* Makes room for n more bytes at the end, n > 0, and returns the address of this room. The caller
 * may write up to n bytes there, and then calls buf_grew. */
uint8_t *buf_room(struct buf *b, size_t n);

/* Makes the first n bytes of the room a part of the buffer. The caller has got the room from
 * buf_room and has written these n bytes. */
void buf_grew(struct buf *b, size_t n);

/* Appends a copy of the bytes. The bytes must not be in the same buffer. */
void buf_append(struct buf *b, struct span s);

/* Removes n bytes from the front. n must be at most b->n. */
void buf_drop(struct buf *b, size_t n);

/* Makes the allocation as small as the bytes need. */
void buf_fit(struct buf *b);

/* Removes all bytes and frees the memory. The buffer is empty afterwards and may be used again. */
void buf_free(struct buf *b);

#endif
