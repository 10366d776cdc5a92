/* SPDX-License-Identifier: MIT */
/*
 * Owns: the cases as data for other languages. Each session is played against an engine in this
 * process byte by byte, on virtual time; what went in and what came out, with the number of input
 * bytes after which it came, is written down as JSON. Cases that put TLS, snappy or deflate on are
 * left out: what goes over the wire then is not for a parser of NSQ.
 * tests/conformance/vectors.schema.json says what stands where. Must not know: files.
 */
#ifndef CONFORM_VECTORS_H
#define CONFORM_VECTORS_H

#include "conform/json_pieces.h"
#include "conform/run_case.h"
#include "conform/suite.h"

/* Appends the document. False: a case does not pass or cannot be played; `why` has its id. */
bool vectors_write(const struct suite *suite, struct buf *out, struct buf *why);

/* Bytes as a list of pieces: hexadecimal digits, or {"hex": .., "times": ..} for what repeats. */
void vectors_write_bytes(struct json_writer *json, struct span bytes);
void vectors_bytes(struct json_writer *json, const char *key, struct span bytes);

/* A text that ends with a NUL. */
void vectors_word(struct json_writer *json, const char *key, const char *text);

#endif
