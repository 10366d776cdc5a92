/* SPDX-License-Identifier: MIT */
/*
 * Owns: one regular expression that RE2 has compiled, behind functions that C can call. It must not
 * know what the expression is for. RE2 is the C++ original of Go's regexp package; what the two
 * take differently is checked by the caller (auth_match.c).
 */
#ifndef AUTH_AUTH_RE2_H
#define AUTH_AUTH_RE2_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct auth_re2;

/* Compiles an expression of n bytes of valid UTF-8. What RE2 compiles, and what it remembers while
 * it matches, takes at most `memory` bytes; the parsed expression, which RE2 keeps, comes on top of
 * them. NULL with a reason in *why, a static text; *too_large: it is a good expression that needs
 * more memory. The caller ends it with auth_re2_free. */
struct auth_re2 *auth_re2_new(const char *p, size_t n, size_t memory, const char **why,
                              bool *too_large);
void auth_re2_free(struct auth_re2 *re); /* NULL is allowed */

/* Whether it matches the n bytes at p, anywhere in them. */
bool auth_re2_matches(const struct auth_re2 *re, const char *p, size_t n);

#ifdef __cplusplus
}
#endif

#endif
