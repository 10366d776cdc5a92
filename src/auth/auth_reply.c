/* SPDX-License-Identifier: MIT */
/*
 * Reads an auth server's JSON as nsqd (Go's encoding/json) does, one value after the other as yajl
 * finds them. Compiles the patterns at the same time. All memory is counted, and checked against a
 * limit, before it is used. Must not know: the client, how long the client has had its grant.
 */
#include "auth/auth_reply.h"

#include "auth/rfc3339.h"
#include "base/alloc.h"
#include "base/text.h"
#include "json/json.h"

/* --- the place in the document ---------------------------------------------------------------- */

enum place {
    OUTSIDE, /* of the document's object */
    STATE,   /* in that object */
    RULES,   /* in the array of authorizations */
    RULE,    /* in one of them */
    CHANNELS,
    PERMISSIONS
};

enum key {
    OTHER,
    TTL,
    AUTHORIZATIONS,
    IDENTITY,
    IDENTITY_URL,
    EXPIRES, /* nsqd overwrites it, but a value of a wrong type is an error */
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
    size_t cost_max; /* bytes */
    enum place place;
    enum key key;                /* the latest key, in STATE and RULE */
    unsigned skipped;            /* depth within a value that is ignored */
    bool wrong_type;             /* a value has a type that Go does not accept there */
    bool too_much;               /* state->cost is above cost_max */
    struct span bad_rule;        /* what is wrong with a rule; static */
    struct span bad_rule_detail; /* more about it; static */
};

static struct auth_rule *rule_of(struct reader *r)
{
    return &r->state->rules[r->state->rule_count - 1];
}

/* Adds n bytes to the cost. Returns false if the cost is now above the limit. */
static bool spend(struct reader *r, size_t n)
{
    r->state->cost += n;
    r->too_much = r->too_much || r->state->cost > r->cost_max;
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

/* Makes room for one more element. The size of the array doubles each time. */
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
        r->bad_rule = what;
        r->bad_rule_detail = why;
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
        r->bad_rule = SPAN("unknown permission");
    }
    return r->bad_rule.n == 0;
}

/* When a key occurs several times, the last one counts. So the pattern of a topic is compiled only
 * when its object ends. */
static bool end_rule(struct reader *r)
{
    struct auth_rule *rule = rule_of(r);
    rule->topic = compile(r, buf_span(&rule->source), SPAN("unable to compile topic: "));
    buf_free(&rule->source);
    return rule->topic != NULL && !r->too_much;
}

/* --- values ----------------------------------------------------------------------------------- */

static int wrong_type(struct reader *r)
{
    r->wrong_type = true; /* parsing continues: a syntax error later gives the same result */
    return 1;
}

static bool is_list(const struct reader *r)
{
    return r->place == CHANNELS || r->place == PERMISSIONS;
}

static void keep_text(struct reader *r, struct buf *b, struct span text)
{
    buf_free(b);
    if (spend(r, 3 * text.n + ALLOC_OVERHEAD)) { /* a byte that is not valid UTF-8 becomes three */
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
    if (r->place == OUTSIDE || r->place == RULES) {
        return wrong_type(r);
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
        return rfc3339_is_time(text) ? 1 : wrong_type(r);
    default:
        return wrong_type(r);
    }
}

/* Returns true if a value of any type has no meaning at this place. */
static bool is_ignored(const struct reader *r)
{
    return r->skipped > 0 || ((r->place == STATE || r->place == RULE) && r->key == OTHER);
}

static int on_number(void *ctx, const char *p, size_t n)
{
    struct reader *r = ctx;
    if (is_ignored(r)) {
        return 1;
    }
    bool right = r->place == STATE && r->key == TTL &&
                 json_integer(span_make(p, n), INT64_MIN, INT64_MAX, &r->state->ttl);
    return right ? 1 : wrong_type(r);
}

static int on_bool(void *ctx, int value)
{
    (void)value;
    return is_ignored(ctx) ? 1 : wrong_type(ctx);
}

/* As in Go: null makes a list empty, is an empty element inside a list, and changes nothing
 * elsewhere. */
static int on_null(void *ctx)
{
    struct reader *r = ctx;
    if (r->skipped > 0 || r->place == OUTSIDE) {
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

/* Handles the beginning of an object or array that is ignored. `wrong`: Go does not accept one at
 * this place. */
static int skip_value(struct reader *r, bool wrong)
{
    if (wrong) {
        wrong_type(r);
    }
    return ++r->skipped <= JSON_DEPTH_MAX;
}

static int on_begin_object(void *ctx)
{
    struct reader *r = ctx;
    if (r->skipped == 0 && r->place == OUTSIDE) {
        r->place = STATE;
        return 1;
    }
    if (r->skipped == 0 && r->place == RULES) {
        r->place = RULE;
        return add_rule(r);
    }
    return skip_value(r, !is_ignored(r));
}

static int on_begin_array(void *ctx)
{
    struct reader *r = ctx;
    if (r->skipped > 0 || (r->place != STATE && r->place != RULE)) {
        return skip_value(r, !is_ignored(r));
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
        return skip_value(r, !is_ignored(r));
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
    r->place = is_list(r) ? RULE : r->place == RULE ? RULES : r->place == RULES ? STATE : OUTSIDE;
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

/* --- the reply -------------------------------------------------------------------------------- */

static bool read_body(struct span body, const yajl_callbacks *calls, void *context)
{
    struct buf mended = {0};
    buf_append(&mended, body);
    json_mend_surrogates(mended.p, mended.n);
    bool ok = json_read(buf_span(&mended), calls, context);
    buf_free(&mended);
    return ok;
}

struct auth_state *auth_reply_parse(struct span body, size_t cost_max, struct buf *why)
{
    struct auth_state *state = alloc_zeroed(sizeof *state);
    struct reader r = {.state = state, .cost_max = cost_max};
    spend(&r, sizeof *state + ALLOC_OVERHEAD);
    bool ok = read_body(body, &callbacks, &r);
    if (r.bad_rule.n > 0) {
        buf_append(why, r.bad_rule);
        buf_append(why, r.bad_rule_detail);
    } else if (r.too_much) {
        text_append(why, "too many authorizations");
    } else if (!ok || r.wrong_type) {
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

static bool rule_allows(const struct auth_rule *rule, struct span topic, struct span channel)
{
    if (!(channel.n > 0 ? rule->subscribe : rule->publish) ||
        !auth_pattern_matches(rule->topic, topic)) {
        return false;
    }
    for (size_t i = 0; i < rule->channel_count; i++) {
        if (auth_pattern_matches(rule->channels[i], channel)) {
            return true;
        }
    }
    return false;
}

bool auth_state_allows(const struct auth_state *state, struct span topic, struct span channel)
{
    for (size_t i = 0; i < state->rule_count; i++) {
        if (rule_allows(&state->rules[i], topic, channel)) {
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
