/* SPDX-License-Identifier: MIT */
/*
 * Owns: JSON as Go's encoding/json reads and writes it, as far as nsqd's users can see a
 * difference: which documents are accepted, which keys match a name, what integers are, how strings
 * are written. The parser is yajl. Must not know: what any document means.
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <yajl/yajl_parse.h>

#include "base/buf.h"

#define JSON_DEPTH_MAX 10000 /* nesting that Go's decoder accepts; callbacks count it */

/* Reads a whole document. False when it is none, or a callback ended it. Strings are given to the
 * callbacks as they stand, valid UTF-8 or not. */
bool json_read(struct span document, const yajl_callbacks *callbacks, void *context);

/* Whether a key names a field, whose name is in lower case: Go's decoder looks at neither case nor
 * the long s, U+017F. (It folds U+212A to k too, but no field has one.) */
bool json_key_matches(struct span key, struct span name);

/* An integer in its bounds, without fraction or exponent; `least` is not above 0. */
bool json_integer(struct span text, int64_t least, int64_t most, int64_t *value);

/* Replaces each \u escape of half a surrogate pair by \ufffd, in place: yajl would make a question
 * mark of it, and Go makes U+FFFD. */
void json_mend_surrogates(uint8_t *p, size_t n);

/* Appends text with U+FFFD in place of each byte that is not UTF-8. */
void json_append_valid(struct buf *out, struct span text);

/* Appends a string with its quotes, escaped as Go does, which also escapes <, > and &. */
void json_append_string(struct buf *out, struct span text);

#endif
