/* SPDX-License-Identifier: MIT */
/*
 * Owns: the setting of flags from a TOML document, as Go's go-options package does it. If a flag is
 * on the command line, its value in the document is not used. If a flag is not on the command line
 * and not in the document, it keeps its default. Unknown keys and tables have no effect.
 *
 * Must not know: which program has these flags, or from which file the document was read.
 *
 * The values that a flag of each kind accepts (any other value is an error):
 *   - BOOL: a boolean, or a string that strconv.ParseBool accepts
 *   - INT: an integer, or a string of decimal digits, which may begin with a sign
 *   - DURATION: a string such as "1m30s", or an integer of milliseconds
 *   - STRING: a string
 *   - STRINGS: an array of strings, or a string that is split at its commas
 *   - FLOATS: an array of floats, or a string of floats with commas between them
 *   - WORD: a string that the row's function accepts
 *   - BOOL_WORD: like WORD. A boolean or an integer is converted to a string first: to "true", to
 *     "false", or to its decimal digits
 * No string may contain a NUL.
 */
#ifndef PROGRAM_GOCONFIG_H
#define PROGRAM_GOCONFIG_H

#include "program/goflag.h"
#include "program/toml.h"

/*
 * Sets each field whose flag has a key in the document. If given[row] is already true, the flag
 * keeps its value. But if the flag is of kind WORD or BOOL_WORD, its value in the document is still
 * checked, as in upstream's nsqd. Sets given[row] to true for each flag that it sets. The strings
 * are borrowed from the document. Call this function only once for a document, because it changes
 * the document when it splits a string. Returns false at the first error and appends
 * "line L, column C: KEY: expected WHAT, found VALUE" to `error`.
 */
bool goconfig_apply(const struct goflag_table *table, struct toml_document *document, void *into,
                    bool *given, struct line *error);

#define GOCONFIG_KEY_MAX 64 /* bytes of a key, NUL included */

/* Writes the key of a flag of the table. Returns false when the flag has none. */
bool goconfig_key(const struct goflag_table *table, const struct goflag *f,
                  char key[GOCONFIG_KEY_MAX]);

#endif
