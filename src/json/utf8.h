/* SPDX-License-Identifier: MIT */
/*
 * Owns: taking a text apart into characters, by utf8proc.
 */
#ifndef JSON_UTF8_H
#define JSON_UTF8_H

#include <nsq/span.h>

/* Takes one character off a text that is not empty; its bytes are in *bytes, borrowed from the
 * text. False: the text does not begin with valid UTF-8; then one byte was taken. */
bool utf8_next(struct span *text, struct span *bytes);

#endif
