/* SPDX-License-Identifier: MIT */
#include "session/commands.h"

#include <assert.h>

#include <nsq/name.h>

#include "base/text.h"
#include "codec/deflate.h"
#include "codec/snappy.h"
#include "session/quote.h"
#include "session/settings.h"
#include "json/json.h"

typedef struct reply line_handler(struct session *s, const struct nsq_command *c, int64_t now);
typedef struct reply end_handler(struct session *s, int64_t now);

/* --- the table -------------------------------------------------------------------------------- */

static line_handler unknown_line, auth_line, sub_line, publish_line, mpub_line, dpub_line, rdy_line,
    fin_line, req_line, touch_line, cls_line;
static end_handler identify_end, auth_end, publish_end;

#define IN(state) (1U << (state))
#define ANY (IN(SESSION_INIT) | IN(SESSION_SUBSCRIBED) | IN(SESSION_CLOSING))
#define CONSUMING (IN(SESSION_SUBSCRIBED) | IN(SESSION_CLOSING))

/* One row a command. Its name, least parameters and body kind are nsq_command_row's. */
struct row {
    unsigned states;       /* bits IN(state); in any other: E_INVALID, before anything else */
    enum nsq_error failed; /* the code of "<COMMAND> failed ..." */
    line_handler *line;    /* checks the line; does the whole command when it has no body */
    end_handler *end;      /* the body is whole */
};

static const struct row rows[] = {
    [NSQ_UNKNOWN] = {ANY, NSQ_E_INVALID, unknown_line, NULL},
    [NSQ_IDENTIFY] = {IN(SESSION_INIT), NSQ_E_IDENTIFY_FAILED, NULL, identify_end},
    [NSQ_AUTH] = {IN(SESSION_INIT), NSQ_E_AUTH_ERROR, auth_line, auth_end},
    [NSQ_SUB] = {IN(SESSION_INIT), NSQ_E_SUB_FAILED, sub_line, NULL},
    [NSQ_PUB] = {ANY, NSQ_E_PUB_FAILED, publish_line, publish_end},
    [NSQ_MPUB] = {ANY, NSQ_E_MPUB_FAILED, mpub_line, publish_end},
    [NSQ_DPUB] = {ANY, NSQ_E_DPUB_FAILED, dpub_line, publish_end},
    [NSQ_RDY] = {CONSUMING, NSQ_E_INVALID, rdy_line, NULL},
    [NSQ_FIN] = {CONSUMING, NSQ_E_FIN_FAILED, fin_line, NULL},
    [NSQ_REQ] = {CONSUMING, NSQ_E_REQ_FAILED, req_line, NULL},
    [NSQ_TOUCH] = {CONSUMING, NSQ_E_TOUCH_FAILED, touch_line, NULL},
    [NSQ_CLS] = {IN(SESSION_SUBSCRIBED), NSQ_E_INVALID, cls_line, NULL},
    [NSQ_NOP] = {ANY, NSQ_E_INVALID, NULL, NULL},
};

_Static_assert(sizeof rows / sizeof rows[0] == NSQ_COMMAND_COUNT, "one row for each command");

/* --- replies ---------------------------------------------------------------------------------- */

static const struct reply nothing = {REPLY_NONE, NSQ_E_NONE};
static const struct reply ok = {REPLY_OK, NSQ_E_NONE};
static const struct reply response = {REPLY_TEXT, NSQ_E_NONE};
static const struct reply upgrade = {REPLY_UPGRADE, NSQ_E_NONE};
static const struct reply pending = {REPLY_PENDING, NSQ_E_NONE};

static struct reply check_auth(struct session *s, int64_t now);

static struct reply error(enum nsq_error code)
{
    return (struct reply){REPLY_ERROR, code};
}

/* The text of an error begins: the name of the command in hand and a space. */
static struct buf *name_first(struct session *s)
{
    buf_append(&s->v2->text, nsq_command_row(s->place.id)->name);
    text_append(&s->v2->text, " ");
    return &s->v2->text;
}

/* "<COMMAND> <text>" */
#define FAIL(s, code, literal) (text_append(name_first(s), literal), error(code))

/* "<COMMAND> failed <reason>", in the command's own code. */
static struct reply failed(struct session *s, struct span reason)
{
    struct buf *text = name_first(s);
    text_append(text, "failed ");
    buf_append(text, reason);
    return error(rows[s->place.id].failed);
}

