/* SPDX-License-Identifier: MIT */
/*
 * Reads an auth server's JSON as nsqd (Go's encoding/json) does, one value after the other as yajl
 * finds them. Then compiles the patterns, as nsqd does after it has decoded the document. The
 * memory of the permissions is counted, and the reading ends when it exceeds a limit. Must not
 * know: the client, how long the client has had its grant.
 */
#include "auth/auth_reply.h"

#include "auth/auth_document.h"
#include "auth/rfc3339.h"
#include "base/alloc.h"
#include "base/text.h"

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

struct auth_reply {
    struct auth_document document;
    struct auth_state *state;
    struct buf topic; /* the pattern `topic` of the current rule */
    size_t cost_max;  /* bytes */
    enum place place;
    enum key key;               /* the latest key, in STATE and RULE */
    unsigned skipped;           /* depth within a value that is ignored */
    bool wrong_type;            /* a value has a type that Go does not accept there */
    bool too_much;              /* state->cost is above cost_max */
    struct span refusal;        /* what is wrong with a value; static */
    struct span refusal_detail; /* more about it; static */
    bool document_read;         /* then the patterns are compiled */
    bool document_good;
    struct auth_place next; /* the pattern that is compiled next */
};

static struct auth_rule *rule_of(struct auth_reply *r)
{
    return &r->state->rules[r->state->rule_count - 1];
}

/* Adds n bytes to the cost. Returns false if the cost is now above the limit. */
static bool spend(struct auth_reply *r, size_t n)
{
    r->state->cost += n;
    r->too_much = r->too_much || r->state->cost > r->cost_max;
    return !r->too_much;
}

/* Returns true when nothing more needs to be done, because a value is refused. */
static bool is_refused(const struct auth_reply *r)
{
    return r->refusal.n > 0 || r->too_much;
}

/* --- rules ------------------------------------------------------------------------------------ */

/* Makes room for one more element. When the array is full, its size doubles. */
static void *grown(void *array, size_t count, size_t size)
{
    bool full = (count & (count - 1)) == 0; /* 0, 1, 2, 4, 8, .. */
    return full ? alloc_resize(array, (count == 0 ? 1 : 2 * count) * size) : array;
}

static bool add_rule(struct auth_reply *r)
{
    struct auth_state *s = r->state;
    if (!spend(r, 2 * sizeof *s->rules + ALLOC_OVERHEAD)) { /* of the array of its channels */
        return false;
    }
    s->rules = grown(s->rules, s->rule_count, sizeof *s->rules);
    s->rules[s->rule_count++] = (struct auth_rule){0};
    return true;
}

/* Returns a pattern that is compiled later. Returns NULL if it costs too much. */
static struct auth_pattern *add_pattern(struct auth_reply *r, struct span source)
{
    struct buf valid = {0};
    json_append_valid(&valid, span_first(source, AUTH_PATTERN_MAX + 1));
    struct auth_pattern *pattern = auth_pattern_new(buf_span(&valid));
    buf_free(&valid);
    if (!spend(r, auth_pattern_size(pattern))) {
        auth_pattern_free(pattern);
        return NULL;
    }
    return pattern;
}

static bool add_channel(struct auth_reply *r, struct span source)
{
    struct auth_rule *rule = rule_of(r);
    struct auth_pattern *pattern = add_pattern(r, source);
    if (pattern == NULL) {
        return false;
    }
    spend(r, 2 * sizeof(void *));
    rule->channels = grown(rule->channels, rule->channel_count, sizeof(struct auth_pattern *));
    rule->channels[rule->channel_count++] = pattern;
    return !r->too_much;
}

static bool add_permission(struct auth_reply *r, struct span permission)
{
    if (span_equal(permission, SPAN("subscribe"))) {
        rule_of(r)->subscribe = true;
    } else if (span_equal(permission, SPAN("publish"))) {
        rule_of(r)->publish = true;
    } else {
        r->refusal = SPAN("unknown permission");
    }
    return r->refusal.n == 0;
}

/* When a key occurs several times, the last one counts. So the pattern of a topic is made only when
 * its object ends. */
static bool end_rule(struct auth_reply *r)
{
    rule_of(r)->topic = add_pattern(r, buf_span(&r->topic));
    buf_free(&r->topic);
    return rule_of(r)->topic != NULL;
}

/* --- values ----------------------------------------------------------------------------------- */

static int wrong_type(struct auth_reply *r)
{
    r->wrong_type = true; /* parsing continues: a syntax error later gives the same result */
    return 1;
}

static bool is_list(const struct auth_reply *r)
{
    return r->place == CHANNELS || r->place == PERMISSIONS;
}

static void keep_text(struct auth_reply *r, struct buf *b, struct span text)
{
    buf_free(b);
    r->refusal = text.n > AUTH_IDENTITY_MAX ? SPAN("identity too long") : r->refusal;
    if (spend(r, 3 * text.n + ALLOC_OVERHEAD)) { /* a byte that is not valid UTF-8 becomes three */
        json_append_valid(b, text);
        buf_fit(b);
    }
}

static int on_string(void *ctx, const unsigned char *p, size_t n)
{
    struct auth_reply *r = ctx;
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
        return !is_refused(r);
    case IDENTITY_URL:
        keep_text(r, &r->state->identity_url, text);
        return !is_refused(r);
    case TOPIC:
        buf_free(&r->topic);
        buf_append(&r->topic, span_first(text, AUTH_PATTERN_MAX + 1));
        return 1;
    case EXPIRES:
        return rfc3339_is_time(text) ? 1 : wrong_type(r);
    default:
        return wrong_type(r);
    }
}

