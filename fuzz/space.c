/* SPDX-License-Identifier: MIT */
/* Implements space.h: decodes UTF-8 and compares numbers. */
#include "space.h"

bool fuzz_is_space(struct span in, size_t *size)
{
    uint32_t c = in.p[0];
    *size = c < 0x80 ? 1 : c < 0xe0 ? 2 : 3;
    if (*size > in.n || (c >= 0x80 && c < 0xc2) || c >= 0xf0) {
        return false;
    }
    c = *size == 1 ? c : *size == 2 ? c & 0x1f : c & 0x0f;
    for (size_t i = 1; i < *size; i++) {
        if ((in.p[i] & 0xc0) != 0x80) {
            return false;
        }
        c = c << 6 | (in.p[i] & 0x3f);
    }
    if (*size == 3 && c < 0x800) {
        return false; /* a shorter encoding exists, so this one is not valid */
    }
    return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}
