/* SPDX-License-Identifier: MIT */
#include "auth/auth_http.h"

#include <zlib.h>

#include "base/alloc.h"

#define GZIP_ONLY (16 + MAX_WBITS) /* for zlib: this format and no other */
#define UNPACK_CHUNK 16384

static struct auth_http *http_of(llhttp_t *parser)
{
    return parser->data;
}

static void bad(struct auth_http *http, struct span why)
{
    if (http->bad.n == 0) {
        http->bad = why;
    }
}

/* --- headers ---------------------------------------------------------------------------------- */

static bool same_word(struct span a, struct span small)
{
    for (size_t i = 0; i < a.n && a.n == small.n; i++) {
        uint8_t c = a.p[i] >= 'A' && a.p[i] <= 'Z' ? (uint8_t)(a.p[i] - 'A' + 'a') : a.p[i];
        if (c != small.p[i]) {
            return false;
        }
    }
    return a.n == small.n;
}

/* A header is over. Of several of a name the first counts. */
static void take_header(struct auth_http *http)
{
    struct span field = buf_span(&http->field);
    struct span value = buf_span(&http->value);
    if (same_word(field, SPAN("content-encoding"))) {
        http->gzip = http->encoded ? http->gzip : same_word(value, SPAN("gzip"));
        http->encoded = true;
    } else if (same_word(field, SPAN("location"))) {
        if (!http->located) {
            buf_append(&http->location, value);
        }
        http->located = true;
    }
    buf_drop(&http->field, http->field.n);
    buf_drop(&http->value, http->value.n);
    http->value_begun = false;
    http->too_long = false;
}

/* A name or value that is too long is dropped whole, however it was cut. */
static void keep(struct auth_http *http, struct buf *b, const char *p, size_t n)
{
    http->too_long = http->too_long || n > AUTH_HTTP_VALUE_MAX - b->n;
    if (http->too_long) {
        buf_drop(b, b->n);
    } else if (n > 0) {
        buf_append(b, span_make(p, n));
    }
}

static int on_field(llhttp_t *parser, const char *p, size_t n)
{
    struct auth_http *http = http_of(parser);
    if (http->value_begun) {
        take_header(http);
    }
    keep(http, &http->field, p, n);
    return 0;
}

static int on_value(llhttp_t *parser, const char *p, size_t n)
{
    struct auth_http *http = http_of(parser);
    http->value_begun = true;
    keep(http, &http->value, p, n);
    return 0;
}

static int on_head(llhttp_t *parser)
{
    struct auth_http *http = http_of(parser);
    take_header(http);
    http->in_body = true;
    return 0;
}

/* --- the body --------------------------------------------------------------------------------- */

static int on_body(llhttp_t *parser, const char *p, size_t n)
{
    struct auth_http *http = http_of(parser);
    if (n > http->most - http->body.n) {
        bad(http, SPAN("body too large"));
        return -1;
    }
    buf_append(&http->body, span_make(p, n));
    return 0;
}

/* An answer is over. Those below 200 only announce the one that follows. */
static int on_message(llhttp_t *parser)
{
    struct auth_http *http = http_of(parser);
    http->whole = parser->status_code >= 200 || parser->status_code == 101;
    if (!http->whole) {
        http->in_body = false;
        http->gzip = http->encoded = http->located = false;
        buf_free(&http->location);
        buf_free(&http->body);
    }
    return http->whole ? HPE_PAUSED : 0;
}

static void *take(void *opaque, uInt items, uInt size)
{
    (void)opaque;
    return alloc_zeroed((size_t)items * size);
}

static void give(void *opaque, void *p)
{
    (void)opaque;
    alloc_free(p);
}

