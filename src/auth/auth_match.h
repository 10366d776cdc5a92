/* SPDX-License-Identifier: MIT */
/*
 * Owns: one compiled pattern of an authorization, in the syntax of Go's regular expressions, and
 * whether a name matches it, anywhere in the name. It must not know JSON nor what a match allows.
 *
 * RE2 compiles and matches. Like Go's package, it follows all ways through a pattern at the same
 * time, so the time of a match is at most proportional to the size of what is compiled times the
 * length of the name: at worst 25 ms for each MiB of auth_pattern_size, with names of 64 bytes.
 */
#ifndef AUTH_AUTH_MATCH_H
#define AUTH_AUTH_MATCH_H

#include <nsq/span.h>

/* Bytes of a pattern. Stops an auth server, or a peer that answers in its place, from making the
 * server spend a long time on compiling one. */
#define AUTH_PATTERN_MAX 4096

/* Groups within groups. Go's limit is for the height of the parsed expression, and the same for
 * groups that hold nothing but each other. */
#define AUTH_PATTERN_DEPTH_MAX 999

/* Bytes of a name. A topic or channel has no more; the time of a match depends on it. */
#define AUTH_NAME_MAX 64

struct auth_pattern;

/* Compiles a pattern (valid UTF-8, borrowed). NULL with a reason, a static text: Go refuses it, or
 * a limit does. The caller ends it with auth_pattern_free. */
struct auth_pattern *auth_pattern_new(struct span source, struct span *why);
void auth_pattern_free(struct auth_pattern *pattern);

/* Bytes that it takes at most, estimated: RE2 does not say. */
size_t auth_pattern_size(const struct auth_pattern *pattern);

/* Whether it matches a name. False for a name that is longer than AUTH_NAME_MAX. */
bool auth_pattern_matches(const struct auth_pattern *pattern, struct span name);

#endif