/* What the command in hand needs memory for. */
static enum budget_use use_of(const struct session *s)
{
    enum nsq_body_kind body = nsq_command_row(s->place.id)->body;
    return body == NSQ_BODY_MESSAGE || body == NSQ_BODY_MESSAGES ? BUDGET_QUEUE : BUDGET_CLIENT;
}

/* The topic of the command in hand, made when it is missing; NULL when there is no room for it. */
static struct topic *topic_of(struct session *s)
{
    return broker_topic(s->v2->broker, name_span(&s->topic), use_of(s));
}

/* nsqref's own: nsqd has no such bound. */
static struct reply no_room(struct session *s)
{
    struct buf *text = name_first(s);
    text_append(text, "failed queued bytes would exceed the limit of ");
    text_append_decimal(text, (int64_t)budget_bound(&s->v2->broker->core.budget, use_of(s)));
    return error(rows[s->place.id].failed);
}

/* "<COMMAND> <what> <name> is not valid" */
static struct reply bad_name(struct session *s, enum nsq_error code, struct span what,
                             struct span name)
{
    struct buf *text = name_first(s);
    buf_append(text, what);
    quote_append(text, name);
    text_append(text, " is not valid");
    return error(code);
}

/* "<COMMAND> could not parse <what> <bytes>" */
static struct reply bad_decimal(struct session *s, struct span what, struct span digits)
{
    struct buf *text = name_first(s);
    text_append(text, "could not parse ");
    buf_append(text, what);
    buf_append(text, digits);
    return error(NSQ_E_INVALID);
}

/* "<what> <value> out of range 0-<most>" */
static struct reply out_of_range(struct session *s, struct span what, int64_t value, int64_t most)
{
    struct buf *text = name_first(s);
    buf_append(text, what);
    text_append_decimal(text, value);
    text_append(text, " out of range 0-");
    text_append_decimal(text, most);
    return error(NSQ_E_INVALID);
}

/* --- lines ------------------------------------------------------------------------------------ */

static bool has_params(const struct nsq_command *c)
{
    return c->params >= nsq_command_row(c->id)->least_params;
}

static struct reply unknown_line(struct session *s, const struct nsq_command *c, int64_t now)
{
    (void)now;
    text_append(&s->v2->text, "invalid command ");
    buf_append(&s->v2->text, c->name);
    return error(NSQ_E_INVALID);
}

static struct reply auth_line(struct session *s, const struct nsq_command *c, int64_t now)
{
    (void)now;
    return c->params == 0 ? nothing : FAIL(s, NSQ_E_INVALID, "invalid number of parameters");
}

static struct reply subscribe(struct session *s, int64_t now)
{
    struct topic *topic = topic_of(s);
    struct channel *channel =
        topic == NULL ? NULL : topic_channel(topic, name_span(&s->channel), now);
    if (channel == NULL) {
        return no_room(s);
    }
    if (channel_join(channel, &s->consumer) != CHANNEL_OK) {
        struct buf *text = name_first(s);
        text_append(text, "failed consumers for ");
        buf_append(text, name_span(&topic->name));
        text_append(text, ":");
        buf_append(text, name_span(&channel->name));
        text_append(text, " exceeds limit of ");
        text_append_decimal(text, s->v2->broker->core.config.max_consumers);
        return error(NSQ_E_SUB_FAILED);
    }
    s->state = SESSION_SUBSCRIBED;
    return ok;
}

static struct reply sub_line(struct session *s, const struct nsq_command *c, int64_t now)
{
    if (s->heartbeat_interval <= 0) {
        text_append(&s->v2->text, "cannot SUB with heartbeats disabled");
        return error(NSQ_E_INVALID);
    }
    if (!has_params(c)) {
        return FAIL(s, NSQ_E_INVALID, "insufficient number of parameters");
    }
    if (!nsq_name_valid(c->param[0])) {
        return bad_name(s, NSQ_E_BAD_TOPIC, SPAN("topic name "), c->param[0]);
    }
    if (!nsq_name_valid(c->param[1])) {
        return bad_name(s, NSQ_E_BAD_CHANNEL, SPAN("channel name "), c->param[1]);
    }
    s->topic = name_make(c->param[0]);
    s->channel = name_make(c->param[1]);
    struct reply reply = check_auth(s, now);
    return reply.kind == REPLY_NONE ? subscribe(s, now) : reply;
}

