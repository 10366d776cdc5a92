/* SPDX-License-Identifier: MIT */
#include "auth/auth_reply.h"

#include "base/alloc.h"
#include "base/text.h"
#include "json/json.h"

#define TIME_SIZE_LEAST 20 /* "2006-01-02T15:04:05Z" */

/* --- where the reader is ---------------------------------------------------------------------- */

enum place {
    BEFORE, /* the document */
    STATE,  /* in its object */
    RULES,  /* in the array of authorizations */
    RULE,   /* in one of them */
    CHANNELS,
    PERMISSIONS
};

enum key {
    OTHER,
    TTL,
    AUTHORIZATIONS,
    IDENTITY,
    IDENTITY_URL,
    EXPIRES, /* nsqd fills it in itself, but a server's value of wrong type is an error */
    TOPIC,
    CHANNELS_KEY,
    PERMISSIONS_KEY
};

static const struct {
    enum place place;
    enum key key;
    const char *name;
} keys[] = {
    {STATE, TTL, "ttl"},
    {STATE, AUTHORIZATIONS, "authorizations"},
    {STATE, IDENTITY, "identity"},
    {STATE, IDENTITY_URL, "identity_url"},
    {STATE, EXPIRES, "expires"},
    {RULE, TOPIC, "topic"},
    {RULE, CHANNELS_KEY, "channels"},
    {RULE, PERMISSIONS_KEY, "permissions"},
};

struct reader {
    struct auth_state *state;
    size_t most;
    enum place place;
    enum key key;     /* at STATE and RULE */
    unsigned skipped; /* depth within a value that means nothing */
    bool wrong;       /* the type of a value */
    bool too_much;
    struct span unknown;      /* what is wrong with a rule; static */
    struct span unknown_more; /* and why; static */
};

static struct auth_rule *rule_of(struct reader *r)
{
    return &r->state->rules[r->state->rule_count - 1];
}

/* Takes n bytes of what all may cost. */
static bool spend(struct reader *r, size_t n)
{
    r->state->cost += n;
    r->too_much = r->too_much || r->state->cost > r->most;
    return !r->too_much;
}

/* --- rules ------------------------------------------------------------------------------------ */

static void clear_channels(struct auth_rule *rule)
{
    for (size_t i = 0; i < rule->channel_count; i++) {
        auth_pattern_free(rule->channels[i]);
    }
    alloc_free(rule->channels);
    rule->channels = NULL;
    rule->channel_count = 0;
}

static void clear_rules(struct auth_state *state)
{
    for (size_t i = 0; i < state->rule_count; i++) {
        struct auth_rule *rule = &state->rules[i];
        clear_channels(rule);
        buf_free(&rule->source);
        if (rule->topic != NULL) {
            auth_pattern_free(rule->topic);
        }
    }
    alloc_free(state->rules);
    state->rules = NULL;
    state->rule_count = 0;
}

void auth_state_free(struct auth_state *state)
{
    if (state != NULL) {
        clear_rules(state);
        buf_free(&state->identity);
        buf_free(&state->identity_url);
        alloc_free(state);
    }
}

/* Room for one more at the end of an array that grows by doubling. */
static void *grown(void *array, size_t count, size_t size)
{
    bool full = (count & (count - 1)) == 0; /* 0, 1, 2, 4, 8, .. */
    return full ? alloc_resize(array, (count == 0 ? 1 : 2 * count) * size) : array;
}

static bool add_rule(struct reader *r)
{
    struct auth_state *s = r->state;
    if (!spend(r, 2 * sizeof *s->rules)) {
        return false;
    }
    s->rules = grown(s->rules, s->rule_count, sizeof *s->rules);
    s->rules[s->rule_count++] = (struct auth_rule){0};
    return true;
}

static struct auth_pattern *compile(struct reader *r, struct span source, struct span what)
{
    struct buf valid = {0};
    struct span why = {NULL, 0};
    json_append_valid(&valid, source);
    struct auth_pattern *pattern = auth_pattern_new(buf_span(&valid), &why);
    buf_free(&valid);
    if (pattern == NULL) {
        r->unknown = what;
        r->unknown_more = why;
    } else {
        spend(r, auth_pattern_size(pattern));
    }
    return pattern;
}