/* Returns true if a value of any type has no meaning at this place. */
static bool is_ignored(const struct auth_reply *r)
{
    return r->skipped > 0 || ((r->place == STATE || r->place == RULE) && r->key == OTHER);
}

static int on_number(void *ctx, const char *p, size_t n)
{
    struct auth_reply *r = ctx;
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
    struct auth_reply *r = ctx;
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
        auth_state_clear_rules(r->state);
    } else if (r->key == CHANNELS_KEY) {
        auth_rule_clear_channels(rule_of(r));
    } else if (r->key == PERMISSIONS_KEY) {
        rule_of(r)->subscribe = rule_of(r)->publish = false;
    }
    return 1;
}

static int on_key(void *ctx, const unsigned char *p, size_t n)
{
    struct auth_reply *r = ctx;
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
static int skip_value(struct auth_reply *r, bool wrong)
{
    if (wrong) {
        wrong_type(r);
    }
    return ++r->skipped <= JSON_DEPTH_MAX;
}

static int on_begin_object(void *ctx)
{
    struct auth_reply *r = ctx;
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
    struct auth_reply *r = ctx;
    if (r->skipped > 0 || (r->place != STATE && r->place != RULE)) {
        return skip_value(r, !is_ignored(r));
    }
    switch (r->key) {
    case AUTHORIZATIONS:
        auth_state_clear_rules(r->state);
        r->place = RULES;
        return 1;
    case CHANNELS_KEY:
        auth_rule_clear_channels(rule_of(r));
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
    struct auth_reply *r = ctx;
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

/* --- the patterns ----------------------------------------------------------------------------- */

/* Returns the pattern that is compiled next, or NULL after the last one. A rule's topic comes
 * before its channels, as in nsqd. */
static struct auth_pattern *next_pattern(const struct auth_reply *r)
{
    const struct auth_place *next = &r->next;
    if (next->rule == r->state->rule_count) {
        return NULL;
    }
    const struct auth_rule *rule = &r->state->rules[next->rule];
    return next->topic_done ? rule->channels[next->channel] : rule->topic;
}

static void compiled(struct auth_reply *r)
{
    struct auth_place *next = &r->next;
    next->channel += next->topic_done ? 1 : 0;
    next->topic_done = true;
    if (next->channel == r->state->rules[next->rule].channel_count) {
        *next = (struct auth_place){.rule = next->rule + 1};
    }
}

/* Returns true when all patterns are compiled, or when one of them is refused. */
static bool compile_one(struct auth_reply *r, struct effort *effort)
{
    struct auth_pattern *pattern = next_pattern(r);
    if (pattern == NULL) {
        return true;
    }
    size_t before = auth_pattern_size(pattern);
    switch (auth_pattern_compile(pattern, effort, &r->refusal_detail)) {
    case AUTH_COMPILING:
        return false;
    case AUTH_REFUSED:
        r->refusal = r->next.topic_done ? SPAN("unable to compile channel: ")
                                        : SPAN("unable to compile topic: ");
        return true;
    default:
        compiled(r);
        return !spend(r, auth_pattern_size(pattern) - before);
    }
}

/* --- the reply -------------------------------------------------------------------------------- */

struct auth_reply *auth_reply_new(size_t cost_max)
{
    struct auth_reply *r = alloc_zeroed(sizeof *r);
    r->state = alloc_zeroed(sizeof *r->state);
    r->cost_max = cost_max;
    spend(r, sizeof *r->state + 2 * ALLOC_OVERHEAD); /* and of the array of rules */
    auth_document_begin(&r->document, &callbacks, r, AUTH_IDENTITY_MAX + 1);
    return r;
}

bool auth_reply_go_on(struct auth_reply *r, struct span body, struct effort *effort)
{
    bool over = false;
    do {
        if (r->document_read) {
            over = compile_one(r, effort);
        } else if (auth_document_read(&r->document, body, effort)) {
            r->document_read = true;
            r->document_good = auth_document_end(&r->document) && !r->wrong_type;
            auth_document_free(&r->document);
            over = !r->document_good;
        }
        over = over || is_refused(r);
    } while (!over && effort_is_left(effort));
    return over;
}

size_t auth_reply_cost(const struct auth_reply *r)
{
    return r->state->cost;
}

size_t auth_reply_memory(const struct auth_reply *r)
{
    /* Only this pattern may be between two attempts to compile it. A rule of a document that is not
     * read may have no pattern yet. */
    const struct auth_pattern *pattern = r->document_read ? next_pattern(r) : NULL;
    return sizeof *r + r->topic.cap + 2 * ALLOC_OVERHEAD + auth_document_memory(&r->document) +
           (pattern == NULL ? 0 : auth_pattern_held(pattern));
}

struct auth_state *auth_reply_take(struct auth_reply *r, struct buf *why)
{
    struct auth_state *state = r->state;
    if (r->refusal.n > 0) {
        buf_append(why, r->refusal);
        buf_append(why, r->refusal_detail);
    } else if (r->too_much) {
        text_append(why, "too many authorizations");
    } else if (!r->document_good) {
        text_append(why, "invalid JSON");
    } else if (state->ttl <= 0) {
        text_append(why, "invalid TTL ");
        text_append_decimal(why, state->ttl);
        text_append(why, " (must be >0)");
    } else {
        r->state = NULL;
        return state;
    }
    return NULL;
}

void auth_reply_free(struct auth_reply *r)
{
    if (r != NULL) {
        auth_document_free(&r->document);
        buf_free(&r->topic);
        auth_state_free(r->state);
        alloc_free(r);
    }
}
