/* SPDX-License-Identifier: MIT */
/*
 * Reads the body of a 403 answer as Go's decoder does. Must not know which server has answered.
 */
#include "auth/auth_forbidden.h"

/* Only numbers are read, and the one key below. */
#define TEXT_MOST 64

static int port_null(void *ctx)
{
    (void)ctx;
    return 1;
}

static int port_other(struct auth_forbidden *r)
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
    struct auth_forbidden *r = ctx;
    bool right =
        r->depth == 1 && r->named && json_integer(span_make(p, n), INT64_MIN, INT64_MAX, &r->port);
    return right ? 1 : port_other(r);
}

static int port_key(void *ctx, const unsigned char *p, size_t n)
{
    struct auth_forbidden *r = ctx;
    if (r->depth == 1) {
        r->named = json_key_matches(span_make(p, n), SPAN("https_port"));
    }
    return 1;
}

static int port_begin(struct auth_forbidden *r, bool fits)
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
    ((struct auth_forbidden *)ctx)->depth--;
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

void auth_forbidden_begin(struct auth_forbidden *f)
{
    *f = (struct auth_forbidden){.port = 0};
    auth_document_begin(&f->document, &port_callbacks, f, TEXT_MOST);
}

bool auth_forbidden_read(struct auth_forbidden *f, struct span body, struct effort *effort)
{
    return auth_document_read(&f->document, body, effort);
}

bool auth_forbidden_port(struct auth_forbidden *f, int64_t *port)
{
    *port = f->port;
    return auth_document_end(&f->document) && !f->wrong;
}

void auth_forbidden_free(struct auth_forbidden *f)
{
    auth_document_free(&f->document);
}