/* Unpacks one piece. False at the end, good or bad. */
static bool unpack_piece(struct auth_http *http, z_stream *z, struct buf *out)
{
    z->next_out = buf_room(out, UNPACK_CHUNK);
    z->avail_out = UNPACK_CHUNK;
    int result = inflate(z, Z_NO_FLUSH);
    buf_grew(out, UNPACK_CHUNK - z->avail_out);
    if (out->n > http->most) {
        bad(http, SPAN("body too large"));
    } else if (result == Z_STREAM_END && z->avail_in > 0) {
        inflateReset(z); /* several may stand behind each other */
    } else if (result == Z_STREAM_END) {
        return false;
    } else if (result != Z_OK) {
        bad(http, result == Z_BUF_ERROR ? SPAN("unexpected EOF") : SPAN("gzip: invalid data"));
    }
    return http->bad.n == 0;
}

static void unpack(struct auth_http *http)
{
    struct buf out = {0};
    struct span in = buf_span(&http->body);
    z_stream z = {.zalloc = take, .zfree = give, .avail_in = (uInt)in.n};
    memcpy(&z.next_in, &in.p, sizeof in.p); /* zlib's pointer is not const in every version */
    inflateInit2(&z, GZIP_ONLY);
    while (unpack_piece(http, &z, &out)) {
    }
    inflateEnd(&z);
    buf_free(&http->body);
    http->body = out;
}

/* --- the whole -------------------------------------------------------------------------------- */

void auth_http_init(struct auth_http *http, size_t most)
{
    *http = (struct auth_http){.most = most};
    llhttp_settings_init(&http->settings);
    http->settings.on_header_field = on_field;
    http->settings.on_header_value = on_value;
    http->settings.on_headers_complete = on_head;
    http->settings.on_body = on_body;
    http->settings.on_message_complete = on_message;
    llhttp_init(&http->parser, HTTP_RESPONSE, &http->settings);
    http->parser.data = http;
}

void auth_http_free(struct auth_http *http)
{
    buf_free(&http->field);
    buf_free(&http->value);
    buf_free(&http->location);
    buf_free(&http->body);
}

static enum auth_http_outcome outcome(struct auth_http *http)
{
    if (http->bad.n > 0) {
        return AUTH_HTTP_BAD;
    }
    if (!http->whole) {
        return AUTH_HTTP_MORE;
    }
    if (http->gzip && http->body.n > 0) {
        http->gzip = false;
        unpack(http);
    }
    return http->bad.n > 0 ? AUTH_HTTP_BAD : AUTH_HTTP_WHOLE;
}

/* How many bytes of n may be read now; none: it was too much. A head goes no further than its
 * bound, so that where it is too long does not depend on how it was cut. */
static size_t most_now(const struct auth_http *http, size_t n)
{
    size_t most =
        http->in_body ? AUTH_HTTP_HEAD_MAX + AUTH_HTTP_OVERHEAD * http->most : AUTH_HTTP_HEAD_MAX;
    size_t left = most > http->read ? most - http->read : 0;
    return n < left ? n : left;
}

enum auth_http_outcome auth_http_feed(struct auth_http *http, struct span in)
{
    while (in.n > 0 && !http->whole && http->bad.n == 0) {
        size_t n = most_now(http, in.n);
        if (n == 0) {
            bad(http, SPAN("answer too long"));
            break;
        }
        http->read += n;
        enum llhttp_errno e = llhttp_execute(&http->parser, (const char *)in.p, n);
        if (e != HPE_OK && !http->whole) {
            bad(http, SPAN("malformed HTTP response"));
        }
        in = span_skip(in, n);
    }
    return outcome(http);
}

enum auth_http_outcome auth_http_eof(struct auth_http *http)
{
    if (!http->whole && http->bad.n == 0) {
        enum llhttp_errno e = llhttp_finish(&http->parser);
        if (!http->whole || (e != HPE_OK && e != HPE_PAUSED)) {
            bad(http, http->read == 0 ? SPAN("EOF") : SPAN("unexpected EOF"));
        }
    }
    return outcome(http);
}

int auth_http_status(const struct auth_http *http)
{
    return http->parser.status_code;
}
