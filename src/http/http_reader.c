/* SPDX-License-Identifier: MIT */
/*
 * Collects the head of a request and checks each line when it is complete. llhttp gets the whole
 * head at once, and then the body as it arrives. Must not know routes, answers, connections, time.
 */
#include "http/http_reader.h"

#include <assert.h>

/* --- llhttp ----------------------------------------------------------------------------------- */

static int on_body(llhttp_t *parser, const char *p, size_t n)
{
    struct http_reader *r = parser->data;
    r->data = span_make(p, n);
    return 0;
}

static int on_message(llhttp_t *parser)
{
    struct http_reader *r = parser->data;
    r->whole = true;
    return HPE_PAUSED;
}

/* Gives bytes to llhttp. Returns false if llhttp refuses them. At the end of a request llhttp
 * stops, because bytes of the next request need a new parser. */
static bool parse(struct http_reader *r, struct span in)
{
    enum llhttp_errno e = llhttp_execute(&r->parser, (const char *)in.p, in.n);
    return e == HPE_OK || r->whole;
}

/* --- the reader ------------------------------------------------------------------------------- */

void http_reader_next(struct http_reader *r)
{
    bool skips = r->head.has_line && span_equal(http_reader_method(r), SPAN("POST"));
    buf_drop(&r->bytes, r->bytes.n);
    r->state = HTTP_READER_HEAD;
    r->refusal = HTTP_ACCEPTED;
    r->head = (struct http_head){0};
    http_target_free(&r->target);
    r->line = 0;
    r->skips = skips ? HTTP_LINE_ENDS_SKIPPED : 0;
    r->left = 0;
    r->chunks = (struct http_chunks){0};
    r->whole = false;
    llhttp_init(&r->parser, HTTP_REQUEST, &r->settings);
    r->parser.data = r;
}

void http_reader_init(struct http_reader *r, const struct http_limits *limits)
{
    *r = (struct http_reader){.limits = limits};
    llhttp_settings_init(&r->settings);
    r->settings.on_body = on_body;
    r->settings.on_message_complete = on_message;
    http_reader_next(r);
}

void http_reader_free(struct http_reader *r)
{
    buf_free(&r->bytes);
    http_target_free(&r->target);
}

struct span http_reader_method(const struct http_reader *r)
{
    return http_head_method(&r->head, buf_span(&r->bytes));
}

struct span http_reader_target(const struct http_reader *r)
{
    return http_head_target(&r->head, buf_span(&r->bytes));
}

/* --- the head --------------------------------------------------------------------------------- */

static void refuse(struct http_reader *r, enum http_refusal refusal)
{
    r->state = HTTP_READER_REFUSED;
    r->refusal = refusal;
}

/* Splits the target. Returns false if it is bad. */
static bool take_target(struct http_reader *r)
{
    bool connect = span_equal(http_reader_method(r), SPAN("CONNECT"));
    http_target_free(&r->target);
    return http_target_parse(&r->target, http_reader_target(r), connect);
}

/* The head is complete. Its bytes do not move any more, so the target can point to them. */
static void end_head(struct http_reader *r)
{
    enum http_refusal refusal = http_head_end(&r->head);
    if (refusal != HTTP_ACCEPTED) {
        refuse(r, refusal);
        return;
    }
    bool has_body = r->head.chunked || (r->head.has_length && r->head.length > 0);
    if (!parse(r, buf_span(&r->bytes)) || r->whole == has_body) {
        refuse(r, HTTP_BAD_REQUEST);
        return;
    }
    take_target(r);
    r->left = r->head.has_length ? r->head.length : 0;
    r->state = has_body ? HTTP_READER_BODY : HTTP_READER_WHOLE;
}

/* A line is complete. It begins at r->line and ends with LF. */
static void end_line(struct http_reader *r)
{
    struct span line = span_skip(buf_span(&r->bytes), r->line);
    assert(line.p != NULL);
    r->line = r->bytes.n;
    line.n--;
    if (line.n == 0 || line.p[line.n - 1] != '\r') {
        refuse(r, HTTP_BAD_REQUEST);
        return;
    }
    line.n--;
    if (line.n == 0 && r->head.has_line) {
        end_head(r);
        return;
    }
    bool is_first = !r->head.has_line;
    if (http_head_line(&r->head, line) != HTTP_ACCEPTED || (is_first && !take_target(r))) {
        refuse(r, HTTP_BAD_REQUEST);
    }
}

/* Returns how many of the first bytes are CR and LF that are skipped. */
static size_t skip_line_ends(struct http_reader *r, struct span in)
{
    size_t n = 0;
    while (n < in.n && r->skips > 0 && (in.p[n] == '\r' || in.p[n] == '\n')) {
        r->skips--;
        n++;
    }
    if (n < in.n) {
        r->skips = 0;
    }
    return n;
}

size_t http_reader_head(struct http_reader *r, struct span in)
{
    size_t at = r->bytes.n == 0 ? skip_line_ends(r, in) : 0;
    while (at < in.n && r->state == HTTP_READER_HEAD) {
        struct span rest = span_first(span_skip(in, at), r->limits->head - r->bytes.n);
        if (rest.n == 0) {
            refuse(r, HTTP_TOO_LARGE);
            break;
        }
        const uint8_t *end = memchr(rest.p, '\n', rest.n);
        size_t n = end == NULL ? rest.n : (size_t)(end - rest.p) + 1;
        buf_append(&r->bytes, span_first(rest, n));
        at += n;
        if (end != NULL) {
            end_line(r);
        }
    }
    return at;
}

/* --- the body --------------------------------------------------------------------------------- */

/* Returns how many of the bytes belong to the body, and whether it ends with them. */
static size_t framed(struct http_reader *r, struct span in, bool *ends)
{
    if (r->head.chunked) {
        size_t n = http_chunks_take(&r->chunks, r->limits, in);
        *ends = r->chunks.state == HTTP_CHUNKS_WHOLE;
        return n;
    }
    size_t n = r->left < in.n ? (size_t)r->left : in.n;
    r->left -= n;
    *ends = r->left == 0;
    return n;
}

size_t http_reader_body(struct http_reader *r, struct span in, struct span *data)
{
    bool ends = false;
    in = span_first(in, HTTP_PIECE_MAX);
    r->data = span_make(NULL, 0);
    size_t n = framed(r, in, &ends);
    bool accepted = (n == 0 || parse(r, span_first(in, n))) && r->whole == ends;
    bool bad = !accepted || (r->head.chunked && r->chunks.state == HTTP_CHUNKS_BAD);
    *data = accepted ? r->data : span_make(NULL, 0);
    r->state = bad ? HTTP_READER_BROKEN : ends ? HTTP_READER_WHOLE : HTTP_READER_BODY;
    return n;
}
