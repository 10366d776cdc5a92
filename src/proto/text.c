/* SPDX-License-Identifier: MIT */
/* Implements proto/text.h: the table of white space, and decimal numbers. Allocates nothing. */
#include "proto/text.h"

/* All white space of Unicode (the property White_Space) in UTF-8, sorted by size. */
static const struct span spaces[] = {
    SPAN_LITERAL("\t"),           SPAN_LITERAL("\n"),           SPAN_LITERAL("\v"),
    SPAN_LITERAL("\f"),           SPAN_LITERAL("\r"),           SPAN_LITERAL(" "),
    SPAN_LITERAL("\xc2\x85"),     SPAN_LITERAL("\xc2\xa0"),     SPAN_LITERAL("\xe1\x9a\x80"),
    SPAN_LITERAL("\xe2\x80\x80"), SPAN_LITERAL("\xe2\x80\x81"), SPAN_LITERAL("\xe2\x80\x82"),
    SPAN_LITERAL("\xe2\x80\x83"), SPAN_LITERAL("\xe2\x80\x84"), SPAN_LITERAL("\xe2\x80\x85"),
    SPAN_LITERAL("\xe2\x80\x86"), SPAN_LITERAL("\xe2\x80\x87"), SPAN_LITERAL("\xe2\x80\x88"),
    SPAN_LITERAL("\xe2\x80\x89"), SPAN_LITERAL("\xe2\x80\x8a"), SPAN_LITERAL("\xe2\x80\xa8"),
    SPAN_LITERAL("\xe2\x80\xa9"), SPAN_LITERAL("\xe2\x80\xaf"), SPAN_LITERAL("\xe2\x81\x9f"),
    SPAN_LITERAL("\xe3\x80\x80"),
};

size_t nsq_space_size(struct span text, bool at_end)
{
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
        size_t n = spaces[i].n;
        if (n > text.n) {
            return 0; /* the table is sorted by size */
        }
        const uint8_t *p = at_end ? text.p + text.n - n : text.p;
        /* Most characters differ in the first byte. For them memcmp is not called. */
        if (p[0] == spaces[i].p[0] && memcmp(p, spaces[i].p, n) == 0) {
            return n;
        }
    }
    return 0;
}

struct span nsq_decimal_write(int64_t number, uint8_t digits[NSQ_DECIMAL_MAX])
{
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    size_t at = NSQ_DECIMAL_MAX;
    do {
        digits[--at] = (uint8_t)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0) {
        digits[--at] = '-';
    }
    return span_make(digits + at, NSQ_DECIMAL_MAX - at);
}
