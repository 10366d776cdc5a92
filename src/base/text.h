/* SPDX-License-Identifier: MIT */
/*
 * Owns: writing numbers and string literals as text. Code below the shell uses this instead of
 * printf.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <nsq/span.h>

#include "base/buf.h"

#define TEXT_DECIMAL_MAX 20 /* bytes of "-9223372036854775808", the longest number */

/* Writes v in decimal into the caller's array and returns the part of the array that holds it. No
 * NUL follows it. */
struct span text_decimal(char out[TEXT_DECIMAL_MAX], int64_t v);

/* Appends v in decimal. */
void text_append_decimal(struct buf *b, int64_t v);
void text_append_unsigned(struct buf *b, uint64_t v);

/* Appends the bytes of a string literal. */
#define text_append(b, literal) buf_append((b), SPAN(literal))

#endif
