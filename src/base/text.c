/* SPDX-License-Identifier: MIT */
/*
 * Implements base/text.h. Must not know what the numbers and texts mean.
 */
#include "base/text.h"

/* Writes the digits of v so that the last digit is at end[-1]. Returns the address of the first
 * digit. */
static char *digits_before(char *end, uint64_t v)
{
    do {
        *--end = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    return end;
}

struct span text_decimal(char out[TEXT_DECIMAL_MAX], int64_t v)
{
    char *end = out + TEXT_DECIMAL_MAX;
    char *p = digits_before(end, v < 0 ? 0 - (uint64_t)v : (uint64_t)v); /* right for -2^63 too */
    if (v < 0) {
        *--p = '-';
    }
    return span_make(p, (size_t)(end - p));
}

void text_append_decimal(struct buf *b, int64_t v)
{
    char digits[TEXT_DECIMAL_MAX];
    buf_append(b, text_decimal(digits, v));
}

void text_append_unsigned(struct buf *b, uint64_t v)
{
    char digits[TEXT_DECIMAL_MAX];
    char *end = digits + TEXT_DECIMAL_MAX;
    char *p = digits_before(end, v);
    buf_append(b, span_make(p, (size_t)(end - p)));
}

bool text_equal_any_case(struct span a, struct span b)
{
    bool equal = a.n == b.n;
    for (size_t i = 0; i < a.n && equal; i++) {
        equal = text_lower(a.p[i]) == text_lower(b.p[i]);
    }
    return equal;
}
