/* SPDX-License-Identifier: MIT */
/*
 * Sends frames and replies to a client. Has the delivery pump, which sends the broker's messages.
 * Must not know how a command chooses its reply.
 */
#include "session/session.h"

#include <assert.h>

#include <nsq/frame.h>

#include "session/commands.h"

/* Bytes. A smaller body is copied into the output, because this is cheaper than a reference. A
 * larger body is stored once, however many consumers it waits for. */
#define BODY_REFERRED_LEAST 512
#define HEAD_SIZE (NSQ_FRAME_HEADER_SIZE + NSQ_MESSAGE_HEADER_SIZE)

/* --- frames ----------------------------------------------------------------------------------- */

/* Each conn_send has a cost, so OK and the headers of a message are one call each below. */
void session_send(struct session *s, enum nsq_frame_type type, struct span data, int64_t now)
{
    uint8_t header[NSQ_FRAME_HEADER_SIZE];
    nsq_frame_header(header, type, data.n);
    conn_send(s->conn, span_make(header, sizeof header), now);
    conn_send(s->conn, data, now);
}

void session_send_ok(struct session *s, int64_t now)
{
    static const uint8_t frame[] = {0, 0, 0, 6, 0, 0, 0, NSQ_FRAME_RESPONSE, 'O', 'K'};
    conn_send(s->conn, span_make(frame, sizeof frame), now);
}

static void send_message(struct session *s, const struct delivery *d, int64_t now)
{
    uint8_t head[HEAD_SIZE + BODY_REFERRED_LEAST];
    uint8_t id[NSQ_MESSAGE_ID_SIZE];
    guid_print(d->body->id, id);
    struct nsq_message message = {
        .timestamp = d->body->timestamp, .attempts = d->attempts, .id = id};
    nsq_frame_header(head, NSQ_FRAME_MESSAGE, NSQ_MESSAGE_HEADER_SIZE + (size_t)d->body->size);
    nsq_message_header(head + NSQ_FRAME_HEADER_SIZE, &message);
    if (d->body->size < BODY_REFERRED_LEAST) {
        memcpy(head + HEAD_SIZE, d->body->bytes, d->body->size);
        conn_send(s->conn, span_make(head, HEAD_SIZE + d->body->size), now);
    } else {
        conn_send(s->conn, span_make(head, HEAD_SIZE), now);
        conn_send_held(s->conn, body_span(d->body), body_keep(d->body), now);
    }
}

void session_on_release(void *service, void *body)
{
    struct v2 *v2 = service;
    body_drop(body, &v2->broker->core.budget);
}

/* --- messages --------------------------------------------------------------------------------- */

void session_update_blocked(struct session *s)
{
    if (s->consumer.channel != NULL) {
        consumer_set_blocked(&s->consumer, s->sub_owed || conn_is_full(s->conn));
    }
}

/* Returns true if the last message may wait for the next one, so that one call of the system sends
 * both. No message waits when the client has asked for this, when the client's buffer is full, or
 * when the next message cannot come before the client reads or answers. */
static bool may_wait(const struct session *s)
{
    return s->consumer.capacity > 0 &&
           s->output_buffer_timeout > s->conn->serve->config.gather_timeout &&
           conn_unsent(s->conn) < (size_t)s->output_buffer_size;
}

/* Sends one message. When the connection then has too much unsent output, stops the deliveries to
 * this consumer. session_on_drained resumes them. */
static void deliver(const struct delivery *d, int64_t now)
{
    struct session *s = d->consumer->owner;
    bool may_gather = conn_may_gather(s->conn); /* nothing else is to be sent */
    send_message(s, d, now);
    if (conn_is_full(s->conn)) {
        consumer_set_blocked(&s->consumer, true);
    }
    if (may_gather && may_wait(s)) {
        conn_gather(s->conn, now);
    }
}

void v2_deliver(struct v2 *v2, int64_t now)
{
    struct delivery d;
    while (broker_deliver(v2->broker, now, &d)) {
        deliver(&d, now);
    }
}

