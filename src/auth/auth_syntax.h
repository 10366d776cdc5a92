/* SPDX-License-Identifier: MIT */
/*
 * Owns: the syntax of Go's regular expressions, which nsqd's auth servers write, and how it is said
 * to PCRE2. What Go refuses is refused, look-around and back-references among it; what both write
 * alike but mean differently is written out.
 *
 * Names of topics and channels are ASCII, so a character, a class, \pL and (?i) each become the set
 * of ASCII characters that they match.
 *
 * Source: https://pkg.go.dev/regexp/syntax, and what Go's compiler takes and refuses.
 */
#ifndef AUTH_AUTH_SYNTAX_H
#define AUTH_AUTH_SYNTAX_H

#include <nsq/span.h>

#include "base/buf.h"

/* Groups within groups; Go takes 1000. Stops a pattern from making a compiler recurse deeply. */
#define AUTH_SYNTAX_DEPTH_MAX 250
/* No subject is longer, so that more repetitions than one above it can be told from none. */
#define AUTH_SYNTAX_SUBJECT_MAX 64

/* Appends to `out` the pattern for PCRE2 (8 bit, no UTF, ALT_CIRCUMFLEX, newline is LF) that
 * matches the same ASCII subjects of at most AUTH_SYNTAX_SUBJECT_MAX bytes as `source` does for Go.
 * False with a reason, a static text, when Go refuses it, or it is nested too deeply. */
bool auth_syntax_translate(struct span source, struct buf *out, struct span *why);

#endif
