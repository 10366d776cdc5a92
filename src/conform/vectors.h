/* SPDX-License-Identifier: MIT */
/*
 * Owns: the cases as data for programs in other languages. Each session file is played against an
 * engine in this process, byte by byte and on virtual time. The JSON document lists the input and
 * the output. For each output, it also has the number of input bytes after which the output came.
 * Cases that enable TLS, snappy or deflate are left out, because a parser of NSQ cannot read their
 * bytes on the wire. Cases that stop reading, restart the server or send HEAD are left out too.
 * Each `repeat` is replaced by the steps that it repeats. tests/conformance/vectors.schema.json
 * describes the document. Must not know: files.
 */
#ifndef CONFORM_VECTORS_H
#define CONFORM_VECTORS_H

#include "conform/json_pieces.h"
#include "conform/run_case.h"
#include "conform/suite.h"

/* Appends the document to `out`. Returns false if a case does not pass or cannot be played. Then
 * `why` has the id of the case and the reason. */
bool vectors_write(const struct suite *suite, struct buf *out, struct buf *why);

/* These functions write bytes as an array of parts. A part is a string of hexadecimal digits, or,
 * for bytes that repeat, an object {"hex": digits, "times": n}. vectors_write_bytes writes the
 * array alone. vectors_bytes writes a key before the array. */
void vectors_write_bytes(struct json_writer *json, struct span bytes);
void vectors_bytes(struct json_writer *json, const char *key, struct span bytes);

/* Writes a key and a text. Both are C strings. */
void vectors_word(struct json_writer *json, const char *key, const char *text);

#endif
