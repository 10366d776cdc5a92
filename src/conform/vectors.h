/* SPDX-License-Identifier: MIT */
/*
 * Owns: the cases as data for other languages. Each session file is played against an engine in
 * this process, byte by byte and on virtual time. The JSON document lists the input and the output,
 * and for each output the number of input bytes after which it came. Cases that enable TLS, snappy
 * or deflate are left out, because their bytes on the wire are not for a parser of NSQ.
 * tests/conformance/vectors.schema.json describes the document.
 * Must not know: files.
 */
#ifndef CONFORM_VECTORS_H
#define CONFORM_VECTORS_H

#include "conform/json_pieces.h"
#include "conform/run_case.h"
#include "conform/suite.h"

/* Appends the document to `out`. Returns false if a case does not pass or cannot be played; then it
 * appends the id of the case and the reason to `why`. */
bool vectors_write(const struct suite *suite, struct buf *out, struct buf *why);

/* Write bytes as an array of parts. A part is a string of hexadecimal digits, or an object {"hex":
 * digits, "times": n} for bytes that repeat. The second function writes a key before it. */
void vectors_write_bytes(struct json_writer *json, struct span bytes);
void vectors_bytes(struct json_writer *json, const char *key, struct span bytes);

/* Writes a member with a text that ends with a NUL. */
void vectors_word(struct json_writer *json, const char *key, const char *text);

#endif