static bool add_channel(struct reader *r, struct span source)
{
    struct auth_rule *rule = rule_of(r);
    struct auth_pattern *pattern = compile(r, source, SPAN("unable to compile channel: "));
    if (pattern == NULL) {
        return false;
    }
    spend(r, 2 * sizeof(void *));
    rule->channels = grown(rule->channels, rule->channel_count, sizeof(struct auth_pattern *));
    rule->channels[rule->channel_count++] = pattern;
    return !r->too_much;
}

static bool add_permission(struct reader *r, struct span permission)
{
    if (span_equal(permission, SPAN("subscribe"))) {
        rule_of(r)->subscribe = true;
    } else if (span_equal(permission, SPAN("publish"))) {
        rule_of(r)->publish = true;
    } else {
        r->unknown = SPAN("unknown permission");
    }
    return r->unknown.n == 0;
}

/* What the last of several keys says counts, so a topic is compiled when its object ends. */
static bool end_rule(struct reader *r)
{
    struct auth_rule *rule = rule_of(r);
    rule->topic = compile(r, buf_span(&rule->source), SPAN("unable to compile topic: "));
    buf_free(&rule->source);
    return rule->topic != NULL && !r->too_much;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool digits(struct span s, size_t at, size_t n)
{
    for (size_t i = at; i < at + n; i++) {
        if (i >= s.n || s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    return true;
}

static unsigned two(struct span s, size_t at)
{
    return (unsigned)(s.p[at] - '0') * 10 + (unsigned)(s.p[at + 1] - '0');
}

static bool is_day(unsigned year, unsigned month, unsigned day)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (month == 2 && leap ? 1U : 0U);
}

/* "Z", "+01:00". */
static bool is_zone(struct span s)
{
    if (span_equal(s, SPAN("Z"))) {
        return true;
    }
    return s.n == 6 && (s.p[0] == '+' || s.p[0] == '-') && s.p[3] == ':' && digits(s, 1, 2) &&
           digits(s, 4, 2) && two(s, 1) < 24 && two(s, 4) < 60;
}

/* A time by RFC 3339, which is what Go takes for one. */
static bool is_time(struct span s)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    if (s.n < TIME_SIZE_LEAST) {
        return false;
    }
    for (size_t i = 0; form[i] != '\0'; i++) {
        if (form[i] == 'd' ? !digits(s, i, 1) : s.p[i] != (uint8_t)form[i]) {
            return false;
        }
    }
    unsigned year = two(s, 0) * 100 + two(s, 2);
    if (!is_day(year, two(s, 5), two(s, 8)) || two(s, 11) > 23 || two(s, 14) > 59 ||
        two(s, 17) > 59) {
        return false;
    }
    struct span rest = span_skip(s, sizeof form - 1);
    size_t fraction = 0;
    if (rest.p[0] == '.' || rest.p[0] == ',') {
        for (fraction = 1; digits(rest, fraction, 1); fraction++) {
        }
    }
    return fraction != 1 && is_zone(span_skip(rest, fraction));
}

static int wrong(struct reader *r)
{
    r->wrong = true; /* remembered, not acted on: a syntax error further on means the same */
    return 1;
}

static bool is_list(const struct reader *r)
{
    return r->place == CHANNELS || r->place == PERMISSIONS;
}

static void keep_text(struct reader *r, struct buf *b, struct span text)
{
    buf_free(b);
    if (spend(r, 3 * text.n + ALLOC_OVERHEAD)) { /* a byte that is not UTF-8 becomes three */
        json_append_valid(b, text);
    }
}

static int on_string(void *ctx, const unsigned char *p, size_t n)
{
    struct reader *r = ctx;
    struct span text = span_make(p, n);
    if (r->skipped > 0) {
        return 1;
    }
    if (r->place == CHANNELS) {
        return add_channel(r, text);
    }
    if (r->place == PERMISSIONS) {
        return add_permission(r, text);
    }
    if (r->place == BEFORE || r->place == RULES) {
        return wrong(r);
    }
    switch (r->key) {
    case OTHER:
        return 1;
    case IDENTITY:
        keep_text(r, &r->state->identity, text);
        return !r->too_much;
    case IDENTITY_URL:
        keep_text(r, &r->state->identity_url, text);
        return !r->too_much;
    case TOPIC:
        buf_free(&rule_of(r)->source);
        buf_append(&rule_of(r)->source, text);
        return 1;
    case EXPIRES:
        return is_time(text) ? 1 : wrong(r);
    default:
        return wrong(r);
    }
}

/* A number or a bool, where there may be one. */
static bool means_nothing(const struct reader *r)
{
    return r->skipped > 0 || ((r->place == STATE || r->place == RULE) && r->key == OTHER);
}

static int on_number(void *ctx, const char *p, size_t n)
{
    struct reader *r = ctx;
    if (means_nothing(r)) {
        return 1;
    }
    bool right = r->place == STATE && r->key == TTL &&
                 json_integer(span_make(p, n), INT64_MIN, INT64_MAX, &r->state->ttl);
    return right ? 1 : wrong(r);
}

static int on_bool(void *ctx, int value)
{
    (void)value;
    return means_nothing(ctx) ? 1 : wrong(ctx);
}

/* null empties a list, is an element with nothing in it, and else changes nothing. */
static int on_null(void *ctx)
{
    struct reader *r = ctx;
    if (r->skipped > 0 || r->place == BEFORE) {
        return 1;
    }
    switch (r->place) {
    case CHANNELS:
        return add_channel(r, SPAN(""));
    case PERMISSIONS:
        return add_permission(r, SPAN(""));
    case RULES:
        return add_rule(r) && end_rule(r);
    default:
        break;
    }
    if (r->key == AUTHORIZATIONS) {
        clear_rules(r->state);
    } else if (r->key == CHANNELS_KEY) {
        clear_channels(rule_of(r));
    } else if (r->key == PERMISSIONS_KEY) {
        rule_of(r)->subscribe = rule_of(r)->publish = false;
    }
    return 1;
}

static int on_key(void *ctx, const unsigned char *p, size_t n)
{
    struct reader *r = ctx;
    if (r->skipped > 0) {
        return 1;
    }
    r->key = OTHER;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct span name = span_make(keys[i].name, strlen(keys[i].name));
        if (keys[i].place == r->place && json_key_matches(span_make(p, n), name)) {
            r->key = keys[i].key;
        }
    }
    return 1;
}

