/* SPDX-License-Identifier: MIT */
/*
 * Checks the values of an IDENTIFY, stores them, and writes the JSON reply that reports them. Must
 * not know how the document was parsed (identify.c), nor when the JSON reply is sent.
 */
#include "session/settings.h"

#include <nsq/version.h>

#include "base/text.h"
#include "json/writer.h"

#define LEAST_HEARTBEAT_MS 1000
#define LEAST_MSG_TIMEOUT_MS 1000
#define LEAST_BUFFER_SIZE 64
#define MOST_SAMPLE_RATE 99
#define DEFAULT_DEFLATE_LEVEL 6

/* Appends "<what> (<value>) is invalid" and returns false. */
static bool invalid(struct buf *text, struct span what, int64_t value)
{
    buf_append(text, what);
    text_append(text, " (");
    text_append_decimal(text, value);
    text_append(text, ") is invalid");
    return false;
}

static bool in_range(int64_t value, int64_t least, int64_t most)
{
    return value >= least && value <= most;
}

static bool apply_heartbeat(struct session *s, int64_t ms, struct buf *text)
{
    if (ms == -1) {
        s->heartbeat_interval = 0;
    } else if (in_range(ms, LEAST_HEARTBEAT_MS, s->v2->config.max_heartbeat_interval / TIME_MS)) {
        s->heartbeat_interval = ms * TIME_MS;
    } else if (ms != 0) {
        return invalid(text, SPAN("heartbeat interval"), ms);
    }
    return true;
}

static bool apply_buffer_timeout(struct session *s, int64_t ms, struct buf *text)
{
    const struct v2_config *config = &s->v2->config;
    if (ms == -1) {
        s->output_buffer_timeout = 0;
    } else if (ms != 0 && in_range(ms, config->min_output_buffer_timeout / TIME_MS,
                                   config->max_output_buffer_timeout / TIME_MS)) {
        s->output_buffer_timeout = ms * TIME_MS;
    } else if (ms != 0) {
        return invalid(text, SPAN("output buffer timeout"), ms);
    }
    return true;
}

static bool apply_buffer_size(struct session *s, int64_t size, struct buf *text)
{
    if (size == -1) {
        s->output_buffer_size = 1;
        s->output_buffer_timeout = 0;
    } else if (in_range(size, LEAST_BUFFER_SIZE, s->v2->config.max_output_buffer_size)) {
        s->output_buffer_size = size;
    } else if (size != 0) {
        return invalid(text, SPAN("output buffer size"), size);
    }
    return true;
}

static bool apply_sample_rate(struct session *s, int64_t rate, struct buf *text)
{
    if (!in_range(rate, 0, MOST_SAMPLE_RATE)) {
        return invalid(text, SPAN("sample rate"), rate);
    }
    s->sample_rate = (int32_t)rate;
    return true;
}

static bool apply_msg_timeout(struct session *s, int64_t ms, struct buf *text)
{
    if (in_range(ms, LEAST_MSG_TIMEOUT_MS, s->v2->config.max_msg_timeout / TIME_MS)) {
        s->msg_timeout = ms * TIME_MS;
    } else if (ms != 0) {
        return invalid(text, SPAN("msg timeout"), ms);
    }
    return true;
}

/* Copies a text to the address `*end`, and then sets `*end` to the end of the copy. */
static struct span keep_text(uint8_t **end, const struct json_short *text)
{
    struct span kept = span_make(*end, text->n);
    memcpy(*end, text->bytes, text->n);
    *end += text->n;
    return kept;
}

static size_t identity_cost(size_t text_size)
{
    return sizeof(struct identity) + text_size + ALLOC_OVERHEAD;
}

void settings_forget_identity(struct session *s)
{
    const struct identity *i = s->identity;
    if (i != NULL) {
        budget_release(&s->v2->broker->core.budget,
                       identity_cost(i->client_id.n + i->hostname.n + i->user_agent.n));
        alloc_free(s->identity);
        s->identity = NULL;
    }
}

static void apply_identity(struct session *s, const struct identify *identify)
{
    size_t text_size =
        (size_t)identify->client_id.n + identify->hostname.n + identify->user_agent.n;
    settings_forget_identity(s);
    s->identity = alloc_zeroed(sizeof *s->identity + text_size);
    budget_charge(&s->v2->broker->core.budget, identity_cost(text_size));
    uint8_t *end = (uint8_t *)(s->identity + 1);
    s->identity->client_id = keep_text(&end, &identify->client_id);
    s->identity->hostname = keep_text(&end, &identify->hostname);
    s->identity->user_agent = keep_text(&end, &identify->user_agent);
}

bool settings_apply(struct session *s, const struct identify *identify, struct buf *text,
                    int64_t now)
{
    apply_identity(s, identify);
    bool valid = apply_heartbeat(s, identify->heartbeat_interval, text) &&
                 apply_buffer_timeout(s, identify->output_buffer_timeout, text) &&
                 apply_buffer_size(s, identify->output_buffer_size, text) &&
                 apply_sample_rate(s, identify->sample_rate, text) &&
                 apply_msg_timeout(s, identify->msg_timeout, text);
    if (!valid) {
        return false;
    }
    conn_set_write_timeout(s->conn, s->heartbeat_interval, now);
    if (!s->identified) {
        /* A later IDENTIFY does not change deliveries or heartbeats. It does change the time for
         * commands (session_await_line), the write timeout and the msg_timeout of TOUCH. */
        s->identified = true;
        session_take_settings(s, now);
    }
    return true;
}

bool settings_choose_upgrade(struct session *s, const struct identify *identify)
{
    const struct v2_config *config = &s->v2->config;
    struct upgrade *u = &s->upgrade;
    bool tls = config->tls.make != NULL && identify->tls_v1;
    bool tls_again = tls && s->tls != SESSION_TLS_NONE;
    s->tls = tls && !tls_again ? SESSION_TLS_WANTED : s->tls;
    u->snappy = config->snappy && identify->snappy;
    u->deflate = config->deflate && identify->deflate;
    int64_t level =
        u->deflate && identify->deflate_level > 0 ? identify->deflate_level : DEFAULT_DEFLATE_LEVEL;
    u->deflate_level = (int)(level < config->max_deflate_level ? level : config->max_deflate_level);
    return !tls_again;
}

void settings_append_reply(const struct session *s, struct buf *text)
{
    const struct v2_config *config = &s->v2->config;
    struct json_writer json = json_writer(text, JSON_GO);
    json_open_object(&json);
    json_member_integer(&json, "max_rdy_count", config->max_rdy_count);
    json_member_string(&json, "version", SPAN(NSQ_COMPATIBILITY));
    json_member_integer(&json, "max_msg_timeout", config->max_msg_timeout / TIME_MS);
    json_member_integer(&json, "msg_timeout", s->msg_timeout / TIME_MS);
    json_member_bool(&json, "tls_v1", s->tls == SESSION_TLS_WANTED);
    json_member_bool(&json, "deflate", s->upgrade.deflate);
    json_member_integer(&json, "deflate_level", s->upgrade.deflate_level);
    json_member_integer(&json, "max_deflate_level", config->max_deflate_level);
    json_member_bool(&json, "snappy", s->upgrade.snappy);
    json_member_integer(&json, "sample_rate", s->sample_rate);
    json_member_bool(&json, "auth_required", auth_is_on(s->v2->auth));
    json_member_integer(&json, "output_buffer_size", s->output_buffer_size);
    json_member_integer(&json, "output_buffer_timeout", s->output_buffer_timeout / TIME_MS);
    json_close_object(&json);
}
