/* SPDX-License-Identifier: MIT */
/*
 * The handlers of IDENTIFY and AUTH, and the check whether a client is authorized for a command.
 * Must not know how the auth servers are asked (src/auth), nor which values IDENTIFY may set
 * (settings.c).
 */
#include "session/commands.h"

#include "base/text.h"
#include "codec/deflate.h"
#include "codec/snappy.h"
#include "session/handlers.h"
#include "session/settings.h"
#include "json/quote.h"
#include "json/writer.h"

/* --- IDENTIFY --------------------------------------------------------------------------------- */

static void log_identify(struct session *s, const struct identify *identify)
{
    if (!log_wants(s->v2->log, LOG_INFO)) {
        return;
    }
    const struct {
        struct span name;
        int64_t value;
    } numbers[] = {
        {SPAN(" HeartbeatInterval:"), identify->heartbeat_interval},
        {SPAN(" OutputBufferSize:"), identify->output_buffer_size},
        {SPAN(" OutputBufferTimeout:"), identify->output_buffer_timeout},
        {SPAN(" FeatureNegotiation:"), identify->feature_negotiation},
        {SPAN(" TLSv1:"), identify->tls_v1},
        {SPAN(" Deflate:"), identify->deflate},
        {SPAN(" DeflateLevel:"), identify->deflate_level},
        {SPAN(" Snappy:"), identify->snappy},
        {SPAN(" SampleRate:"), identify->sample_rate},
        {SPAN(" MsgTimeout:"), identify->msg_timeout},
    };
    struct buf text = {0};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        buf_append(&text, numbers[i].name);
        text_append_decimal(&text, numbers[i].value);
    }
    text_append(&text, " UserAgent:");
    buf_append(&text, span_make(identify->user_agent.bytes, identify->user_agent.n));
    log_say(s->v2->log, LOG_INFO, "[%] IDENTIFY: {ClientID:% Hostname:%%}", conn_peer(s->conn),
            span_make(identify->client_id.bytes, identify->client_id.n),
            span_make(identify->hostname.bytes, identify->hostname.n), buf_span(&text));
    buf_free(&text);
}

static size_t upgrade_cost(const struct session *s)
{
    const struct upgrade *u = &s->upgrade;
    return (s->tls == SESSION_TLS_WANTED ? s->v2->config.tls.cost : 0) +
           (u->snappy ? SNAPPY_COST : 0) + (u->deflate ? DEFLATE_COST : 0);
}

/* Checks whether the negotiated codecs can be enabled. A codec that is enabled already cannot be
 * replaced. */
static struct reply check_upgrade(struct session *s, bool tls_again)
{
    const struct upgrade *u = &s->upgrade;
    if (u->deflate && u->snappy) {
        struct reply reply = reply_error(NSQ_E_IDENTIFY_FAILED);
        text_append(reply.text, "cannot enable both deflate and snappy compression");
        return reply;
    }
    bool compress = u->deflate || u->snappy;
    bool tls = s->tls == SESSION_TLS_WANTED;
    if (tls_again || ((tls || compress) && s->compressed)) {
        return error_failed(s, SPAN("what was negotiated before cannot be negotiated again"));
    }
    if (!budget_has_room(&s->v2->broker->core.budget, BUDGET_CLIENT, upgrade_cost(s))) {
        return error_no_room(s);
    }
    return reply_of(tls || compress ? REPLY_CODECS : REPLY_RESPONSE);
}

static struct reply negotiate(struct session *s, const struct identify *identify)
{
    bool tls_again = !settings_choose_upgrade(s, identify);
    struct reply checked = check_upgrade(s, tls_again);
    if (checked.kind == REPLY_ERROR) {
        return checked;
    }
    struct reply reply = reply_response();
    reply.kind = checked.kind;
    settings_append_reply(s, reply.text);
    return reply;
}

/* Notes in the memory budget how much memory s->reader holds. */
static void charge_reader(struct session *s)
{
    size_t cost = s->reader == NULL ? 0 : identify_reader_memory(s->reader);
    budget_hold(session_budget(s), s->reader_cost, cost);
    s->reader_cost = cost;
}

void part_identify(struct session *s, struct span part)
{
    if (s->reader == NULL) {
        s->reader = identify_reader_new();
    }
    identify_reader_add(s->reader, part);
    effort_use(&s->v2->broker->core.effort, part.n / EFFORT_JSON_BYTES);
    charge_reader(s);
}

void drop_reader(struct session *s)
{
    identify_reader_free(s->reader);
    s->reader = NULL;
    charge_reader(s);
}

