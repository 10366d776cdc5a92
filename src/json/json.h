/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading JSON as Go's encoding/json does, wherever a user of nsqd could see a difference:
 * which documents are valid, which keys match a field, which numbers are integers. yajl is the
 * parser. Writing is in json/writer.h.
 * Must not know: what a document means.
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <yajl/yajl_parse.h>

#include "base/buf.h"

/* How deeply Go's decoder lets a document nest. json_read does not check it; the callbacks must. */
#define JSON_DEPTH_MAX 10000

/* Parses a whole document and calls the callbacks. `document` is borrowed for the call; `context`
 * is what the callbacks are passed. Returns false when the document is not valid JSON or a callback
 * has returned 0; callbacks may have been called before. A string that is not valid UTF-8 is
 * passed to the callbacks as it is. */
bool json_read(struct span document, const yajl_callbacks *callbacks, void *context);

/* Whether a key of a document matches the name of a field. The name must be in lower case. Like
 * Go's decoder, this ignores case and takes the long s (U+017F) for an s. (Go also takes the Kelvin
 * sign, U+212A, for a k; no name has a k, so this does not.) */
bool json_key_matches(struct span key, struct span name);

/* Reads an integer from the text of a JSON number. `least` must be 0 or negative, `most` 0 or
 * positive. Returns false, and leaves *value alone, when the number is not in least .. most, or has
 * a fraction or an exponent. */
bool json_integer(struct span text, int64_t least, int64_t most, int64_t *value);

/* Replaces in place every \u escape of one half of a surrogate pair without its other half by
 * \ufffd. Go reads such an escape as U+FFFD, but yajl as a question mark. Call it with the n bytes
 * of a document before json_read. */
void json_mend_surrogates(uint8_t *p, size_t n);

/* Appends the text. Each byte that is not part of valid UTF-8 becomes U+FFFD. */
void json_append_valid(struct buf *out, struct span text);

#endif
