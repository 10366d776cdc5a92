/* SPDX-License-Identifier: MIT */
/* Reads the JSON of an nsqd's IDENTIFY. Must not know: which fields are required. */
#include "lookup/producer_json.h"

#include "json/json.h"

struct field {
    struct span name;
    bool is_text;
    size_t offset;
};

#define TEXT(field)                                                                                \
    {                                                                                              \
        SPAN_LITERAL(#field), true, offsetof(struct producer_json, field)                          \
    }
#define INTEGER(field)                                                                             \
    {                                                                                              \
        SPAN_LITERAL(#field), false, offsetof(struct producer_json, field)                         \
    }

static const struct field fields[] = {
    TEXT(remote_address), TEXT(hostname),    TEXT(broadcast_address),
    TEXT(version),        INTEGER(tcp_port), INTEGER(http_port),
};

#define FIELD_COUNT (sizeof fields / sizeof fields[0])

/* The state. A value at a depth greater than 1 belongs to an unknown key, or is inside a value of a
 * wrong type. */
struct reader {
    struct producer_json *p;
    const struct field *field; /* of the last key at depth 1; NULL: an unknown key */
    unsigned depth;
    bool wrong_type; /* reading continues; a later syntax error has the same result */
};

/* Returns where to store a value, or NULL if its key is unknown or its type is wrong. */
static void *place_for(struct reader *r, bool is_text)
{
    if (r->depth == 0) {
        r->wrong_type = true; /* the document is not an object */
        return NULL;
    }
    if (r->depth > 1 || r->field == NULL) {
        return NULL;
    }
    if (r->field->is_text != is_text) {
        r->wrong_type = true;
        return NULL;
    }
    return (char *)r->p + r->field->offset;
}

static int on_null(void *ctx)
{
    (void)ctx;
    return 1;
}

static int on_bool(void *ctx, int value)
{
    struct reader *r = ctx;
    (void)value;
    r->wrong_type = r->wrong_type || r->depth == 0 || (r->depth == 1 && r->field != NULL);
    return 1;
}

static int on_number(void *ctx, const char *text, size_t n)
{
    struct reader *r = ctx;
    int64_t *place = place_for(r, false);
    if (place != NULL && !json_integer(span_make(text, n), INT64_MIN, INT64_MAX, place)) {
        r->wrong_type = true;
    }
    return 1;
}

static int on_string(void *ctx, const unsigned char *text, size_t n)
{
    struct buf *place = place_for(ctx, true);
    if (place != NULL) {
        buf_free(place);
        json_append_valid(place, span_make(text, n));
    }
    return 1;
}

static int on_key(void *ctx, const unsigned char *text, size_t n)
{
    struct reader *r = ctx;
    for (size_t i = 0; r->depth == 1 && i <= FIELD_COUNT; i++) {
        r->field = i == FIELD_COUNT ? NULL : &fields[i];
        if (r->field != NULL && json_key_matches(span_make(text, n), r->field->name)) {
            break;
        }
    }
    return 1;
}

/* An object or an array begins. As the value of a known key it has a wrong type. */
static int begin(struct reader *r)
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

bool producer_json_read(struct producer_json *p, struct span body)
{
    struct reader r = {.p = p};
    struct buf document = {0};
    if (body.n == 0) {
        return false;
    }
    buf_append(&document, body);
    (void)json_mend_surrogates(document.p + document.head, document.n, document.n);
    bool valid = json_read(buf_span(&document), &callbacks, &r);
    buf_free(&document);
    return valid && !r.wrong_type;
}

void producer_json_free(struct producer_json *p)
{
    buf_free(&p->remote_address);
    buf_free(&p->hostname);
    buf_free(&p->broadcast_address);
    buf_free(&p->version);
}