bool session_do_own_work(struct session *s, int64_t now)
{
    struct broker *broker = s->v2->broker;
    struct delivery d;
    if (!broker_moved(broker, &s->publish, now)) {
        return false;
    }
    while (broker_deliver_to(broker, &s->consumer, now, &d)) {
        deliver(&d, now);
    }
    return !session_has_own_work(s);
}

/* --- replies ---------------------------------------------------------------------------------- */

static void send_error(struct session *s, const struct reply *reply, int64_t now)
{
    struct span data = buf_span(reply->text);
    log_say(s->v2->log, LOG_ERROR, "[%] - %", conn_peer(s->conn), data);
    session_send(s, NSQ_FRAME_ERROR, data, now);
}

/* Sends a reply that is known, and frees it. */
static void transmit(struct session *s, struct reply *reply, int64_t now)
{
    switch (reply->kind) {
    case REPLY_OK:
        session_send_ok(s, now);
        break;
    case REPLY_RESPONSE:
    case REPLY_CODECS:
        session_send(s, NSQ_FRAME_RESPONSE, buf_span(reply->text), now);
        break;
    case REPLY_ERROR:
        send_error(s, reply, now);
        break;
    default:
        assert(0 && "a reply that is not known");
    }
    reply_free(reply);
    if (reply->kind == REPLY_CODECS) {
        session_enable_codecs(s, now);
    }
}

/* Sends the owed replies in order, and stops before the first reply that is not known. Closes the
 * connection after the last reply when the session has ended. */
static void send_owed(struct session *s, int64_t now)
{
    while (owed_has_known(&s->owed)) {
        bool of_sub = s->owed.first->command == NSQ_SUB;
        struct reply reply = owed_pop(&s->owed, session_budget(s));
        bool fatal = reply_is_fatal(&reply);
        transmit(s, &reply, now);
        if (fatal) {
            owed_clear(&s->owed, s->v2->tickets, session_budget(s));
            session_end(s, true, now);
            return;
        }
        if (of_sub) {
            s->sub_owed = false;
            session_update_blocked(s);
        }
    }
    if (s->owed.first == NULL && s->ended) {
        conn_finish(s->conn, s->linger, now);
        return;
    }
    if (s->owed.first == NULL) {
        session_await_line(s, now); /* a client that waited for the server was not late */
    }
    session_pause_or_resume(s);
}

static void on_answered(struct ticket *ticket, struct span why, int64_t now)
{
    struct owed *owed = container_of(ticket, struct owed, ticket);
    struct session *s = owed->owner;
    struct reply reply =
        why.n == 0 ? reply_of(REPLY_OK) : command_not_published(owed->command, why);
    owed_settle(owed, reply, session_budget(s));
    send_owed(s, now);
}

static void owe(struct session *s, struct reply reply)
{
    bool posted = reply.kind == REPLY_POSTED;
    struct owed *owed =
        owed_push(&s->owed, posted ? reply_of(REPLY_NONE) : reply, session_budget(s));
    owed->command = s->place.id;
    if (s->place.id == NSQ_SUB) { /* OK, or a fatal error, after which it does not matter */
        s->sub_owed = true;
        session_update_blocked(s);
    }
    if (!posted) {
        return;
    }
    owed->owner = s;
    tickets_wait(s->v2->tickets, &owed->ticket, reply.ticket, on_answered);
}

bool session_send_reply(struct session *s, struct reply reply, int64_t now)
{
    bool fatal = reply_is_fatal(&reply);
    if (reply.kind == REPLY_HELD) {
        session_wait(s);
    } else if (reply.kind == REPLY_POSTED || s->owed.first != NULL) {
        owe(s, reply);
        session_pause_or_resume(s);
    } else {
        transmit(s, &reply, now);
    }
    if (fatal) {
        session_end(s, true, now);
    }
    return !fatal;
}