struct reply body_identify(struct session *s, int64_t now)
{
    struct identify identify;
    bool parsed = identify_reader_end(s->reader, &identify);
    command_drop(s);
    if (!parsed) {
        return error_with(s, NSQ_E_BAD_BODY, SPAN("failed to decode JSON body"));
    }
    log_identify(s, &identify);
    struct buf why = {0};
    if (!settings_apply(s, &identify, &why, now)) {
        struct reply reply = error_with(s, NSQ_E_BAD_BODY, buf_span(&why));
        buf_free(&why);
        return reply;
    }
    return identify.feature_negotiation ? negotiate(s, &identify) : reply_of(REPLY_OK);
}

/* --- AUTH ------------------------------------------------------------------------------------- */

static bool has_authorizations(const struct session *s)
{
    return s->granted != NULL && s->granted->rule_count > 0;
}

struct reply line_auth(struct session *s, const struct nsq_command *c, int64_t now)
{
    (void)now;
    return c->params == 0 ? reply_of(REPLY_NONE)
                          : error_with(s, NSQ_E_INVALID, SPAN("invalid number of parameters"));
}

struct reply body_auth(struct session *s, int64_t now)
{
    if (has_authorizations(s)) {
        command_drop(s);
        return error_with(s, NSQ_E_INVALID, SPAN("already set"));
    }
    if (!auth_is_on(s->v2->auth)) {
        command_drop(s);
        return error_with(s, NSQ_E_AUTH_DISABLED, SPAN("disabled"));
    }
    s->secret = s->data;
    s->data = NULL;
    session_ask_auth(s, now);
    return reply_of(REPLY_HELD);
}

/* Returns the reply of AUTH after the auth servers have answered. */
static struct reply auth_answered(struct session *s)
{
    if (!has_authorizations(s)) {
        return error_with(s, NSQ_E_UNAUTHORIZED, SPAN("no authorizations found"));
    }
    struct reply reply = reply_response();
    struct json_writer json = json_writer(reply.text, JSON_GO);
    json_open_object(&json);
    json_member_string(&json, "identity", buf_span(&s->granted->identity));
    json_member_string(&json, "identity_url", buf_span(&s->granted->identity_url));
    json_member_integer(&json, "permission_count", (int64_t)s->granted->rule_count);
    json_close_object(&json);
    return reply;
}

/* --- what AUTH allows ------------------------------------------------------------------------- */

/* Returns the error "AUTH failed for <command> on <topic> <channel>". */
static struct reply not_allowed(struct session *s)
{
    struct reply reply = reply_error(NSQ_E_UNAUTHORIZED);
    text_append(reply.text, "AUTH failed for ");
    buf_append(reply.text, nsq_command_row(s->place.id)->name);
    text_append(reply.text, " on ");
    quote_append(reply.text, name_span(&s->publish.topic));
    text_append(reply.text, " ");
    quote_append(reply.text, name_span(&s->channel));
    return reply;
}

/* Checks whether the client is allowed to use the topic and channel of the current command. Returns
 * REPLY_NONE or an error. Returns REPLY_HELD when the check has used up the effort of the call;
 * then another call goes on with it. */
static struct reply check_grants(struct session *s)
{
    enum auth_verdict verdict =
        auth_state_check(s->granted, name_span(&s->publish.topic), name_span(&s->channel),
                         &s->v2->broker->core.effort);
    s->checking = verdict == AUTH_UNDECIDED;
    return verdict == AUTH_ALLOWED     ? reply_of(REPLY_NONE)
           : verdict == AUTH_UNDECIDED ? reply_of(REPLY_HELD)
                                       : not_allowed(s);
}

struct reply check_auth(struct session *s, int64_t now)
{
    if (!auth_is_on(s->v2->auth)) {
        return reply_of(REPLY_NONE);
    }
    if (!has_authorizations(s)) {
        struct reply reply = reply_error(NSQ_E_AUTH_FIRST);
        text_append(reply.text, "AUTH required before ");
        buf_append(reply.text, nsq_command_row(s->place.id)->name);
        return reply;
    }
    if (s->expires < now) {
        session_ask_auth(s, now);
        return reply_of(REPLY_HELD);
    }
    return check_grants(s);
}

struct reply command_authorized(struct session *s, int64_t now)
{
    if (s->query != NULL &&
        !session_take_auth(s, now)) { /* as in nsqd, the client gets no reason */
        struct reply reply = reply_error(NSQ_E_AUTH_FAILED);
        text_append(reply.text, "AUTH failed");
        return reply;
    }
    if (s->place.id == NSQ_AUTH) {
        return auth_answered(s);
    }
    struct reply reply = check_grants(s);
    if (reply.kind != REPLY_NONE) {
        return reply;
    }
    switch (s->place.id) {
    case NSQ_SUB:
        return resume_sub(s, now);
    case NSQ_MPUB:
        return resume_mpub(s);
    default:
        return resume_publish(s, now);
    }
}
