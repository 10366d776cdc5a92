/* SPDX-License-Identifier: MIT */
/*
 * Owns: the permissions in an auth server's answer, and the test whether they let a client use a
 * topic or channel. Must not know: HTTP, the client.
 */
#ifndef AUTH_AUTH_REPLY_H
#define AUTH_AUTH_REPLY_H

#include "auth/auth_match.h"
#include "base/buf.h"

/* One authorization. It allows the topics whose names match the pattern `topic`, together with the
 * channels whose names match one of the patterns in `channels`. */
struct auth_rule {
    struct buf source; /* the text of the pattern `topic`; used until the pattern is compiled */
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
    size_t cost; /* bytes that the whole state uses */
};

/* Reads the body of an answer as Go's decoder does, and compiles the patterns. Returns NULL, and
 * appends the reason to `why`, in two cases. First, the answer is one that nsqd refuses. Second,
 * the state would use more than cost_max bytes. This limit is needed because the patterns may use
 * much more memory than the body. No reason quotes the body, because the body may contain the
 * client's secret. The caller frees the state with auth_state_free. */
struct auth_state *auth_reply_parse(struct span body, size_t cost_max, struct buf *why);
void auth_state_free(struct auth_state *state); /* NULL is allowed */

/* Returns true if a client may subscribe to this channel of the topic. When `channel` is empty,
 * returns true if a client may publish to the topic. */
bool auth_state_allows(const struct auth_state *state, struct span topic, struct span channel);

/* Reads the body of a 403 answer, which tells nsqd to ask again by https. Sets *port to the port in
 * the body, or to 0 if the body names no port. Returns false if the body is not a JSON document of
 * this kind. */
bool auth_reply_https_port(struct span body, int64_t *port);

#endif