/* The topic of a publishing command; it is kept by name, because it may be gone when the body ends.
 */
static struct reply publish_line(struct session *s, const struct nsq_command *c, int64_t now)
{
    (void)now;
    if (!has_params(c)) {
        return FAIL(s, NSQ_E_INVALID, "insufficient number of parameters");
    }
    if (!nsq_name_valid(c->param[0])) {
        return bad_name(s, NSQ_E_BAD_TOPIC, SPAN("topic name "), c->param[0]);
    }
    s->topic = name_make(c->param[0]);
    s->channel = name_make(SPAN(""));
    s->delay = 0;
    return nothing;
}

static struct reply make_topic(struct session *s)
{
    return topic_of(s) == NULL ? no_room(s) : nothing;
}

/* nsqd says the code of a bad name twice, and authorizes and makes the topic before it reads the
 * body. */
static struct reply mpub_line(struct session *s, const struct nsq_command *c, int64_t now)
{
    if (has_params(c) && !nsq_name_valid(c->param[0])) {
        text_append(&s->v2->text, "E_BAD_TOPIC ");
    }
    struct reply reply = publish_line(s, c, now);
    if (reply.kind == REPLY_NONE) {
        reply = check_auth(s, now);
    }
    return reply.kind == REPLY_NONE ? make_topic(s) : reply;
}

/* Milliseconds as nsqd turns them into ns: 64 bits that wrap, then a sign. */
static int64_t wrapped_ns(uint64_t ms)
{
    return (int64_t)(ms * TIME_MS);
}

static struct reply dpub_line(struct session *s, const struct nsq_command *c, int64_t now)
{
    struct reply reply = publish_line(s, c, now);
    if (reply.kind != REPLY_NONE) {
        return reply;
    }
    uint64_t ms;
    if (!nsq_decimal_parse(c->param[1], &ms)) {
        return bad_decimal(s, SPAN("timeout "), c->param[1]);
    }
    int64_t most = s->v2->config.max_req_timeout;
    s->delay = wrapped_ns(ms);
    if (s->delay < 0 || s->delay > most) {
        struct buf *text = name_first(s);
        text_append(text, "timeout ");
        text_append_unsigned(text, ms);
        text_append(text, " out of range 0-");
        text_append_decimal(text, most / TIME_MS);
        return error(NSQ_E_INVALID);
    }
    return nothing;
}

static struct reply rdy_line(struct session *s, const struct nsq_command *c, int64_t now)
{
    (void)now;
    if (s->state == SESSION_CLOSING) {
        log_say(s->v2->log, LOG_INFO,
                "PROTOCOL(V2): [%] ignoring RDY after CLS in state ClientStateV2Closing",
                conn_peer(s->conn));
        return nothing;
    }
    uint64_t count = 1;
    if (c->params > 0 && !nsq_decimal_parse(c->param[0], &count)) {
        return bad_decimal(s, SPAN("count "), c->param[0]);
    }
    int64_t most = s->v2->config.max_rdy_count;
    if ((int64_t)count < 0 || (int64_t)count > most) {
        return out_of_range(s, SPAN("count "), (int64_t)count, most);
    }
    consumer_set_ready(&s->consumer, (int64_t)count);
    return nothing;
}

/* What FIN, REQ and TOUCH check first. */
static struct reply check_id(struct session *s, const struct nsq_command *c)
{
    if (!has_params(c)) {
        return FAIL(s, NSQ_E_INVALID, "insufficient number of params");
    }
    if (c->param[0].n != NSQ_MESSAGE_ID_SIZE) {
        text_append(&s->v2->text, "invalid message ID");
        return error(NSQ_E_INVALID);
    }
    return nothing;
}

/* "<COMMAND> <id> failed <reason>"; the connection lives on. */
static struct reply after_id(struct session *s, struct span id, enum channel_result result)
{
    if (result == CHANNEL_OK) {
        return nothing;
    }
    struct buf *text = name_first(s);
    buf_append(text, id);
    if (result == CHANNEL_NOT_OWNER) {
        text_append(text, " failed client does not own message");
    } else {
        text_append(text, " failed ID not in flight");
    }
    return error(rows[s->place.id].failed);
}

