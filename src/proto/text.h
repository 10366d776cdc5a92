/* SPDX-License-Identifier: MIT */
/*
 * Owns: white space and decimal numbers, as Go's library reads and prints them. These functions are
 * only for the protocol library itself.
 * Must not know: the texts that contain them.
 */
#ifndef PROTO_TEXT_H
#define PROTO_TEXT_H

#include <nsq/span.h>

#define NSQ_DECIMAL_MAX 20 /* bytes of the longest int64 in decimal, with its sign */

/* Returns the size of the white space character at the start or the end of the text, or 0 if there
 * is none. White space is that of ASCII, and all other white space of Unicode in its UTF-8 form. */
size_t nsq_space_size(struct span text, bool at_end);

/* Writes the number at the end of `digits` and returns it, with '-' before a negative one. */
struct span nsq_decimal_write(int64_t number, uint8_t digits[NSQ_DECIMAL_MAX]);

#endif
