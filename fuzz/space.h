/* SPDX-License-Identifier: MIT */
/*
 * Owns: a second implementation of Unicode's white space, by numbers of characters. The library has
 * a table of bytes instead (proto/text.h). Must not know: any target.
 */
#ifndef FUZZ_SPACE_H
#define FUZZ_SPACE_H

#include <nsq/span.h>

/* Decodes the character at the start of `in`, which is not empty: one, two or three bytes of UTF-8.
 * Returns whether it is white space, and sets its size. */
bool fuzz_is_space(struct span in, size_t *size);

#endif