static struct reply fin_line(struct session *s, const struct nsq_command *c, int64_t now)
{
    (void)now;
    struct reply reply = check_id(s, c);
    if (reply.kind != REPLY_NONE) {
        return reply;
    }
    return after_id(s, c->param[0], consumer_finish(&s->consumer, c->param[0]));
}

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

static struct reply req_line(struct session *s, const struct nsq_command *c, int64_t now)
{
    struct reply reply = check_id(s, c);
    if (reply.kind != REPLY_NONE) {
        return reply;
    }
    uint64_t ms;
    if (!nsq_decimal_parse(c->param[1], &ms)) {
        return bad_decimal(s, SPAN("timeout "), c->param[1]);
    }
    int64_t delay = clamp_delay(s, wrapped_ns(ms));
    return after_id(s, c->param[0], consumer_requeue(&s->consumer, c->param[0], delay, now));
}

static struct reply touch_line(struct session *s, const struct nsq_command *c, int64_t now)
{
    struct reply reply = check_id(s, c);
    if (reply.kind != REPLY_NONE) {
        return reply;
    }
    return after_id(s, c->param[0], consumer_touch(&s->consumer, c->param[0], s->msg_timeout, now));
}

/* The client wants no more messages; it closes the connection itself when it has finished the rest.
 */
static struct reply cls_line(struct session *s, const struct nsq_command *c, int64_t now)
{
    (void)c;
    (void)now;
    consumer_set_ready(&s->consumer, 0);
    s->state = SESSION_CLOSING;
    text_append(&s->v2->text, "CLOSE_WAIT");
    return response;
}

struct reply command_line(struct session *s, const struct nsq_command *c, int64_t now)
{
    const struct row *row = &rows[c->id];
    /* Who writes the secret behind AUTH, where it does not belong, has it kept from the log too. */
    log_say(s->v2->log, LOG_DEBUG, "PROTOCOL(V2): [%] [%]", conn_peer(s->conn),
            c->id == NSQ_AUTH ? c->name : c->line);
    bool in_clear = s->v2->config.tls_required && !s->tls && c->id != NSQ_IDENTIFY;
    if (in_clear || (row->states & IN(s->state)) == 0) {
        text_append(&s->v2->text, "cannot ");
        buf_append(&s->v2->text, c->name);
        text_append(&s->v2->text, " in current state");
        buf_append(&s->v2->text, in_clear ? SPAN(" (TLS required)") : SPAN(""));
        return error(NSQ_E_INVALID);
    }
    return row->line == NULL ? nothing : row->line(s, c, now);
}

/* --- ends of bodies --------------------------------------------------------------------------- */

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
    return (u->tls ? s->v2->config.tls.cost : 0) + (u->snappy ? SNAPPY_COST : 0) +
           (u->deflate ? DEFLATE_COST : 0);
}

static struct reply identify_end(struct session *s, int64_t now)
{
    struct identify identify;
    bool parsed = identify_parse(body_span(s->data), &identify);
    command_drop(s);
    if (!parsed) {
        return FAIL(s, NSQ_E_BAD_BODY, "failed to decode JSON body");
    }
    log_identify(s, &identify);
    name_first(s);
    if (!settings_apply(s, &identify, &s->v2->text, now)) {
        return error(NSQ_E_BAD_BODY);
    }
    buf_free(&s->v2->text);
    if (!identify.feature_negotiation) {
        return ok;
    }
    settings_choose_upgrade(s, &identify);
    const struct upgrade *u = &s->upgrade;
    if (u->deflate && u->snappy) {
        text_append(&s->v2->text, "cannot enable both deflate and snappy compression");
        return error(NSQ_E_IDENTIFY_FAILED);
    }
    bool compress = u->deflate || u->snappy;
    if ((u->tls && (s->tls || s->compressed)) || (compress && s->compressed)) {
        return failed(s, SPAN("what was negotiated before cannot be negotiated again"));
    }
    if (!budget_has_room(&s->v2->broker->core.budget, BUDGET_CLIENT, upgrade_cost(s))) {
        return no_room(s);
    }
    settings_append_reply(s, &s->v2->text);
    return u->tls || compress ? upgrade : response;
}

static bool has_authorizations(const struct session *s)
{
    return s->granted != NULL && s->granted->rule_count > 0;
}

