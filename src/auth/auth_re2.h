/* SPDX-License-Identifier: MIT */
/*
 * Owns: one regular expression that RE2 has compiled, with functions that C can call. Must not
 * know: what the expression is for. RE2 is a C++ library, and Go's regexp package is based on it.
 * The caller (auth_match.c) checks for the differences between RE2 and Go.
 */
#ifndef AUTH_AUTH_RE2_H
#define AUTH_AUTH_RE2_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct auth_re2;

/* Compiles an expression of n bytes of valid UTF-8. The compiled expression, together with the data
 * that RE2 keeps while it matches, uses at most `memory` bytes. RE2 also keeps the parsed
 * expression, which this limit does not include. Returns NULL on failure. Then *why is the reason,
 * a static text, and *too_large is true if the expression is correct but needs more memory. The
 * caller frees the result with auth_re2_free. */
struct auth_re2 *auth_re2_new(const char *p, size_t n, size_t memory, const char **why,
                              bool *too_large);
void auth_re2_free(struct auth_re2 *re); /* NULL is allowed */

/* Returns true if the expression matches the n bytes at p or a part of them. */
bool auth_re2_matches(const struct auth_re2 *re, const char *p, size_t n);

#ifdef __cplusplus
}
#endif

#endif
