/* SPDX-License-Identifier: MIT */
/*
 * Owns: the reader of JSON. The reader works like Go's encoding/json in every point that a user of
 * nsqd can notice: which documents are valid, which keys match a field, and which numbers are
 * integers. It uses the parser yajl. The writer is in json/writer.h.
 * Must not know: what a document means.
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <stdint.h>
#include <yajl/yajl_parse.h>

#include "base/buf.h"

/* The greatest nesting depth that Go's decoder accepts. The reader does not check the depth; the
 * callbacks must check it. The reader needs one byte of memory for each level. */
#define JSON_DEPTH_MAX 10000

/* Reads one document that arrives in pieces. How the document is cut into pieces has no effect on
 * the result. The time of each call is proportional to the bytes of its piece. */
struct json_reader;

/* Begins a document. The callbacks and `context`, their first argument, are borrowed until the
 * reader is freed. Callbacks may be called before an error is found. The bytes of a string are
 * passed to the callbacks without a change, even if they are not valid UTF-8. To save
 * memory and time, the rest of a long string or key may be left out: the callbacks get at least its
 * first text_most bytes. If text_most is SIZE_MAX, nothing is left out. The caller frees the reader
 * with json_reader_free. */
struct json_reader *json_reader_new(const yajl_callbacks *callbacks, void *context,
                                    size_t text_most);

/* Reads the next bytes of the document, which are borrowed during the call. Does nothing after an
 * error was found. */
void json_reader_add(struct json_reader *reader, struct span piece);

/* Must be called once, after the last piece. Returns false if the document is not valid JSON or if
 * a callback has returned 0. */
bool json_reader_end(struct json_reader *reader);

/* Returns how many bytes the reader has allocated, with the overhead of the allocator. The result
 * is at most 24 * text_most + JSON_DEPTH_MAX + 8 KiB. */
size_t json_reader_memory(const struct json_reader *reader);

void json_reader_free(struct json_reader *reader); /* NULL is allowed */

/* Reads a whole document. The callbacks get all bytes of its strings. Returns what json_reader_end
 * returns. */
bool json_read(struct span document, const yajl_callbacks *callbacks, void *context);

/* Returns whether a key of a document matches the name of a field. The name must be in lower case.
 * Like Go's decoder, the function ignores case and treats the long s (U+017F) as an s. (Go also
 * treats the Kelvin sign, U+212A, as a k. This function does not, because no name has a k.) */
bool json_key_matches(struct span key, struct span name);

/* Reads an integer from the text of a JSON number. `least` must be 0 or negative, `most` 0 or
 * positive. Returns false and does not change *value if the number is below `least` or above
 * `most`, or if it has a fraction or an exponent. */
bool json_integer(struct span text, int64_t least, int64_t most, int64_t *value);

/* Finds each \u escape that is one half of a surrogate pair without the other half. Overwrites each
 * of these escapes with \ufffd. The reason: Go reads such an escape as U+FFFD, but yajl reads it as
 * a question mark. The function is called with the next n bytes of a document, which are at p,
 * before they are given to a reader. It handles the characters and escapes that begin in the first
 * `most` bytes, and returns their length. The next call must begin after these bytes. Unless the n
 * bytes contain the end of the document, n must not be smaller than `most` + 12, because a pair of
 * escapes has 12 bytes. */
size_t json_mend_surrogates(uint8_t *p, size_t n, size_t most);

/* Appends the text to `out`. Writes U+FFFD for each byte that is not part of valid UTF-8. */
void json_append_valid(struct buf *out, struct span text);

#endif
