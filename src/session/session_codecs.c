/* SPDX-License-Identifier: MIT */
/*
 * The codecs that an IDENTIFY has negotiated: TLS first, then snappy or deflate. Must not know how
 * they encode (src/codec), nor how a handshake goes on (src/serve).
 *
 * The OKs behind IDENTIFY's JSON come from here: one when TLS's handshake is done, and one when the
 * compression is enabled.
 */
#include "session/session.h"

#include "base/text.h"
#include "codec/deflate.h"
#include "codec/snappy.h"
#include "session/reply.h"

static void enable_codec(struct session *s, struct codec codec, size_t cost, int64_t now)
{
    s->codec_cost += cost;
    budget_charge(session_budget(s), cost);
    conn_add_codec(s->conn, codec, V2_HANDSHAKE_NS, now);
}

/* Enables snappy or deflate, above TLS if that is enabled. */
static void compress(struct session *s, int64_t now)
{
    const struct upgrade *u = &s->upgrade;
    if (u->snappy) {
        enable_codec(s, snappy_codec(), SNAPPY_COST, now);
    } else if (u->deflate) {
        enable_codec(s, deflate_codec(u->deflate_level), DEFLATE_COST, now);
    } else {
        return;
    }
    s->compressed = true;
    session_send_ok(s, now);
}

void session_enable_codecs(struct session *s, int64_t now)
{
    const struct codec_maker *tls = &s->v2->config.tls;
    if (s->tls == SESSION_TLS_WANTED) {
        s->tls = SESSION_TLS_HANDSHAKING;
        enable_codec(s, tls->make(tls->self), tls->cost, now);
    } else {
        compress(s, now);
    }
}

/* TLS's handshake has ended. When it has failed, `why` says so, and the error is sent in clear. */
void session_on_upgraded(void *service, void *session, struct span why, int64_t now)
{
    struct session *s = session;
    (void)service;
    if (why.n > 0) {
        struct reply reply = reply_command_error(NSQ_IDENTIFY, NSQ_E_IDENTIFY_FAILED);
        text_append(reply.text, "failed ");
        buf_append(reply.text, why);
        session_reply(s, reply, now);
        return;
    }
    s->tls = SESSION_TLS_ENABLED;
    session_send_ok(s, now);
    compress(s, now);
    session_await_line(s, now);
}