/* --- objects and arrays ----------------------------------------------------------------------- */

/* A value begins that is not looked into. `meant`: there is none of its kind that would be right.
 */
static int skip_value(struct reader *r, bool meant)
{
    if (meant) {
        wrong(r);
    }
    return ++r->skipped <= JSON_DEPTH_MAX;
}

static int on_begin_object(void *ctx)
{
    struct reader *r = ctx;
    if (r->skipped == 0 && r->place == BEFORE) {
        r->place = STATE;
        return 1;
    }
    if (r->skipped == 0 && r->place == RULES) {
        r->place = RULE;
        return add_rule(r);
    }
    return skip_value(r, !means_nothing(r));
}

static int on_begin_array(void *ctx)
{
    struct reader *r = ctx;
    if (r->skipped > 0 || (r->place != STATE && r->place != RULE)) {
        return skip_value(r, !means_nothing(r));
    }
    switch (r->key) {
    case AUTHORIZATIONS:
        clear_rules(r->state);
        r->place = RULES;
        return 1;
    case CHANNELS_KEY:
        clear_channels(rule_of(r));
        r->place = CHANNELS;
        return 1;
    case PERMISSIONS_KEY:
        rule_of(r)->subscribe = rule_of(r)->publish = false;
        r->place = PERMISSIONS;
        return 1;
    default:
        return skip_value(r, !means_nothing(r));
    }
}

static int on_end(void *ctx)
{
    struct reader *r = ctx;
    if (r->skipped > 0) {
        r->skipped--;
        return 1;
    }
    bool good = r->place != RULE || end_rule(r);
    r->place = is_list(r) ? RULE : r->place == RULE ? RULES : r->place == RULES ? STATE : BEFORE;
    return good;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_begin_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_begin_array,
    .yajl_end_array = on_end,
};

/* --- the whole -------------------------------------------------------------------------------- */

