/* SPDX-License-Identifier: MIT */
/*
 * Owns: a run of bytes that somebody else holds, and the big-endian integers of the wire.
 * A span is never terminated by a NUL and may contain any byte: only memchr, memcmp and memcpy
 * touch it, and not even they when n is 0, where p may be NULL.
 */
#ifndef NSQ_SPAN_H
#define NSQ_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes: p is valid for n bytes as long as whoever lent them says; NULL only if n is 0. */
struct span {
    const uint8_t *p;
    size_t n;
};

/*
 * The bytes of a string literal, without its terminating NUL. The bytes are static.
 * SPAN is an expression: use it in statements, as an argument, or to initialise a local variable.
 * SPAN_LITERAL is an initialiser in braces: use it where C demands a constant, which is a static
 * variable or a field of one. C does not allow it anywhere else.
 */
#define SPAN(literal) span_make((literal), sizeof(literal) - 1)
#define SPAN_LITERAL(literal)                                                                      \
    {                                                                                              \
        .p = (const uint8_t *)(literal), .n = sizeof(literal) - 1                                  \
    }

/* The n bytes at p, which stay whose they are. */
static inline struct span span_make(const void *p, size_t n)
{
    return (struct span){.p = p, .n = n};
}

/* Whether both have the same length and the same bytes; empty spans are equal wherever they are. */
static inline bool span_equal(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* The span without its first n bytes; n is at most s.n. */
static inline struct span span_skip(struct span s, size_t n)
{
    return n == 0 ? s : span_make(s.p + n, s.n - n);
}

/* The first n bytes of the span, or all of it when it is shorter. */
static inline struct span span_first(struct span s, size_t n)
{
    return span_make(s.p, n < s.n ? n : s.n);
}

/*
 * All integers on the wire are big-endian ("network order"): tcp_protocol_spec, "Notes".
 * Each of these reads or writes exactly the bytes of its integer at p, which need not be aligned.
 */
static inline uint16_t be16_load(const uint8_t p[2])
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t be32_load(const uint8_t p[4])
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static inline uint64_t be64_load(const uint8_t p[8])
{
    return (uint64_t)be32_load(p) << 32 | be32_load(p + 4);
}

static inline void be16_store(uint8_t p[2], uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void be32_store(uint8_t p[4], uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static inline void be64_store(uint8_t p[8], uint64_t v)
{
    be32_store(p, (uint32_t)(v >> 32));
    be32_store(p + 4, (uint32_t)v);
}

#endif
