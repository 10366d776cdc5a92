/* SPDX-License-Identifier: MIT */
/*
 * Owns: the setting of flags from a TOML document, as Go's go-options package does it. A flag of
 * the command line wins over the document, and the document wins over the default. Unknown keys and
 * tables have no effect.
 *
 * Must not know: which program has these flags, or which file the document was.
 *
 * The values that a flag of each kind takes (any other value is an error):
 *   - BOOL: a boolean, or a string that strconv.ParseBool accepts
 *   - INT: an integer, or a string of decimal digits, with a sign or none
 *   - DURATION: a string such as "1m30s", or an integer of milliseconds
 *   - STRING: a string
 *   - STRINGS: an array of strings, or a string that is split at its commas
 *   - FLOATS: an array of floats, or a string of floats with commas between them
 *   - WORD: a string that the row's function accepts
 *   - BOOL_WORD: the same; a boolean or an integer counts as its text
 * No string may contain a NUL.
 */
#ifndef NSQD_GOCONFIG_H
#define NSQD_GOCONFIG_H

#include "nsqd/goflag.h"
#include "nsqd/toml.h"

/*
 * Sets each field whose flag has a key in the document. A flag with given[row] keeps its value; the
 * words in the document are checked all the same, as upstream's nsqd does. Sets given[row] to true
 * for each flag that it sets. The strings are borrowed from the document. Call it once for a
 * document, because it splits strings in place. Returns false at the first error and appends
 * "line L, column C: KEY: expected WHAT, found VALUE" to `error`.
 */
bool goconfig_apply(const struct goflag_table *table, struct toml_document *document, void *into,
                    bool *given, struct line *error);

#endif