static struct reply auth_end(struct session *s, int64_t now)
{
    if (has_authorizations(s)) {
        command_drop(s);
        return FAIL(s, NSQ_E_INVALID, "already set");
    }
    if (!auth_is_on(s->v2->auth)) {
        command_drop(s);
        return FAIL(s, NSQ_E_AUTH_DISABLED, "disabled");
    }
    s->secret = s->data;
    s->data = NULL;
    session_ask_auth(s, now);
    return pending;
}

/* What AUTH answers once the servers have. */
static struct reply auth_answered(struct session *s)
{
    if (!has_authorizations(s)) {
        return FAIL(s, NSQ_E_UNAUTHORIZED, "no authorizations found");
    }
    struct buf *text = &s->v2->text;
    text_append(text, "{\"identity\":");
    json_append_string(text, buf_span(&s->granted->identity));
    text_append(text, ",\"identity_url\":");
    json_append_string(text, buf_span(&s->granted->identity_url));
    text_append(text, ",\"permission_count\":");
    text_append_decimal(text, (int64_t)s->granted->rule_count);
    text_append(text, "}");
    return response;
}

/* "AUTH <what> <command>", and for an error that names them the topic and channel. */
static struct reply not_allowed(struct session *s)
{
    struct buf *text = &s->v2->text;
    text_append(text, "AUTH failed for ");
    buf_append(text, nsq_command_row(s->place.id)->name);
    text_append(text, " on ");
    quote_append(text, name_span(&s->topic));
    text_append(text, " ");
    quote_append(text, name_span(&s->channel));
    return error(NSQ_E_UNAUTHORIZED);
}

/* Whether what was granted covers the topic and channel of the command in hand. */
static struct reply check_grants(struct session *s)
{
    bool allowed = auth_state_allows(s->granted, name_span(&s->topic), name_span(&s->channel));
    return allowed ? nothing : not_allowed(s);
}

/* Whether the client may do the command in hand; pending when what was granted has expired, and is
 * asked for anew. */
static struct reply check_auth(struct session *s, int64_t now)
{
    if (!auth_is_on(s->v2->auth)) {
        return nothing;
    }
    if (!has_authorizations(s)) {
        text_append(&s->v2->text, "AUTH required before ");
        buf_append(&s->v2->text, nsq_command_row(s->place.id)->name);
        return error(NSQ_E_AUTH_FIRST);
    }
    if (s->expires < now) {
        session_ask_auth(s, now);
        return pending;
    }
    return check_grants(s);
}

static struct reply publish(struct session *s, int64_t now)
{
    struct topic *topic = topic_of(s);
    if (topic == NULL || !topic_has_room(topic, s->batch.n, s->delay)) {
        return no_room(s);
    }
    uint64_t count = s->batch.n;
    struct message *message;
    while ((message = queue_pop(&s->batch)) != NULL) {
        topic_publish(topic, message, now, now + s->v2->wall_offset);
    }
    session_count_published(s, count);
    return ok;
}

static struct reply publish_allowed(struct session *s, int64_t now)
{
    return s->v2->config.ask_before_publish ? pending : publish(s, now);
}

/* MPUB was authorized before its body. */
static struct reply publish_end(struct session *s, int64_t now)
{
    struct reply reply = s->place.id == NSQ_MPUB ? nothing : check_auth(s, now);
    return reply.kind == REPLY_NONE ? publish_allowed(s, now) : reply;
}

bool command_outlives_client(const struct session *s)
{
    return s->batch.n > 0;
}

struct reply command_authorized(struct session *s, int64_t now)
{
    if (!session_take_auth(s, now)) { /* nsqd too keeps to itself why */
        text_append(&s->v2->text, "AUTH failed");
        return error(NSQ_E_AUTH_FAILED);
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
        return subscribe(s, now);
    case NSQ_MPUB:
        return make_topic(s);
    default:
        return publish_allowed(s, now);
    }
}

struct reply command_complete(struct session *s, enum ask_result result, int64_t now)
{
    if (result != ASK_DONE) {
        return failed(s, SPAN("to make the message safe"));
    }
    return publish(s, now);
}

/* --- bodies ----------------------------------------------------------------------------------- */

/* How nsqd words what is wrong with a stage, by the kind of body. */
struct words {
    enum nsq_error code;
    struct span item; /* "failed to read <item> size", "invalid <item> size n" */
    struct span big;  /* "<big> too big n > limit" */
};

#define BODY_WORDS                                                                                 \
    {                                                                                              \
        NSQ_E_BAD_BODY, SPAN_LITERAL("body"), SPAN_LITERAL("body")                                 \
    }

