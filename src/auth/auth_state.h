/* SPDX-License-Identifier: MIT */
/*
 * Owns: the permissions of one client, and the check whether they let the client use a topic or
 * channel. Must not know: JSON, HTTP, the client.
 */
#ifndef AUTH_AUTH_STATE_H
#define AUTH_AUTH_STATE_H

#include "auth/auth_match.h"
#include "base/buf.h"

/* One authorization. It allows the topics whose names match the pattern `topic`, together with the
 * channels whose names match one of the patterns in `channels`. */
struct auth_rule {
    struct auth_pattern *topic; /* NULL only while the answer is read */
    struct auth_pattern **channels;
    size_t channel_count;
    bool subscribe;
    bool publish;
};

/* A position in a state: the pattern that is matched or compiled next. */
struct auth_place {
    size_t rule;
    size_t channel;
    bool topic_done; /* the pattern `topic` of the rule is done; its channels follow */
};

struct auth_state {
    int64_t ttl; /* seconds, greater than 0 */
    struct buf identity;
    struct buf identity_url;
    struct auth_rule *rules;
    size_t rule_count;
    size_t cost;             /* bytes that the whole state uses */
    struct auth_place place; /* of a check that is not finished */
    /* The topic for which publishing was allowed last; no bytes: none. Most clients publish to one
     * topic. Without this field, the patterns would be matched for each of their messages. */
    uint8_t published_to[AUTH_NAME_MAX];
    size_t published_to_n;
};

enum auth_verdict {
    AUTH_UNDECIDED =
        0, /* the call has used up the effort; another call with the same names goes on */
    AUTH_ALLOWED,
    AUTH_DENIED,
};

/* Checks whether a client may subscribe to this channel of the topic. When `channel` is empty,
 * checks whether a client may publish to the topic. Matches patterns while effort is left, and at
 * least one. */
enum auth_verdict auth_state_check(struct auth_state *state, struct span topic, struct span channel,
                                   struct effort *effort);

/* Frees the rules, or the whole state. */
void auth_state_clear_rules(struct auth_state *state);
void auth_rule_clear_channels(struct auth_rule *rule);
void auth_state_free(struct auth_state *state); /* NULL is allowed */

#endif
