/* SPDX-License-Identifier: MIT */
/*
 * Owns: one compiled pattern of an authorization, and whether a name matches it, anywhere in it.
 *
 * PCRE2's DFA matcher follows all ways at once, as Go's does, so no pattern takes exponential time;
 * and its work, its memory and the size of what is compiled have limits besides.
 */
#ifndef AUTH_AUTH_MATCH_H
#define AUTH_AUTH_MATCH_H

#include <nsq/span.h>

/* Bytes of a pattern. Stops an auth server, or who speaks in its place, from having the loop
 * compile for long; PCRE2 refuses what is more than 64 KiB when compiled. */
#define AUTH_PATTERN_MAX 4096

/* What one question may take, of how many patterns it may be: a pattern whose ways lead to more
 * than some 30 states at a time costs 1 of it, one with more than 170 a quarter. Stops a server, or
 * who speaks in its place, from having the loop match for seconds at each command. */
#define AUTH_MATCH_EFFORT 64

struct auth_pattern;

/* Compiles a pattern in Go's syntax (UTF-8, borrowed). NULL with a reason, a static text: Go
 * refuses it, or a limit does. The caller ends it with auth_pattern_free. */
struct auth_pattern *auth_pattern_new(struct span source, struct span *why);
void auth_pattern_free(struct auth_pattern *pattern);

/* Bytes that it takes. */
size_t auth_pattern_size(const struct auth_pattern *pattern);

/* Whether it matches a name of at most AUTH_SYNTAX_SUBJECT_MAX bytes, all ASCII; false too when
 * that is more than the limits, or what is left of the effort, let it find out. Begin a question
 * with an effort of AUTH_MATCH_EFFORT. */
bool auth_pattern_matches(const struct auth_pattern *pattern, struct span name, unsigned *effort);

#endif
