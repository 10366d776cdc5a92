/* SPDX-License-Identifier: MIT */
/* Stores the values of an object in the fields of a struct. Must not know which fields there are.
 */
#include "json/fields.h"

/* Returns the field whose value begins, or NULL if this value is ignored. */
static const struct json_field *current(struct json_fields *r)
{
    r->wrong_type = r->wrong_type || r->depth == 0; /* the document is not an object */
    return r->depth == 1 ? r->field : NULL;
}

static void *place_of(const struct json_fields *r, const struct json_field *field)
{
    return (char *)r->into + field->offset;
}

/* Notes whether the type of a value is right. */
static int note(struct json_fields *r, bool right)
{
    r->wrong_type = r->wrong_type || !right;
    return 1;
}

/* --- values ----------------------------------------------------------------------------------- */

static int on_null(void *ctx)
{
    (void)ctx;
    return 1;
}

static int on_bool(void *ctx, int value)
{
    const struct json_field *field = current(ctx);
    bool right = field == NULL || field->kind == JSON_BOOL;
    if (field != NULL && right) {
        *(bool *)place_of(ctx, field) = value != 0;
    }
    return note(ctx, right);
}

static int on_number(void *ctx, const char *text, size_t n)
{
    const struct json_field *field = current(ctx);
    if (field == NULL) {
        return 1;
    }
    bool small = field->kind == JSON_INT32;
    bool right = (small || field->kind == JSON_INT64) &&
                 json_integer(span_make(text, n), small ? INT32_MIN : INT64_MIN,
                              small ? INT32_MAX : INT64_MAX, place_of(ctx, field));
    return note(ctx, right);
}

static void keep_short(struct json_short *place, struct span text)
{
    struct span kept = span_first(text, JSON_SHORT_MAX);
    place->n = (uint8_t)kept.n;
    if (kept.n > 0) {
        memcpy(place->bytes, kept.p, kept.n);
    }
}

static int on_string(void *ctx, const unsigned char *text, size_t n)
{
    const struct json_field *field = current(ctx);
    if (field == NULL) {
        return 1;
    }
    switch (field->kind) {
    case JSON_TEXT:
        buf_free(place_of(ctx, field));
        json_append_valid(place_of(ctx, field), span_make(text, n));
        return 1;
    case JSON_SHORT:
        keep_short(place_of(ctx, field), span_make(text, n));
        return 1;
    default:
        return note(ctx, false);
    }
}

/* --- keys, objects and arrays ----------------------------------------------------------------- */

static const struct json_field *find(const struct json_fields *r, struct span key)
{
    for (size_t i = 0; i < r->count; i++) {
        if (json_key_matches(key, r->rows[i].name)) {
            return &r->rows[i];
        }
    }
    return NULL;
}

static int on_key(void *ctx, const unsigned char *text, size_t n)
{
    struct json_fields *r = ctx;
    if (r->depth == 1) {
        r->field = find(r, span_make(text, n));
    }
    return 1;
}

/* An object or array begins. Only an object at depth 0 is the document; another one is a value. */
static int begin(struct json_fields *r, bool is_document)
{
    if (!is_document) {
        note(r, current(r) == NULL);
    }
    return ++r->depth <= JSON_DEPTH_MAX;
}

static int on_begin_object(void *ctx)
{
    return begin(ctx, ((struct json_fields *)ctx)->depth == 0);
}

static int on_begin_array(void *ctx)
{
    return begin(ctx, false);
}

static int on_end(void *ctx)
{
    ((struct json_fields *)ctx)->depth--;
    return 1;
}

const yajl_callbacks json_fields_callbacks = {
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

bool json_fields_read(struct json_fields *r, struct span document)
{
    struct buf copy = {0};
    if (document.n == 0) {
        return false;
    }
    buf_append(&copy, document);
    (void)json_mend_surrogates(copy.p, copy.n, copy.n);
    bool valid = json_read(buf_span(&copy), &json_fields_callbacks, r);
    buf_free(&copy);
    return valid && !r->wrong_type;
}