static const struct words words[] = {
    [NSQ_BODY_NONE] = {NSQ_E_INVALID, {NULL, 0}, {NULL, 0}},
    [NSQ_BODY_DATA] = BODY_WORDS,
    [NSQ_BODY_MESSAGE] = {NSQ_E_BAD_MESSAGE, SPAN_LITERAL("message body"), SPAN_LITERAL("message")},
    [NSQ_BODY_MESSAGES] = BODY_WORDS,
};

static const struct words *words_of(const struct session *s)
{
    return &words[nsq_command_row(s->place.id)->body];
}

/* "message(<index>) body": what MPUB calls one of its messages. */
static void append_message(struct buf *text, uint32_t index)
{
    text_append(text, "message(");
    text_append_decimal(text, index);
    text_append(text, ") body");
}

struct reply command_cut_off(struct session *s)
{
    const struct words *w = words_of(s);
    struct buf *text = name_first(s);
    text_append(text, "failed to read ");
    switch (s->place.stage) {
    case NSQ_STAGE_SIZE:
        buf_append(text, w->item);
        text_append(text, " size");
        return error(w->code);
    case NSQ_STAGE_COUNT:
        text_append(text, "message count");
        return error(NSQ_E_BAD_BODY);
    case NSQ_STAGE_MESSAGE_SIZE:
        append_message(text, s->place.index);
        text_append(text, " size");
        return error(NSQ_E_BAD_MESSAGE);
    case NSQ_STAGE_MESSAGE_BODY:
        text_append(text, "message body");
        return error(NSQ_E_BAD_MESSAGE);
    default:
        buf_append(text, w->item);
        return error(w->code);
    }
}

static struct reply too_big(struct session *s, const struct nsq_item *item, enum nsq_error code,
                            struct span what)
{
    struct buf *text = name_first(s);
    buf_append(text, what);
    text_append(text, " too big ");
    text_append_decimal(text, item->value);
    text_append(text, " > ");
    text_append_decimal(text, item->limit);
    return error(code);
}

struct reply command_bad(struct session *s, const struct nsq_item *item)
{
    const struct words *w = words_of(s);
    bool in_mpub = item->stage == NSQ_STAGE_MESSAGE_SIZE;
    enum nsq_error code = in_mpub ? NSQ_E_BAD_MESSAGE : w->code;
    if (item->bad == NSQ_BAD_SIZE_TOO_BIG) {
        return too_big(s, item, code, in_mpub ? SPAN("message") : w->big);
    }
    struct buf *text = name_first(s);
    text_append(text, "invalid ");
    if (item->bad == NSQ_BAD_COUNT) {
        text_append(text, "message count ");
    } else if (in_mpub) {
        append_message(text, item->index);
        text_append(text, " size ");
    } else {
        buf_append(text, w->item);
        text_append(text, " size ");
    }
    text_append_decimal(text, item->value);
    return error(code);
}

/* A body is whole: it becomes a message to publish, or the data of IDENTIFY and AUTH. */
static void keep_body(struct session *s)
{
    struct body *body = draft_finish(&s->draft);
    if (nsq_command_row(s->place.id)->body == NSQ_BODY_DATA) {
        s->data = body;
        return;
    }
    body->deferred = s->delay;
    queue_push(&s->batch, message_first(body));
}

struct reply command_stage(struct session *s, const struct nsq_item *item, int64_t now)
{
    switch (item->stage) {
    case NSQ_STAGE_SIZE:
    case NSQ_STAGE_MESSAGE_SIZE:
        draft_begin(&s->draft, (uint32_t)item->value);
        return nothing;
    case NSQ_STAGE_BODY:
    case NSQ_STAGE_MESSAGE_BODY:
        break;
    default:
        return nothing;
    }
    if (!draft_add(&s->draft, &s->v2->broker->core.budget, use_of(s), item->part)) {
        return no_room(s);
    }
    if (item->whole) {
        keep_body(s);
    }
    return item->last ? rows[s->place.id].end(s, now) : nothing;
}

void command_drop(struct session *s)
{
    struct budget *budget = &s->v2->broker->core.budget;
    draft_drop(&s->draft, budget);
    queue_clear(&s->batch, budget);
    if (s->data != NULL) {
        body_drop(s->data, budget);
        s->data = NULL;
    }
}
