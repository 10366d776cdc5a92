/* SPDX-License-Identifier: MIT */
#include "base/text.h"

struct span text_decimal(char out[TEXT_DECIMAL_MAX], int64_t v)
{
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v; /* holds 2^63 too */
    char *p = out + TEXT_DECIMAL_MAX;
    do {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (v < 0) {
        *--p = '-';
    }
    return span_make(p, (size_t)(out + TEXT_DECIMAL_MAX - p));
}

void text_append_decimal(struct buf *b, int64_t v)
{
    char digits[TEXT_DECIMAL_MAX];
    buf_append(b, text_decimal(digits, v));
}
