/* SPDX-License-Identifier: MIT */
/*
 * Owns: what src/auth does in slices, done in one go, for tests that are not about slices. Must not
 * know: queries, sessions.
 */
#ifndef TESTS_SUPPORT_AUTH_WHOLE_H
#define TESTS_SUPPORT_AUTH_WHOLE_H

#include "auth/auth_forbidden.h"
#include "auth/auth_reply.h"

/* Returns a compiled pattern. NULL: it is refused, and *why is the reason. */
static inline struct auth_pattern *whole_pattern(struct span source, struct span *why)
{
    struct effort effort = {.left = 0};
    struct auth_pattern *p = auth_pattern_new(source);
    enum auth_compiled result = AUTH_COMPILING;
    while (result == AUTH_COMPILING) {
        result = auth_pattern_compile(p, &effort, why);
    }
    if (result == AUTH_REFUSED) {
        auth_pattern_free(p);
    }
    return result == AUTH_REFUSED ? NULL : p;
}

static inline bool whole_matches(const struct auth_pattern *p, struct span name)
{
    struct effort effort = {.left = 0};
    return auth_pattern_matches(p, name, &effort);
}

/* Returns the permissions in a body. NULL: it is refused, and the reason is appended to `why`. */
static inline struct auth_state *whole_reply(struct span body, size_t cost_max, struct buf *why)
{
    struct effort effort = {.left = 0};
    struct auth_reply *reply = auth_reply_new(cost_max);
    while (!auth_reply_go_on(reply, body, &effort)) {
    }
    struct auth_state *state = auth_reply_take(reply, why);
    auth_reply_free(reply);
    return state;
}

static inline bool whole_check(struct auth_state *state, struct span topic, struct span channel)
{
    struct effort effort = {.left = 0};
    enum auth_verdict verdict = AUTH_UNDECIDED;
    while (verdict == AUTH_UNDECIDED) {
        verdict = auth_state_check(state, topic, channel, &effort);
    }
    return verdict == AUTH_ALLOWED;
}

static inline bool whole_forbidden(struct span body, int64_t *port)
{
    struct effort effort = {.left = 0};
    struct auth_forbidden forbidden;
    auth_forbidden_begin(&forbidden);
    while (!auth_forbidden_read(&forbidden, body, &effort)) {
    }
    bool good = auth_forbidden_port(&forbidden, port);
    auth_forbidden_free(&forbidden);
    return good;
}

#endif
