/* SPDX-License-Identifier: MIT */
/*
 * What a client is sent: frames, replies, and the messages that the delivery pump takes out of the
 * broker. Must not know why a command replies what it does.
 */
#include "session/session.h"

#include <nsq/frame.h>

#include "session/reply.h"

/* --- frames ----------------------------------------------------------------------------------- */

void session_send(struct session *s, enum nsq_frame_type type, struct span head, struct span data,
                  int64_t now)
{
    uint8_t header[NSQ_FRAME_HEADER_SIZE];
    nsq_frame_header(header, type, head.n + data.n);
    conn_send(s->conn, span_make(header, sizeof header), now);
    conn_send(s->conn, head, now);
    conn_send(s->conn, data, now);
}

static void send_message(struct session *s, const struct delivery *d, int64_t now)
{
    uint8_t id[NSQ_MESSAGE_ID_SIZE];
    uint8_t head[NSQ_MESSAGE_HEADER_SIZE];
    guid_print(d->body->id, id);
    struct nsq_message message = {
        .timestamp = d->body->timestamp, .attempts = d->attempts, .id = id};
    nsq_message_header(head, &message);
    session_send(s, NSQ_FRAME_MESSAGE, span_make(head, sizeof head), body_span(d->body), now);
}

void session_send_ok(struct session *s, int64_t now)
{
    session_send(s, NSQ_FRAME_RESPONSE, SPAN("OK"), span_make(NULL, 0), now);
}

/* --- messages --------------------------------------------------------------------------------- */

/* Too much unsent output stops the delivery to a consumer here; session_on_drained resumes it. */
void v2_pump(struct v2 *v2, int64_t now)
{
    struct delivery d;
    while (broker_deliver(v2->broker, now, &d)) {
        struct session *s = d.consumer->owner;
        send_message(s, &d, now);
        if (conn_is_full(s->conn)) {
            consumer_set_blocked(&s->consumer, true);
        }
    }
}

/* --- replies ---------------------------------------------------------------------------------- */

/* The answer comes from the auth servers, when the session has asked them; else from the shell. */
void session_wait(struct session *s)
{
    if (s->query == NULL) {
        s->ticket = ++s->v2->last_ticket;
    }
    list_push(s->query == NULL ? &s->v2->to_ask : &s->v2->authorizing, &s->waiting);
    if (s->conn != NULL) {
        conn_pause_input(s->conn, true);
    }
}

static void send_error(struct session *s, const struct reply *reply, int64_t now)
{
    struct span data = buf_span(reply->text);
    log_say(s->v2->log, LOG_ERROR, "[%] - %", conn_peer(s->conn), data);
    session_send(s, NSQ_FRAME_ERROR, span_make(NULL, 0), data, now);
}

bool session_send_reply(struct session *s, struct reply reply, int64_t now)
{
    bool fatal = reply.kind == REPLY_ERROR && nsq_error_is_fatal(reply.code);
    switch (reply.kind) {
    case REPLY_NONE:
        break;
    case REPLY_OK:
        session_send_ok(s, now);
        break;
    case REPLY_RESPONSE:
    case REPLY_CODECS:
        session_send(s, NSQ_FRAME_RESPONSE, buf_span(reply.text), span_make(NULL, 0), now);
        break;
    case REPLY_ERROR:
        send_error(s, &reply, now);
        break;
    case REPLY_PENDING:
        session_wait(s);
        break;
    }
    reply_free(&reply);
    if (reply.kind == REPLY_CODECS) {
        session_enable_codecs(s, now);
    }
    if (fatal) {
        session_end(s, true, now);
    }
    return !fatal;
}
