/* SPDX-License-Identifier: MIT */
/*
 * The handlers of PUB, MPUB and DPUB. Must not know how bodies arrive (commands.c), nor how a topic
 * gives messages to its channels.
 */
#include "session/commands.h"

#include <nsq/name.h>

#include "base/text.h"
#include "session/handlers.h"
#include "json/quote.h"

/* The session keeps the name of the topic and no pointer, because the topic may be deleted while
 * the body arrives. */
struct reply line_pub(struct session *s, const struct nsq_command *c, int64_t now)
{
    (void)now;
    if (!has_params(c)) {
        return error_with(s, NSQ_E_INVALID, SPAN("insufficient number of parameters"));
    }
    if (!nsq_name_valid(c->param[0])) {
        return error_bad_name(s, NSQ_E_BAD_TOPIC, SPAN("topic name "), c->param[0]);
    }
    s->publish.topic = name_make(c->param[0]);
    s->channel = name_make(SPAN(""));
    s->publish.delay = 0;
    return reply_of(REPLY_NONE);
}

/* In nsqd this error has its code twice: "E_BAD_TOPIC E_BAD_TOPIC MPUB topic name ...". */
static struct reply bad_topic_of_mpub(struct span name)
{
    struct reply reply = reply_error(NSQ_E_BAD_TOPIC);
    text_append(reply.text, "E_BAD_TOPIC MPUB topic name ");
    quote_append(reply.text, name);
    text_append(reply.text, " is not valid");
    return reply;
}

struct reply resume_mpub(struct session *s)
{
    return command_topic(s) == NULL ? error_no_room(s) : reply_of(REPLY_NONE);
}

/* Authorizes the client and creates the topic before the body is read, as nsqd does. */
struct reply line_mpub(struct session *s, const struct nsq_command *c, int64_t now)
{
    if (has_params(c) && !nsq_name_valid(c->param[0])) {
        return bad_topic_of_mpub(c->param[0]);
    }
    struct reply reply = line_pub(s, c, now);
    if (reply.kind == REPLY_NONE) {
        reply = check_auth(s, now);
    }
    return reply.kind == REPLY_NONE ? resume_mpub(s) : reply;
}

struct reply line_dpub(struct session *s, const struct nsq_command *c, int64_t now)
{
    struct reply reply = line_pub(s, c, now);
    if (reply.kind != REPLY_NONE) {
        return reply;
    }
    uint64_t ms;
    if (!nsq_decimal_parse(c->param[1], &ms)) {
        return error_bad_decimal(s, SPAN("timeout "), c->param[1]);
    }
    int64_t most = s->v2->config.max_req_timeout;
    s->publish.delay = wrapped_ns(ms);
    if (s->publish.delay < 0 || s->publish.delay > most) {
        reply = error_with(s, NSQ_E_INVALID, SPAN("timeout "));
        text_append_unsigned(reply.text, ms);
        text_append(reply.text, " out of range 0-");
        text_append_decimal(reply.text, most / TIME_MS);
    }
    return reply;
}

/* Messages that wait for the disk are counted too. If the disk does not store them, the connection
 * is closed and its counters are freed, so a wrong count is never seen. */
struct reply resume_publish(struct session *s, int64_t now)
{
    uint64_t count = s->publish.messages.n;
    uint64_t ticket;
    enum publish_outcome outcome = broker_publish(s->v2->broker, &s->publish, now, &ticket);
    if (outcome == PUBLISH_REFUSED) {
        return error_no_room(s);
    }
    session_count_published(s, count);
    return outcome == PUBLISH_WAITS ? reply_posted(ticket) : reply_of(REPLY_OK);
}

/* Publishes the messages. PUB and DPUB are authorized here. MPUB was authorized in line_mpub. */
struct reply body_publish(struct session *s, int64_t now)
{
    struct reply reply = s->place.id == NSQ_MPUB ? reply_of(REPLY_NONE) : check_auth(s, now);
    return reply.kind == REPLY_NONE ? resume_publish(s, now) : reply;
}

bool command_outlives_client(const struct session *s)
{
    return s->publish.messages.n > 0;
}

struct reply command_not_published(enum nsq_command_id id, struct span why)
{
    struct reply reply = reply_command_error(id, command_failed_code(id));
    text_append(reply.text, "failed ");
    buf_append(reply.text, why);
    return reply;
}