static bool read_body(struct span body, const yajl_callbacks *calls, void *context)
{
    struct buf mended = {0};
    buf_append(&mended, body);
    json_mend_surrogates(mended.p, mended.n);
    bool ok = json_read(buf_span(&mended), calls, context);
    buf_free(&mended);
    return ok;
}

struct auth_state *auth_reply_parse(struct span body, size_t most, struct buf *why)
{
    struct auth_state *state = alloc_zeroed(sizeof *state);
    struct reader r = {.state = state, .most = most};
    spend(&r, sizeof *state + ALLOC_OVERHEAD);
    bool ok = read_body(body, &callbacks, &r);
    if (r.unknown.n > 0) {
        buf_append(why, r.unknown);
        buf_append(why, r.unknown_more);
    } else if (r.too_much) {
        text_append(why, "too many authorizations");
    } else if (!ok || r.wrong) {
        text_append(why, "invalid JSON");
    } else if (state->ttl <= 0) {
        text_append(why, "invalid TTL ");
        text_append_decimal(why, state->ttl);
        text_append(why, " (must be >0)");
    } else {
        return state;
    }
    auth_state_free(state);
    return NULL;
}

static bool rule_allows(const struct auth_rule *rule, struct span topic, struct span channel,
                        unsigned *effort)
{
    if (!(channel.n > 0 ? rule->subscribe : rule->publish) ||
        !auth_pattern_matches(rule->topic, topic, effort)) {
        return false;
    }
    for (size_t i = 0; i < rule->channel_count; i++) {
        if (auth_pattern_matches(rule->channels[i], channel, effort)) {
            return true;
        }
    }
    return false;
}

bool auth_state_allows(const struct auth_state *state, struct span topic, struct span channel)
{
    unsigned effort = AUTH_MATCH_EFFORT;
    for (size_t i = 0; i < state->rule_count; i++) {
        if (rule_allows(&state->rules[i], topic, channel, &effort)) {
            return true;
        }
    }
    return false;
}

/* --- 403 -------------------------------------------------------------------------------------- */

struct port_reader {
    int64_t port;
    unsigned depth;
    bool named;
    bool wrong;
};

static int port_null(void *ctx)
{
    (void)ctx;
    return 1;
}

static int port_other(struct port_reader *r)
{
    r->wrong = r->wrong || r->depth == 0 || (r->depth == 1 && r->named);
    return 1;
}

static int port_bool(void *ctx, int value)
{
    (void)value;
    return port_other(ctx);
}

static int port_string(void *ctx, const unsigned char *p, size_t n)
{
    (void)p;
    (void)n;
    return port_other(ctx);
}

static int port_number(void *ctx, const char *p, size_t n)
{
    struct port_reader *r = ctx;
    bool right =
        r->depth == 1 && r->named && json_integer(span_make(p, n), INT64_MIN, INT64_MAX, &r->port);
    return right ? 1 : port_other(r);
}

static int port_key(void *ctx, const unsigned char *p, size_t n)
{
    struct port_reader *r = ctx;
    if (r->depth == 1) {
        r->named = json_key_matches(span_make(p, n), SPAN("https_port"));
    }
    return 1;
}

static int port_begin(struct port_reader *r, bool fits)
{
    if (r->depth > 0 || !fits) {
        port_other(r);
    }
    return ++r->depth <= JSON_DEPTH_MAX;
}

static int port_object(void *ctx)
{
    return port_begin(ctx, true);
}

static int port_array(void *ctx)
{
    return port_begin(ctx, false);
}

static int port_end(void *ctx)
{
    ((struct port_reader *)ctx)->depth--;
    return 1;
}

static const yajl_callbacks port_callbacks = {
    .yajl_null = port_null,
    .yajl_boolean = port_bool,
    .yajl_number = port_number,
    .yajl_string = port_string,
    .yajl_start_map = port_object,
    .yajl_map_key = port_key,
    .yajl_end_map = port_end,
    .yajl_start_array = port_array,
    .yajl_end_array = port_end,
};

bool auth_reply_https_port(struct span body, int64_t *port)
{
    struct port_reader r = {0};
    bool ok = read_body(body, &port_callbacks, &r) && !r.wrong;
    *port = r.port;
    return ok;
}
