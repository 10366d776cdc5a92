/* SPDX-License-Identifier: MIT */
/*
 * Reads one HTTP response: llhttp calls the functions on_... for each part of it; a gzip body is
 * unpacked when it is complete. Must not know what the body means, connections, time.
 */
#include "http/http_response.h"

#include <zlib.h>

#include "base/alloc.h"
#include "base/text.h"

#define GZIP_ONLY (16 + MAX_WBITS) /* tells zlib to accept no other format */
#define UNPACK_CHUNK 16384

static struct http_response *response_of(llhttp_t *parser)
{
    return parser->data;
}

static void bad(struct http_response *r, struct span why)
{
    if (r->bad.n == 0) {
        r->bad = why;
    }
}

/* --- headers ---------------------------------------------------------------------------------- */

/* A header is complete. When a header occurs several times, the first one counts, as in Go. */
static void take_header(struct http_response *r)
{
    struct span field = buf_span(&r->field);
    struct span value = buf_span(&r->value);
    if (text_equal_any_case(field, SPAN("content-encoding"))) {
        r->gzip = r->has_encoding ? r->gzip : text_equal_any_case(value, SPAN("gzip"));
        r->has_encoding = true;
    } else if (text_equal_any_case(field, SPAN("location"))) {
        if (!r->has_location) {
            buf_append(&r->location, value);
        }
        r->has_location = true;
    }
    buf_drop(&r->field, r->field.n);
    buf_drop(&r->value, r->value.n);
    r->value_begun = false;
    r->too_long = false;
}

/* Adds a piece of a name or value. A name or value that is too long is dropped completely, wherever
 * it was cut into pieces. */
static void keep(struct http_response *r, struct buf *b, const char *p, size_t n)
{
    r->too_long = r->too_long || n > HTTP_RESPONSE_VALUE_MAX - b->n;
    if (r->too_long) {
        buf_drop(b, b->n);
    } else if (n > 0) {
        buf_append(b, span_make(p, n));
    }
}

static int on_field(llhttp_t *parser, const char *p, size_t n)
{
    struct http_response *r = response_of(parser);
    if (r->value_begun) {
        take_header(r);
    }
    keep(r, &r->field, p, n);
    return 0;
}

static int on_value(llhttp_t *parser, const char *p, size_t n)
{
    struct http_response *r = response_of(parser);
    r->value_begun = true;
    keep(r, &r->value, p, n);
    return 0;
}

static int on_head(llhttp_t *parser)
{
    struct http_response *r = response_of(parser);
    take_header(r);
    r->in_body = true;
    return 0;
}

/* --- the body --------------------------------------------------------------------------------- */

static int on_body(llhttp_t *parser, const char *p, size_t n)
{
    struct http_response *r = response_of(parser);
    if (n > r->body_max - r->body.n) {
        bad(r, SPAN("body too large"));
        return -1;
    }
    buf_append(&r->body, span_make(p, n));
    return 0;
}

/* A response is complete. One with a status below 200 only announces the one that follows, except
 * 101. */
static int on_message(llhttp_t *parser)
{
    struct http_response *r = response_of(parser);
    r->whole = parser->status_code >= 200 || parser->status_code == 101;
    if (!r->whole) {
        r->in_body = false;
        r->gzip = r->has_encoding = r->has_location = false;
        buf_free(&r->location);
        buf_free(&r->body);
    }
    return r->whole ? HPE_PAUSED : 0;
}

static void *zlib_alloc(void *opaque, uInt items, uInt size)
{
    (void)opaque;
    return alloc_zeroed((size_t)items * size);
}

static void zlib_free(void *opaque, void *p)
{
    (void)opaque;
    alloc_free(p);
}

