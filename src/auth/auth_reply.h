/* SPDX-License-Identifier: MIT */
/*
 * Owns: what an auth server grants: its JSON, and whether that allows a client a topic or channel.
 */
#ifndef AUTH_AUTH_REPLY_H
#define AUTH_AUTH_REPLY_H

#include "auth/auth_match.h"
#include "base/buf.h"

/* One authorization. It allows what a topic's name, and any of the patterns for a channel's, match.
 */
struct auth_rule {
    struct buf source; /* of the topic's pattern, until it is compiled */
    struct auth_pattern *topic;
    struct auth_pattern **channels;
    size_t channel_count;
    bool subscribe;
    bool publish;
};

struct auth_state {
    int64_t ttl; /* seconds, greater than 0 */
    struct buf identity;
    struct buf identity_url;
    struct auth_rule *rules;
    size_t rule_count;
    size_t cost; /* bytes that all of it takes */
};

/* Reads the body of an answer by the rules of Go's decoder, and compiles the patterns. Stops at
 * `most` bytes of cost: a body of that size could ask for many times as much. NULL, with the reason
 * appended to `why`, when nsqd would take it for a failure, or it is too much. No reason quotes the
 * body, which may hold the client's secret. The caller ends the state with auth_state_free. */
struct auth_state *auth_reply_parse(struct span body, size_t most, struct buf *why);
void auth_state_free(struct auth_state *state); /* NULL is allowed */

/* Whether a client may publish to a topic (`channel` is empty) or subscribe to a channel of it.
 * False too when that takes more than AUTH_MATCH_EFFORT to find out. */
bool auth_state_allows(const struct auth_state *state, struct span topic, struct span channel);

/* The port of a server's answer 403 that says to ask again by https; 0 when it names none. False:
 * it is no such JSON. */
bool auth_reply_https_port(struct span body, int64_t *port);

#endif
