/* SPDX-License-Identifier: MIT */
/*
 * Owns: what an auth server's answer means: what it grants, and whether that allows a client a
 * topic or channel. Must not know: HTTP, the client.
 */
#ifndef AUTH_AUTH_REPLY_H
#define AUTH_AUTH_REPLY_H

#include "auth/auth_match.h"
#include "base/buf.h"

/* One authorization. It allows a topic whose name matches the topic's pattern, together with a
 * channel whose name matches one of the channels' patterns. */
struct auth_rule {
    struct buf source; /* the text of the topic's pattern, until it is compiled */
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

/* Reads the body of an answer as Go's decoder does, and compiles the patterns. Fails when the cost
 * passes cost_max: patterns may take many times as many bytes as the body. NULL, with the reason
 * appended to `why`: nsqd too would refuse the answer, or it costs too much. No reason quotes the
 * body, which may contain the client's secret. The caller ends the state with auth_state_free. */
struct auth_state *auth_reply_parse(struct span body, size_t cost_max, struct buf *why);
void auth_state_free(struct auth_state *state); /* NULL is allowed */

/* Whether a client may publish to a topic (`channel` is empty) or subscribe to a channel of it. */
bool auth_state_allows(const struct auth_state *state, struct span topic, struct span channel);

/* Reads the body of an answer 403, which tells nsqd to ask again by https. `*port` is 0 when it
 * names none. False: it is not such a JSON document. */
bool auth_reply_https_port(struct span body, int64_t *port);

#endif
