/* SPDX-License-Identifier: MIT */
/*
 * Owns: JSON arrays of the pieces of a text.
 * Must not know: what the pieces mean.
 */
#ifndef CONFORM_JSON_PIECES_H
#define CONFORM_JSON_PIECES_H

#include "json/writer.h"

/* Writes `key` and an array of strings: the pieces of the text between single spaces, or its lines.
 * A separator at the very end begins no further piece. */
void json_member_words(struct json_writer *json, const char *key, struct span text);
void json_member_lines(struct json_writer *json, const char *key, struct span text);

#endif
