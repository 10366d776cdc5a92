/* SPDX-License-Identifier: MIT */
#include "conform/record_json.h"

#include <yajl/yajl_gen.h>
#include <yajl/yajl_parse.h>

#include "conform/json_subset.h"

/* Copies a document from parser to generator; the values of some members are replaced. */
struct copier {
    yajl_gen gen;
    const struct span *keys; /* whose values are replaced; ends with an empty one */
    const char *by;          /* a string; NULL: null */
    unsigned depth;
    bool replace; /* the next value */
};

/* True when the value was replaced. */
static bool replaced(struct copier *c)
{
    if (!c->replace) {
        return false;
    }
    c->replace = false;
    if (c->by == NULL) {
        yajl_gen_null(c->gen);
    } else {
        yajl_gen_string(c->gen, (const unsigned char *)c->by, strlen(c->by));
    }
    return true;
}

static int on_null(void *ctx)
{
    struct copier *c = ctx;
    c->replace = false; /* it names nobody */
    return yajl_gen_null(c->gen) == yajl_gen_status_ok;
}

static int on_boolean(void *ctx, int value)
{
    struct copier *c = ctx;
    return replaced(c) || yajl_gen_bool(c->gen, value) == yajl_gen_status_ok;
}

static int on_number(void *ctx, const char *text, size_t n)
{
    struct copier *c = ctx;
    return replaced(c) || yajl_gen_number(c->gen, text, n) == yajl_gen_status_ok;
}

static int on_string(void *ctx, const unsigned char *text, size_t n)
{
    struct copier *c = ctx;
    return replaced(c) || yajl_gen_string(c->gen, text, n) == yajl_gen_status_ok;
}

static int on_key(void *ctx, const unsigned char *text, size_t n)
{
    struct copier *c = ctx;
    for (const struct span *key = c->keys; key->n > 0; key++) {
        c->replace = c->replace || (c->depth == 1 && span_equal(*key, span_make(text, n)));
    }
    return yajl_gen_string(c->gen, text, n) == yajl_gen_status_ok;
}

static int on_open_map(void *ctx)
{
    struct copier *c = ctx;
    c->depth++;
    return yajl_gen_map_open(c->gen) == yajl_gen_status_ok;
}

static int on_close_map(void *ctx)
{
    struct copier *c = ctx;
    c->depth--;
    return yajl_gen_map_close(c->gen) == yajl_gen_status_ok;
}

static int on_open_array(void *ctx)
{
    struct copier *c = ctx;
    c->depth++;
    return yajl_gen_array_open(c->gen) == yajl_gen_status_ok;
}

static int on_close_array(void *ctx)
{
    struct copier *c = ctx;
    c->depth--;
    return yajl_gen_array_close(c->gen) == yajl_gen_status_ok;
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
    struct copier c = {.gen = yajl_gen_alloc(NULL), .keys = keys, .by = by};
    yajl_handle parser = yajl_alloc(&callbacks, NULL, &c);
    const unsigned char *text;
    size_t n;
    bool ok = yajl_parse(parser, body.p, body.n) == yajl_status_ok &&
              yajl_complete_parse(parser) == yajl_status_ok &&
              yajl_gen_get_buf(c.gen, &text, &n) == yajl_gen_status_ok;
    buf_append(out, ok ? span_make(text, n) : body);
    yajl_free(parser);
    yajl_gen_free(c.gen);
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
