/* SPDX-License-Identifier: MIT */
/*
 * Copies a JSON document from yajl's parser to the writer, and replaces the values of some members.
 * Must not know where the document comes from.
 */
#include "conform/record_json.h"

#include <yajl/yajl_parse.h>

#include "conform/json_subset.h"
#include "json/writer.h"

struct copier {
    struct json_writer writer;
    const struct span *keys; /* whose values are replaced; ends with an empty one */
    const char *by;          /* a string; NULL: null */
    bool replace;            /* the next value */
};

/* True when the value was replaced. */
static bool replaced(struct copier *c)
{
    if (!c->replace) {
        return false;
    }
    c->replace = false;
    if (c->by == NULL) {
        json_write_null(&c->writer);
    } else {
        json_write_string(&c->writer, span_make(c->by, strlen(c->by)));
    }
    return true;
}

/* --- yajl's callbacks: 1 goes on, 0 ends the parser ------------------------------------------- */

static int on_null(void *ctx)
{
    struct copier *c = ctx;
    c->replace = false; /* null replaces nothing: it contains no name */
    json_write_null(&c->writer);
    return 1;
}

static int on_boolean(void *ctx, int value)
{
    struct copier *c = ctx;
    if (!replaced(c)) {
        json_write_bool(&c->writer, value != 0);
    }
    return 1;
}

static int on_number(void *ctx, const char *text, size_t n)
{
    struct copier *c = ctx;
    if (!replaced(c)) {
        json_write_raw(&c->writer, span_make(text, n));
    }
    return 1;
}

static int on_string(void *ctx, const unsigned char *text, size_t n)
{
    struct copier *c = ctx;
    if (!replaced(c)) {
        json_write_string(&c->writer, span_make(text, n));
    }
    return 1;
}

static int on_key(void *ctx, const unsigned char *text, size_t n)
{
    struct copier *c = ctx;
    bool outermost = json_writer_depth(&c->writer) == 1;
    for (const struct span *key = c->keys; key->n > 0; key++) {
        c->replace = c->replace || (outermost && span_equal(*key, span_make(text, n)));
    }
    json_write_key(&c->writer, span_make(text, n));
    return 1;
}

static int on_open_map(void *ctx)
{
    struct copier *c = ctx;
    if (json_writer_depth(&c->writer) == JSON_WRITER_DEPTH_MAX) {
        return 0;
    }
    json_open_object(&c->writer);
    return 1;
}

static int on_close_map(void *ctx)
{
    json_close_object(&((struct copier *)ctx)->writer);
    return 1;
}

static int on_open_array(void *ctx)
{
    struct copier *c = ctx;
    if (json_writer_depth(&c->writer) == JSON_WRITER_DEPTH_MAX) {
        return 0;
    }
    json_open_array(&c->writer);
    return 1;
}

static int on_close_array(void *ctx)
{
    json_close_array(&((struct copier *)ctx)->writer);
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_open_map,
    .yajl_map_key = on_key,
    .yajl_end_map = on_close_map,
    .yajl_start_array = on_open_array,
    .yajl_end_array = on_close_array,
};

static void copy(struct span body, const struct span *keys, const char *by, struct buf *out)
{
    struct buf text = {0};
    struct copier c = {.writer = json_writer(&text, JSON_COMPACT), .keys = keys, .by = by};
    yajl_handle parser = yajl_alloc(&callbacks, NULL, &c);
    bool ok = yajl_parse(parser, body.p, body.n) == yajl_status_ok &&
              yajl_complete_parse(parser) == yajl_status_ok;
    buf_append(out, ok ? buf_span(&text) : body);
    yajl_free(parser);
    buf_free(&text);
}

void record_json_identify(struct span body, struct buf *out)
{
    static const struct span keys[] = {SPAN_LITERAL("hostname"),
                                       SPAN_LITERAL("client_id"),
                                       SPAN_LITERAL("short_id"),
                                       SPAN_LITERAL("long_id"),
                                       {NULL, 0}};
    copy(body, keys, "recorded", out);
}

void record_json_reply(struct span data, struct buf *out)
{
    static const struct span keys[] = {SPAN_LITERAL("version"), {NULL, 0}};
    copy(data, keys, NULL, out);
}

size_t record_json_upgrades(struct span data)
{
    return (size_t)json_subset(SPAN("{\"tls_v1\":true}"), data) +
           (size_t)json_subset(SPAN("{\"snappy\":true}"), data) +
           (size_t)json_subset(SPAN("{\"deflate\":true}"), data);
}
