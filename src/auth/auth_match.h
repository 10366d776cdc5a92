/* SPDX-License-Identifier: MIT */
/*
 * Owns: one compiled pattern of an authorization, in the syntax of Go's regular expressions. A
 * function tests whether the pattern matches a name or a part of the name. Must not know: JSON,
 * what a match allows.
 *
 * RE2 compiles and matches the patterns. Like Go's package, RE2 follows all paths through a pattern
 * at the same time. So the time of a match is at most proportional to the size of the compiled
 * pattern multiplied by the length of the name. For a name of 64 bytes the worst case is 25 ms for
 * each MiB of the compiled pattern. auth_pattern_size returns the size of the compiled pattern.
 */
#ifndef AUTH_AUTH_MATCH_H
#define AUTH_AUTH_MATCH_H

#include <nsq/span.h>

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

/* Compiles a pattern. `source` is borrowed and must be valid UTF-8. Returns NULL if Go refuses the
 * pattern or if it exceeds a limit. Then *why is the reason, a static text. The caller frees the
 * pattern with auth_pattern_free. */
struct auth_pattern *auth_pattern_new(struct span source, struct span *why);
void auth_pattern_free(struct auth_pattern *pattern);

/* Returns an upper bound, in bytes, of the memory that the pattern uses. The bound is an estimate,
 * because RE2 does not report its use of memory. */
size_t auth_pattern_size(const struct auth_pattern *pattern);

/* Returns true if the pattern matches the name or a part of the name. Returns false if the name is
 * longer than AUTH_NAME_MAX. */
bool auth_pattern_matches(const struct auth_pattern *pattern, struct span name);

#endif
