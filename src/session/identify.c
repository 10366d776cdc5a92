/* SPDX-License-Identifier: MIT */
/*
 * Reads the JSON document of an IDENTIFY with the rules of Go's decoder. Must not know which values
 * are valid.
 */
#include "session/identify.h"

#include "base/alloc.h"
#include "json/json.h"

enum kind { KIND_TEXT, KIND_INTEGER, KIND_BOOL };

struct field {
    struct span name;
    enum kind kind;
    size_t offset;
    int64_t least;
    int64_t most;
};

#define TEXT(field)                                                                                \
    {                                                                                              \
        SPAN_LITERAL(#field), KIND_TEXT, offsetof(struct identify, field), 0, 0                    \
    }
#define BOOL(field)                                                                                \
    {                                                                                              \
        SPAN_LITERAL(#field), KIND_BOOL, offsetof(struct identify, field), 0, 0                    \
    }
#define INT64(field)                                                                               \
    {                                                                                              \
        SPAN_LITERAL(#field), KIND_INTEGER, offsetof(struct identify, field), INT64_MIN, INT64_MAX \
    }
#define INT32(field)                                                                               \
    {                                                                                              \
        SPAN_LITERAL(#field), KIND_INTEGER, offsetof(struct identify, field), INT32_MIN, INT32_MAX \
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

/* The parser state. A value at a depth greater than 1 belongs to an unknown key, or is inside a
 * value of a wrong type. */
struct identify_reader {
    struct json_reader *json;
    struct identify identify;
    const struct field *field; /* of the last key at depth 1; NULL: an unknown key */
    unsigned depth;
    bool wrong_type; /* parsing continues; a later syntax error has the same result */
};

static const struct field *find_field(struct span key)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (json_key_matches(key, fields[i].name)) {
            return &fields[i];
        }
    }
    return NULL;
}

/* --- values ----------------------------------------------------------------------------------- */

/* Returns where to store a value of this kind. Returns NULL when its key is unknown or its kind is
 * wrong. */
static void *place_for(struct identify_reader *r, enum kind kind)
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
    return (char *)&r->identify + r->field->offset;
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

static int on_number(void *ctx, const char *text, size_t n)
{
    struct identify_reader *r = ctx;
    int64_t *place = place_for(r, KIND_INTEGER);
    struct span digits = span_make(text, n);
    if (place != NULL && !json_integer(digits, r->field->least, r->field->most, place)) {
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
    struct identify_reader *r = ctx;
    if (r->depth == 1) {
        r->field = find_field(span_make(text, n));
    }
    return 1;
}

/* Called when an object or array begins. It is valid as the document, and inside the value of an
 * unknown key. Otherwise it is a value of a wrong type. */
static int begin(struct identify_reader *r)
{
    if (r->depth == 1 && r->field != NULL) {
        r->wrong_type = true;
    }
    return ++r->depth <= JSON_DEPTH_MAX;
}

static int on_begin_object(void *ctx)
{
    return begin(ctx);
}

static int on_begin_array(void *ctx)
{
    struct identify_reader *r = ctx;
    r->wrong_type = r->wrong_type || r->depth == 0;
    return begin(r);
}

static int on_end(void *ctx)
{
    ((struct identify_reader *)ctx)->depth--;
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

struct identify_reader *identify_reader_new(void)
{
    struct identify_reader *r = alloc_zeroed(sizeof *r);
    r->json = json_reader_new(&callbacks, r, IDENTIFY_TEXT_MAX);
    return r;
}

void identify_reader_add(struct identify_reader *r, struct span part)
{
    json_reader_add(r->json, part);
}

bool identify_reader_end(struct identify_reader *r, struct identify *identify)
{
    *identify = r->identify;
    return json_reader_end(r->json) && !r->wrong_type;
}

size_t identify_reader_memory(const struct identify_reader *r)
{
    return sizeof *r + ALLOC_OVERHEAD + json_reader_memory(r->json);
}

void identify_reader_free(struct identify_reader *r)
{
    if (r != NULL) {
        json_reader_free(r->json);
        alloc_free(r);
    }
}
