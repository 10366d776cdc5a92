/* SPDX-License-Identifier: MIT */
/*
 * Owns: functions that write numbers and string literals as text, and that compare texts without
 * regard to case. Code below the shell uses these functions instead of printf and the locale.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <string.h>

#include <nsq/span.h>

#include "base/buf.h"

#define TEXT_DECIMAL_MAX 20 /* bytes of "-9223372036854775808", the longest number */

/* Writes v in decimal into the caller's array. Returns the part of the array that contains the
 * digits and the sign. No NUL follows them. */
struct span text_decimal(char out[TEXT_DECIMAL_MAX], int64_t v);

/* Appends v in decimal. A negative number begins with '-'. */
void text_append_decimal(struct buf *b, int64_t v);

/* Appends v, which is never negative, in decimal. */
void text_append_unsigned(struct buf *b, uint64_t v);

/* Returns the bytes of a string (borrowed), without its NUL. */
static inline struct span text_span(const char *text)
{
    return span_make(text, strlen(text));
}

/* Returns an ASCII letter in lower case. Returns any other byte as it is. */
static inline uint8_t text_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* Returns whether two texts are equal. An ASCII letter in upper case equals the same letter in
 * lower case. */
bool text_equal_any_case(struct span a, struct span b);

/* Appends the bytes of a string literal. */
#define text_append(b, literal) buf_append((b), SPAN(literal))

#endif
