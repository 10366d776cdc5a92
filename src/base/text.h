/* SPDX-License-Identifier: MIT */
/*
 * Owns: functions that write numbers and string literals as text. Code below the shell uses these
 * functions instead of printf.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

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

/* Appends the bytes of a string literal. */
#define text_append(b, literal) buf_append((b), SPAN(literal))

#endif
