/* SPDX-License-Identifier: MIT */
/*
 * Enables the codecs that an IDENTIFY has negotiated: first TLS, then snappy or deflate. Must not
 * know how codecs encode (src/codec), nor how a handshake continues (src/serve).
 *
 * After the JSON reply of IDENTIFY, this file sends an OK when the TLS handshake is done, and an OK
 * when the compression is enabled.
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

/* Enables snappy or deflate if one was negotiated. When TLS is enabled, TLS then encrypts the
 * compressed bytes. */
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
    s->compressed_snappy = u->snappy;
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

/* When the TLS handshake has failed, `why` has the reason, and the error is sent without TLS. */
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
