/* SPDX-License-Identifier: MIT */
/*
 * Owns: the comparison of words in HTTP, for example names of headers, schemes of URLs and
 * encodings.
 */
#ifndef HTTP_HTTP_WORD_H
#define HTTP_HTTP_WORD_H

#include <nsq/span.h>

/* Returns true if `word` equals `lower`, which must be in lower case. An ASCII letter in upper case
 * in `word` equals the same letter in lower case. */
static inline bool http_word_is(struct span word, struct span lower)
{
    for (size_t i = 0; i < word.n && word.n == lower.n; i++) {
        uint8_t c = word.p[i];
        c = c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
        if (c != lower.p[i]) {
            return false;
        }
    }
    return word.n == lower.n;
}

#endif
