/* SPDX-License-Identifier: MIT */
/*
 * The handlers of SUB, RDY, FIN, REQ, TOUCH and CLS. Must not know how messages reach a consumer:
 * the channel (broker/channel.h) and the delivery pump (session_output.c) do this.
 */
#include "session/commands.h"

#include <nsq/name.h>

#include "base/text.h"
#include "session/handlers.h"

/* --- SUB -------------------------------------------------------------------------------------- */

static struct reply too_many_consumers(struct session *s, const struct channel *channel)
{
    struct reply reply = error_failed(s, SPAN("consumers for "));
    buf_append(reply.text, name_span(&channel->topic->name));
    text_append(reply.text, ":");
    buf_append(reply.text, name_span(&channel->name));
    text_append(reply.text, " exceeds limit of ");
    text_append_decimal(reply.text, s->v2->broker->core.config.max_consumers);
    return reply;
}

struct reply resume_sub(struct session *s, int64_t now)
{
    struct topic *topic = command_topic(s);
    struct channel *channel =
        topic == NULL ? NULL : topic_channel(topic, name_span(&s->channel), now);
    if (channel == NULL) {
        return error_no_room(s);
    }
    if (channel_join(channel, &s->consumer) != CHANNEL_OK) {
        return too_many_consumers(s, channel);
    }
    s->publish.place = broker_place(topic); /* of the messages that the topic has kept */
    s->state = SESSION_SUBSCRIBED;
    return reply_of(REPLY_OK);
}

struct reply line_sub(struct session *s, const struct nsq_command *c, int64_t now)
{
    if (s->heartbeat_interval <= 0) {
        struct reply reply = reply_error(NSQ_E_INVALID);
        text_append(reply.text, "cannot SUB with heartbeats disabled");
        return reply;
    }
    if (!has_params(c)) {
        return error_with(s, NSQ_E_INVALID, SPAN("insufficient number of parameters"));
    }
    if (!nsq_name_valid(c->param[0])) {
        return error_bad_name(s, NSQ_E_BAD_TOPIC, SPAN("topic name "), c->param[0]);
    }
    if (!nsq_name_valid(c->param[1])) {
        return error_bad_name(s, NSQ_E_BAD_CHANNEL, SPAN("channel name "), c->param[1]);
    }
    s->publish.topic = name_make(c->param[0]);
    s->channel = name_make(c->param[1]);
    struct reply reply = check_auth(s, now);
    return reply.kind == REPLY_NONE ? resume_sub(s, now) : reply;
}

/* --- RDY -------------------------------------------------------------------------------------- */

struct reply line_rdy(struct session *s, const struct nsq_command *c, int64_t now)
{
    (void)now;
    if (s->state == SESSION_CLOSING) {
        log_say(s->v2->log, LOG_INFO,
                "PROTOCOL(V2): [%] ignoring RDY after CLS in state ClientStateV2Closing",
                conn_peer(s->conn));
        return reply_of(REPLY_NONE);
    }
    uint64_t count = 1;
    if (c->params > 0 && !nsq_decimal_parse(c->param[0], &count)) {
        return error_bad_decimal(s, SPAN("count "), c->param[0]);
    }
    int64_t most = s->v2->config.max_rdy_count;
    if ((int64_t)count < 0 || (int64_t)count > most) {
        struct reply reply = error_with(s, NSQ_E_INVALID, SPAN("count "));
        text_append_decimal(reply.text, (int64_t)count);
        text_append(reply.text, " out of range 0-");
        text_append_decimal(reply.text, most);
        return reply;
    }
    consumer_set_ready(&s->consumer, (int64_t)count);
    return reply_of(REPLY_NONE);
}

/* --- FIN, REQ, TOUCH -------------------------------------------------------------------------- */

/* Checks the number of parameters and the length of the message id. */
static struct reply check_id(struct session *s, const struct nsq_command *c)
{
    if (!has_params(c)) {
        return error_with(s, NSQ_E_INVALID, SPAN("insufficient number of params"));
    }
    if (c->param[0].n != NSQ_MESSAGE_ID_SIZE) {
        struct reply reply = reply_error(NSQ_E_INVALID);
        text_append(reply.text, "invalid message ID");
        return reply;
    }
    return reply_of(REPLY_NONE);
}

/* Returns the error "<COMMAND> <id> failed <reason>", which does not close the connection, or no
 * reply for CHANNEL_OK. */
static struct reply after_id(struct session *s, struct span id, enum channel_result result)
{
    if (result == CHANNEL_OK) {
        return reply_of(REPLY_NONE);
    }
    struct reply reply = error_with(s, command_failed_code(s->place.id), id);
    if (result == CHANNEL_NOT_OWNER) {
        text_append(reply.text, " failed client does not own message");
    } else {
        text_append(reply.text, " failed ID not in flight");
    }
    return reply;
}

struct reply line_fin(struct session *s, const struct nsq_command *c, int64_t now)
{
    struct reply reply = check_id(s, c);
    if (reply.kind != REPLY_NONE) {
        return reply;
    }
    return after_id(s, c->param[0],
                    consumer_finish(&s->consumer, c->param[0], now, now + s->v2->wall_offset));
}

/* Returns the nearest delay that is in the range, as nsqd does. The client is not told about the
 * change; only the log has it. */
static int64_t clamp_delay(struct session *s, int64_t delay)
{
    int64_t most = s->v2->config.max_req_timeout;
    int64_t clamped = delay < 0 ? 0 : delay > most ? most : delay;
    if (clamped != delay) {
        char texts[3][TEXT_DECIMAL_MAX];
        log_say(s->v2->log, LOG_INFO,
                "PROTOCOL(V2): [%] REQ timeout % out of range 0-%. Setting to %",
                conn_peer(s->conn), text_decimal(texts[0], delay), text_decimal(texts[1], most),
                text_decimal(texts[2], clamped));
    }
    return clamped;
}

struct reply line_req(struct session *s, const struct nsq_command *c, int64_t now)
{
    struct reply reply = check_id(s, c);
    if (reply.kind != REPLY_NONE) {
        return reply;
    }
    uint64_t ms;
    if (!nsq_decimal_parse(c->param[1], &ms)) {
        return error_bad_decimal(s, SPAN("timeout "), c->param[1]);
    }
    int64_t delay = clamp_delay(s, wrapped_ns(ms));
    return after_id(s, c->param[0], consumer_requeue(&s->consumer, c->param[0], delay, now));
}

/* TOUCH uses session->msg_timeout, which the latest IDENTIFY has set. A delivery uses
 * consumer.msg_timeout (see session_take_settings). */
struct reply line_touch(struct session *s, const struct nsq_command *c, int64_t now)
{
    struct reply reply = check_id(s, c);
    if (reply.kind != REPLY_NONE) {
        return reply;
    }
    return after_id(s, c->param[0], consumer_touch(&s->consumer, c->param[0], s->msg_timeout, now));
}

/* --- CLS -------------------------------------------------------------------------------------- */

/* Stops the deliveries to this client. The client closes the connection itself when it has finished
 * the messages that it has. */
struct reply line_cls(struct session *s, const struct nsq_command *c, int64_t now)
{
    (void)c;
    (void)now;
    consumer_set_ready(&s->consumer, 0);
    s->state = SESSION_CLOSING;
    struct reply reply = reply_response();
    text_append(reply.text, "CLOSE_WAIT");
    return reply;
}