/* Decompresses one piece. Returns false if it was the last piece, or if it was bad. */
static bool unpack_piece(struct http_response *r, z_stream *z, struct buf *out)
{
    z->next_out = buf_room(out, UNPACK_CHUNK);
    z->avail_out = UNPACK_CHUNK;
    int result = inflate(z, Z_NO_FLUSH);
    buf_grew(out, UNPACK_CHUNK - z->avail_out);
    if (out->n > r->body_max) {
        bad(r, SPAN("body too large"));
    } else if (result == Z_STREAM_END && z->avail_in > 0) {
        inflateReset(z); /* a gzip body may consist of several members */
    } else if (result == Z_STREAM_END) {
        return false;
    } else if (result != Z_OK) {
        bad(r, result == Z_BUF_ERROR ? SPAN("unexpected EOF") : SPAN("gzip: invalid data"));
    }
    return r->bad.n == 0;
}

static void unpack(struct http_response *r)
{
    struct buf out = {0};
    struct span in = buf_span(&r->body);
    z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free, .avail_in = (uInt)in.n};
    memcpy(&z.next_in, &in.p, sizeof in.p); /* zlib's pointer is not const in every version */
    inflateInit2(&z, GZIP_ONLY);
    while (unpack_piece(r, &z, &out)) {
    }
    inflateEnd(&z);
    buf_free(&r->body);
    r->body = out;
}

/* --- the response --------------------------------------------------------------------------------
 */

void http_response_init(struct http_response *r, size_t body_max)
{
    *r = (struct http_response){.body_max = body_max};
    llhttp_settings_init(&r->settings);
    r->settings.on_header_field = on_field;
    r->settings.on_header_value = on_value;
    r->settings.on_headers_complete = on_head;
    r->settings.on_body = on_body;
    r->settings.on_message_complete = on_message;
    llhttp_init(&r->parser, HTTP_RESPONSE, &r->settings);
    r->parser.data = r;
}

void http_response_free(struct http_response *r)
{
    buf_free(&r->field);
    buf_free(&r->value);
    buf_free(&r->location);
    buf_free(&r->body);
}

static enum http_response_state state_of(struct http_response *r)
{
    if (r->bad.n > 0) {
        return HTTP_RESPONSE_BAD;
    }
    if (!r->whole) {
        return HTTP_RESPONSE_MORE;
    }
    if (r->gzip && r->body.n > 0) {
        r->gzip = false;
        unpack(r);
    }
    return r->bad.n > 0 ? HTTP_RESPONSE_BAD : HTTP_RESPONSE_WHOLE;
}

/* How many of n bytes may be parsed now; 0: the response is too long. A head is parsed up to its
 * bound and no further, so the result does not depend on how the input was cut. */
static size_t allowed_now(const struct http_response *r, size_t n)
{
    size_t body = r->in_body ? HTTP_RESPONSE_OVERHEAD * r->body_max : 0;
    size_t bound = HTTP_RESPONSE_HEAD_MAX + body;
    size_t rest = bound > r->received ? bound - r->received : 0;
    return n < rest ? n : rest;
}

enum http_response_state http_response_parse(struct http_response *r, struct span in)
{
    while (in.n > 0 && !r->whole && r->bad.n == 0) {
        size_t n = allowed_now(r, in.n);
        if (n == 0) {
            bad(r, SPAN("answer too long"));
            break;
        }
        r->received += n;
        enum llhttp_errno e = llhttp_execute(&r->parser, (const char *)in.p, n);
        if (e != HPE_OK && !r->whole) {
            bad(r, SPAN("malformed HTTP response"));
        }
        in = span_skip(in, n);
    }
    return state_of(r);
}

enum http_response_state http_response_eof(struct http_response *r)
{
    if (!r->whole && r->bad.n == 0) {
        enum llhttp_errno e = llhttp_finish(&r->parser);
        if (!r->whole || (e != HPE_OK && e != HPE_PAUSED)) {
            bad(r, r->received == 0 ? SPAN("EOF") : SPAN("unexpected EOF"));
        }
    }
    return state_of(r);
}

int http_response_status(const struct http_response *r)
{
    return r->parser.status_code;
}
