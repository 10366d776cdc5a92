/* SPDX-License-Identifier: MIT */
/*
 * Copies a JSON document from yajl's parser to the writer, and replaces the values of some members.
 * Must not know where the document comes from.
 */
#include "conform/record_json.h"

#include <yajl/yajl_parse.h>
#include <yajl/yajl_tree.h>

#include "conform/json_subset.h"
#include "json/writer.h"

struct copier {
    struct json_writer writer;
    bool (*replaces)(const struct copier *c, struct span key); /* of the outermost object */
    const char *by;                                            /* a string; NULL: null */
    yajl_val asked;  /* the body of the IDENTIFY to which the document is the reply */
    bool replace;    /* the next value */
    unsigned inside; /* how many objects and arrays of a replaced value are open */
};

static void write_replacement(struct copier *c)
{
    c->replace = false;
    if (c->by == NULL) {
        json_write_null(&c->writer);
    } else {
        json_write_string(&c->writer, span_make(c->by, strlen(c->by)));
    }
}

/* True when the value was replaced, or belongs to a replaced one. */
static bool replaced(struct copier *c)
{
    bool here = c->replace;
    if (here) {
        write_replacement(c);
    }
    return here || c->inside > 0;
}

/* --- yajl's callbacks: 1 goes on, 0 ends the parser ------------------------------------------- */

static int on_null(void *ctx)
{
    struct copier *c = ctx;
    c->replace = false; /* null replaces nothing: it contains no name */
    if (c->inside == 0) {
        json_write_null(&c->writer);
    }
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
    if (c->inside == 0) {
        c->replace = json_writer_depth(&c->writer) == 1 && c->replaces(c, span_make(text, n));
        json_write_key(&c->writer, span_make(text, n));
    }
    return 1;
}

/* Returns true if the object or array that begins is to be copied. */
static bool opens(struct copier *c)
{
    c->inside += replaced(c);
    return c->inside == 0;
}

/* The same for one that ends. */
static bool closes(struct copier *c)
{
    bool copied = c->inside == 0;
    c->inside -= !copied;
    return copied;
}

static int on_open_map(void *ctx)
{
    struct copier *c = ctx;
    if (json_writer_depth(&c->writer) == JSON_WRITER_DEPTH_MAX) {
        return 0;
    }
    if (opens(c)) {
        json_open_object(&c->writer);
    }
    return 1;
}

static int on_close_map(void *ctx)
{
    struct copier *c = ctx;
    if (closes(c)) {
        json_close_object(&c->writer);
    }
    return 1;
}

static int on_open_array(void *ctx)
{
    struct copier *c = ctx;
    if (json_writer_depth(&c->writer) == JSON_WRITER_DEPTH_MAX) {
        return 0;
    }
    if (opens(c)) {
        json_open_array(&c->writer);
    }
    return 1;
}

static int on_close_array(void *ctx)
{
    struct copier *c = ctx;
    if (closes(c)) {
        json_close_array(&c->writer);
    }
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

static void copy(struct span body, struct copier c, struct buf *out)
{
    struct buf text = {0};
    c.writer = json_writer(&text, JSON_COMPACT);
    yajl_handle parser = yajl_alloc(&callbacks, NULL, &c);
    bool ok = yajl_parse(parser, body.p, body.n) == yajl_status_ok &&
              yajl_complete_parse(parser) == yajl_status_ok;
    buf_append(out, ok ? buf_span(&text) : body);
    yajl_free(parser);
    buf_free(&text);
}

/* --- which members ---------------------------------------------------------------------------- */

static bool names_client(const struct copier *c, struct span key)
{
    static const struct span keys[] = {SPAN_LITERAL("hostname"), SPAN_LITERAL("client_id"),
                                       SPAN_LITERAL("short_id"), SPAN_LITERAL("long_id")};
    (void)c;
    bool found = false;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        found = found || span_equal(keys[i], key);
    }
    return found;
}

void record_json_identify(struct span body, struct buf *out)
{
    copy(body, (struct copier){.replaces = names_client, .by = "recorded"}, out);
}

/* Returns the member that the client has sent; NULL: none, or null, or 0, with which a client
 * leaves the choice to the server. */
static yajl_val member_asked(yajl_val asked, struct span key)
{
    for (size_t i = 0; YAJL_IS_OBJECT(asked) && i < YAJL_GET_OBJECT(asked)->len; i++) {
        const char *name = YAJL_GET_OBJECT(asked)->keys[i];
        yajl_val value = YAJL_GET_OBJECT(asked)->values[i];
        if (span_equal(span_make(name, strlen(name)), key)) {
            bool nothing = YAJL_IS_NULL(value) ||
                           (YAJL_IS_NUMBER(value) && strcmp(YAJL_GET_NUMBER(value), "0") == 0);
            return nothing ? NULL : value;
        }
    }
    return NULL;
}

/* A level of deflate means something only to a client that wants deflate. */
static bool was_not_asked_for(const struct copier *c, struct span key)
{
    bool level = span_equal(key, SPAN("deflate_level"));
    bool deflate = YAJL_IS_TRUE(member_asked(c->asked, SPAN("deflate")));
    return member_asked(c->asked, key) == NULL || (level && !deflate);
}

void record_json_reply(struct span data, struct span asked, struct buf *out)
{
    struct copier c = {.replaces = was_not_asked_for, .asked = json_tree(asked)};
    copy(data, c, out);
    yajl_tree_free(c.asked);
}

static bool nothing(const struct copier *c, struct span key)
{
    (void)c;
    (void)key;
    return false;
}

void record_json_whole(struct span data, struct buf *out)
{
    copy(data, (struct copier){.replaces = nothing}, out);
}

bool record_json_negotiates(struct span body)
{
    return json_subset(SPAN("{\"feature_negotiation\":true}"), body, JSON_ARRAYS_HAVE_ORDER);
}

size_t record_json_upgrades(struct span data)
{
    return (size_t)json_subset(SPAN("{\"tls_v1\":true}"), data, JSON_ARRAYS_HAVE_ORDER) +
           (size_t)json_subset(SPAN("{\"snappy\":true}"), data, JSON_ARRAYS_HAVE_ORDER) +
           (size_t)json_subset(SPAN("{\"deflate\":true}"), data, JSON_ARRAYS_HAVE_ORDER);
}
