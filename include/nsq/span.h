/* SPDX-License-Identifier: MIT */
/*
 * Owns: the span and the big-endian integers of the wire. A span is a reference to bytes. The bytes
 * may have any value, and no NUL follows them. So do not pass a span to functions for C strings.
 * The pointer p may be NULL if n is 0. So do not pass an empty span to memchr, memcmp or memcpy.
 */
#ifndef NSQ_SPAN_H
#define NSQ_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* n bytes at p. The span does not own the bytes. A function that returns a span says how long the
 * bytes stay valid. If you make a shorter span from a span, the bytes of both spans stay valid for
 * the same time. */
struct span {
    const uint8_t *p;
    size_t n;
};

/*
 * Both macros make a span of a string literal, without its terminating NUL. The bytes are static.
 * SPAN is an expression. Use it in statements, as an argument, or to initialise a local variable.
 * SPAN_LITERAL is an initialiser in braces, not an expression. Use it to initialise a static
 * variable or a field of a static variable, because C needs a constant there.
 */
#define SPAN(literal) span_make((literal), sizeof(literal) - 1)
#define SPAN_LITERAL(literal)                                                                      \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }

/* Returns a span of the n bytes at p. The bytes are not copied. */
static inline struct span span_make(const void *p, size_t n)
{
    struct span s; /* without an initialiser, because C and C++ have different initialisers */
    s.p = (const uint8_t *)p;
    s.n = n;
    return s;
}

/* Returns whether both spans have the same length and the same bytes. Two empty spans are always
 * equal. */
static inline bool span_equal(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Returns the span without its first n bytes. n must be at most s.n. */
static inline struct span span_skip(struct span s, size_t n)
{
    return n == 0 ? s : span_make(s.p + n, s.n - n);
}

/* Returns the first n bytes of the span, or the whole span if it is shorter. */
static inline struct span span_first(struct span s, size_t n)
{
    return span_make(s.p, n < s.n ? n : s.n);
}

/*
 * All integers on the wire are big-endian ("network order"). Each function below reads or writes
 * one integer at p. The address p does not have to be aligned.
 * Source: tcp_protocol_spec, "Notes".
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
