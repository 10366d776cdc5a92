/* SPDX-License-Identifier: MIT */
/* Splits a text into characters. Must not know what happens to bytes that are not valid. */
#include "json/utf8.h"

#include <utf8proc.h>

bool utf8_next(struct span *text, struct span *bytes)
{
    utf8proc_int32_t c = -1;
    utf8proc_ssize_t n = utf8proc_iterate(text->p, (utf8proc_ssize_t)text->n, &c);
    bool valid = n > 0 && c >= 0;
    *bytes = span_first(*text, valid ? (size_t)n : 1);
    *text = span_skip(*text, bytes->n);
    return valid;
}
