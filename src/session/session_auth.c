/* SPDX-License-Identifier: MIT */
/*
 * The authorization of a session: its secret, its query, and what the auth servers have allowed.
 * Must not know what a command needs (commands_setup.c), nor how the auth servers are asked
 * (src/auth).
 */
#include "session/session.h"

static void forget_grants(struct session *s)
{
    if (s->granted != NULL) {
        budget_release(session_budget(s), s->granted->cost);
        auth_state_free(s->granted);
        s->granted = NULL;
    }
}

void session_drop_query(struct session *s)
{
    list_remove(&s->waiting);
    s->checking = false;
    if (s->query != NULL) {
        auth_drop(s->query);
        s->query = NULL;
    }
}

void session_forget_auth(struct session *s)
{
    session_drop_query(s);
    forget_grants(s);
    if (s->secret != NULL) {
        body_drop(s->secret, session_budget(s));
        s->secret = NULL;
    }
}

/* Returns the client's IP address without the TCP port. Returns an empty span when the client has
 * no IP address. */
static struct span remote_ip(const struct session *s)
{
    struct span peer = conn_peer(s->conn);
    size_t colon = 0;
    for (size_t i = 0; i < peer.n; i++) {
        colon = peer.p[i] == ':' ? i : colon;
    }
    struct span host = span_first(peer, colon);
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        host = span_make(host.p + 1, host.n - 2);
    }
    bool numeric = true;
    for (size_t i = 0; i < host.n; i++) {
        numeric = numeric && memchr("0123456789abcdef.:", host.p[i], 18) != NULL;
    }
    return numeric ? host : span_make(NULL, 0);
}

void session_ask_auth(struct session *s, int64_t now)
{
    const struct auth_client client = {.remote_ip = remote_ip(s),
                                       .common_name = conn_peer_name(s->conn),
                                       .secret = body_span(s->secret),
                                       .tls = s->tls == SESSION_TLS_ENABLED};
    s->query = auth_ask(s->v2->auth, &client, s, now);
}

bool session_take_auth(struct session *s, int64_t now)
{
    struct buf why = {0};
    struct auth_state *state = auth_take(s->query, &why);
    s->query = NULL;
    if (state == NULL) {
        log_say(s->v2->log, LOG_WARNING, "PROTOCOL(V2): [%] AUTH failed %",
                s->conn == NULL ? SPAN("gone") : conn_peer(s->conn), buf_span(&why));
    } else {
        forget_grants(s);
        s->granted = state;
        budget_charge(session_budget(s), state->cost);
        /* As in nsqd, the product may wrap at 64 bits. The authorization has then expired at
         * once. */
        int64_t ttl = (int64_t)((uint64_t)state->ttl * (uint64_t)TIME_SECOND);
        s->expires = time_after(now, ttl);
    }
    buf_free(&why);
    return state != NULL;
}
