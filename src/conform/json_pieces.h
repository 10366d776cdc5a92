/* SPDX-License-Identifier: MIT */
/*
 * Owns: writing a text as a JSON array in which each piece of the text is one value. Must not know:
 * the meaning of the pieces.
 */
#ifndef CONFORM_JSON_PIECES_H
#define CONFORM_JSON_PIECES_H

#include "json/writer.h"

/* These functions write `key` and an array of strings. json_member_words splits the text at each
 * space and writes the parts. json_member_lines writes the lines of the text. A separator at the
 * end of the text does not add an empty string. */
void json_member_words(struct json_writer *json, const char *key, struct span text);
void json_member_lines(struct json_writer *json, const char *key, struct span text);

#endif
