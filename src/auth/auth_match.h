/* SPDX-License-Identifier: MIT */
/*
 * Owns: one compiled pattern of an authorization, in the syntax of Go's regular expressions. A
 * function tests whether the pattern matches a name or a part of the name. Must not know: JSON,
 * what a match allows.
 *
 * RE2 compiles and matches the patterns. Like Go's package, RE2 follows all paths through a pattern
 * at the same time. So the time of a match is at most proportional to the size of the compiled
 * pattern multiplied by the length of the name. The size has a limit, so that a match of a name of
 * 64 bytes takes at most about 5 ms. To compile may take several attempts, each of which takes at
 * most about 5 ms too. Matches and attempts use effort (base/effort.h) in proportion to their worst
 * case.
 */
#ifndef AUTH_AUTH_MATCH_H
#define AUTH_AUTH_MATCH_H

#include <nsq/span.h>

#include "base/effort.h"

/* The largest size of a pattern, in bytes. Without this limit, an auth server, or an attacker that
 * pretends to be one, could send a pattern that takes a long time to compile. */
#define AUTH_PATTERN_MAX 4096

/* How deep groups may be nested. Go limits the height of the parsed expression instead. For
 * patterns like ((((a)))) both limits refuse the same patterns; for other patterns they may differ.
 */
#define AUTH_PATTERN_DEPTH_MAX 999

/* The largest size of a name, in bytes. No topic or channel has a longer name. The time of a match
 * depends on this limit. */
#define AUTH_NAME_MAX 64

struct auth_pattern;

enum auth_compiled {
    AUTH_COMPILING, /* auth_pattern_compile must be called again */
    AUTH_COMPILED,
    AUTH_REFUSED, /* Go refuses the pattern, or it exceeds a limit */
};

/* Returns a pattern that is not compiled yet. `source` must be valid UTF-8; its first
 * AUTH_PATTERN_MAX + 1 bytes are copied. The caller frees the pattern with auth_pattern_free. */
struct auth_pattern *auth_pattern_new(struct span source);
void auth_pattern_free(struct auth_pattern *pattern); /* NULL is allowed */

/* First checks the pattern. If the check refuses it, makes no attempt. Otherwise makes one attempt
 * to compile it. An attempt is not cut short when no effort is left. When the result is
 * AUTH_REFUSED, *why is the reason, a static text. Must not be called again after any result other
 * than AUTH_COMPILING. */
enum auth_compiled auth_pattern_compile(struct auth_pattern *pattern, struct effort *effort,
                                        struct span *why);

/* Returns an upper bound, in bytes, of the memory that the compiled pattern uses. The bound is an
 * estimate, because RE2 does not report its use of memory. Before the first attempt, returns the
 * bound of the simplest pattern of this length. A pattern that is not compiled uses less memory. */
size_t auth_pattern_size(const struct auth_pattern *pattern);

/* Returns how many bytes of memory a pattern uses besides auth_pattern_size. This memory is
 * temporary. It is freed at the last attempt to compile the pattern, or before. */
size_t auth_pattern_held(const struct auth_pattern *pattern);

/* Returns true if the pattern, which is compiled, matches the name or a part of the name. Returns
 * false if the name is longer than AUTH_NAME_MAX. */
bool auth_pattern_matches(const struct auth_pattern *pattern, struct span name,
                          struct effort *effort);

#endif
