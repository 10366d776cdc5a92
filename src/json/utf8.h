/* SPDX-License-Identifier: MIT */
/*
 * Owns: a function that splits a UTF-8 text into characters. It uses the library utf8proc.
 */
#ifndef JSON_UTF8_H
#define JSON_UTF8_H

#include <nsq/span.h>

/* Removes the first character from *text and sets *bytes to the bytes of this character. *bytes
 * points into the text. *text must not be empty. Returns true if the character is valid UTF-8.
 * Otherwise the function removes one byte, sets *bytes to this byte, and returns false. */
bool utf8_next(struct span *text, struct span *bytes);

#endif
