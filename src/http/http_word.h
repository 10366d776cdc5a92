/* SPDX-License-Identifier: MIT */
/*
 * Owns: the comparison of HTTP's words: names of headers, schemes of URLs, encodings.
 */
#ifndef HTTP_HTTP_WORD_H
#define HTTP_HTTP_WORD_H

#include <nsq/span.h>

/* Whether a word is `lower`, which is in lower case. Upper and lower case of ASCII letters count as
 * the same. */
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
