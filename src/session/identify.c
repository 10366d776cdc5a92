/* SPDX-License-Identifier: MIT */
#include "session/identify.h"

#include <yajl/yajl_parse.h>

#include "base/alloc.h"

enum kind { KIND_TEXT, KIND_INTEGER, KIND_BOOL };

struct field {
    struct span name;
    enum kind kind;
    size_t offset;
    int64_t least;
    int64_t most;
};

#define NAME(literal)                                                                              \
    {                                                                                              \
        .p = (const uint8_t *)(literal), .n = sizeof(literal) - 1                                  \
    }
#define TEXT(field)                                                                                \
    {                                                                                              \
        NAME(#field), KIND_TEXT, offsetof(struct identify, field), 0, 0                            \
    }
#define BOOL(field)                                                                                \
    {                                                                                              \
        NAME(#field), KIND_BOOL, offsetof(struct identify, field), 0, 0                            \
    }
#define INT64(field)                                                                               \
    {                                                                                              \
        NAME(#field), KIND_INTEGER, offsetof(struct identify, field), INT64_MIN, INT64_MAX         \
    }
#define INT32(field)                                                                               \
    {                                                                                              \
        NAME(#field), KIND_INTEGER, offsetof(struct identify, field), INT32_MIN, INT32_MAX         \
    }

static const struct field fields[] = {
    TEXT(client_id),
    TEXT(hostname),
    TEXT(user_agent),
    INT64(heartbeat_interval),
    INT64(output_buffer_size),
    INT64(output_buffer_timeout),
    INT32(sample_rate),
    INT64(msg_timeout),
    INT64(deflate_level),
    BOOL(feature_negotiation),
    BOOL(tls_v1),
    BOOL(deflate),
    BOOL(snappy),
};

#define FIELD_COUNT (sizeof fields / sizeof fields[0])

/* Where the parser is. Values deeper than 1 belong to unknown keys, or to known ones of wrong type.
 */
struct reader {
    struct identify *identify;
    const struct field *field; /* that the last key at depth 1 named; NULL: an unknown one */
    unsigned depth;
    bool wrong_type; /* remembered, not acted on: a syntax error further on means the same */
};

/* --- keys ------------------------------------------------------------------------------------- */

/* Takes one character off a key and folds it as Go does, which also folds U+212A into k; but no
 * field has one. */
static uint8_t folded(struct span *key)
{
    uint8_t c = key->p[0];
    if (key->n >= 2 && memcmp(key->p, "\xc5\xbf", 2) == 0) { /* U+017F, long s */
        *key = span_skip(*key, 2);
        return 's';
    }
    *key = span_skip(*key, 1);
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool key_matches(struct span key, struct span name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (key.n == 0 || folded(&key) != name.p[i]) {
            return false;
        }
    }
    return key.n == 0;
}

static const struct field *find_field(struct span key)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (key_matches(key, fields[i].name)) {
            return &fields[i];
        }
    }
    return NULL;
}

/* --- values ----------------------------------------------------------------------------------- */

/* The place of a value of this kind, if the value is one of ours and the kind is right. */
static void *place_for(struct reader *r, enum kind kind)
{
    if (r->depth == 0) {
        r->wrong_type = true; /* the document is not an object */
        return NULL;
    }
    if (r->depth > 1 || r->field == NULL) {
        return NULL;
    }
    if (r->field->kind != kind) {
        r->wrong_type = true;
        return NULL;
    }
    return (char *)r->identify + r->field->offset;
}

static int on_null(void *ctx)
{
    (void)ctx;
    return 1;
}

static int on_bool(void *ctx, int value)
{
    bool *place = place_for(ctx, KIND_BOOL);
    if (place != NULL) {
        *place = value != 0;
    }
    return 1;
}

/* An integer in its bounds, without fraction or exponent. Negative numbers reach one further. */
static bool read_integer(struct span s, const struct field *field, int64_t *value)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    uint64_t most = negative ? 0 - (uint64_t)field->least : (uint64_t)field->most;
    uint64_t n = 0;
    for (s = span_skip(s, negative ? 1 : 0); s.n > 0; s = span_skip(s, 1)) {
        if (s.p[0] < '0' || s.p[0] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(s.p[0] - '0');
        if (n > (most - digit) / 10) {
            return false;
        }
        n = n * 10 + digit;
    }
    *value = (int64_t)(negative ? 0 - n : n);
    return true;
}

static int on_number(void *ctx, const char *text, size_t n)
{
    struct reader *r = ctx;
    int64_t *place = place_for(r, KIND_INTEGER);
    if (place != NULL && !read_integer(span_make(text, n), r->field, place)) {
        r->wrong_type = true;
    }
    return 1;
}

static int on_string(void *ctx, const unsigned char *text, size_t n)
{
    struct identify_text *place = place_for(ctx, KIND_TEXT);
    if (place != NULL) {
        struct span kept = span_first(span_make(text, n), IDENTIFY_TEXT_MAX);
        place->n = (uint8_t)kept.n;
        if (kept.n > 0) {
            memcpy(place->bytes, kept.p, kept.n);
        }
    }
    return 1;
}

static int on_key(void *ctx, const unsigned char *text, size_t n)
{
    struct reader *r = ctx;
    if (r->depth == 1) {
        r->field = find_field(span_make(text, n));
    }
    return 1;
}

/* An object or array begins: fine as the document or for an unknown key, else of wrong type. */
static int begin(struct reader *r)
{
    if (r->depth == 1 && r->field != NULL) {
        r->wrong_type = true;
    }
    return ++r->depth <= IDENTIFY_DEPTH_MAX;
}

static int on_begin_object(void *ctx)
{
    return begin(ctx);
}

static int on_begin_array(void *ctx)
{
    struct reader *r = ctx;
    r->wrong_type = r->wrong_type || r->depth == 0;
    return begin(r);
}

static int on_end(void *ctx)
{
    ((struct reader *)ctx)->depth--;
    return 1;
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

/* --- the parser, on this project's allocator -------------------------------------------------- */

static void *take(void *ctx, size_t n)
{
    (void)ctx;
    return alloc_zeroed(n);
}

static void *resize(void *ctx, void *p, size_t n)
{
    (void)ctx;
    return alloc_resize(p, n == 0 ? 1 : n);
}

static void give(void *ctx, void *p)
{
    (void)ctx;
    alloc_free(p);
}

/* Only white space may stand behind the document. yajl would take half a token there for the
 * beginning of something still to come, so this is not left to it. */
static bool is_blank(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\n' && s.p[i] != '\r') {
            return false;
        }
    }
    return true;
}

/* yajl takes vertical tab and form feed for white space; JSON has neither, inside strings or out.
 */
static bool has_foreign_blank(struct span s)
{
    return memchr(s.p, '\v', s.n) != NULL || memchr(s.p, '\f', s.n) != NULL;
}

bool identify_parse(struct span body, struct identify *identify)
{
    *identify = (struct identify){0};
    if (body.n == 0 || has_foreign_blank(body)) {
        return false;
    }
    struct reader r = {.identify = identify};
    yajl_alloc_funcs memory = {.malloc = take, .realloc = resize, .free = give};
    yajl_handle parser = yajl_alloc(&callbacks, &memory, &r);
    /* Go replaces what is no UTF-8, it does not refuse it. */
    yajl_config(parser, yajl_dont_validate_strings, 1);
    yajl_config(parser, yajl_allow_trailing_garbage, 1);
    bool ok = yajl_parse(parser, body.p, body.n) == yajl_status_ok;
    size_t used = yajl_get_bytes_consumed(parser);
    ok = ok && yajl_complete_parse(parser) == yajl_status_ok;
    yajl_free(parser);
    return ok && is_blank(span_skip(body, used)) && !r.wrong_type;
}
