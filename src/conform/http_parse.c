/* SPDX-License-Identifier: MIT */
/* llhttp is given all received bytes at each call, so nothing is kept between calls. Must not know:
 * what a response should be. */
#include "conform/http_parse.h"

#include <llhttp.h>

#include "base/text.h"

struct parsing {
    struct http_parsed *out;
    bool no_body;
    bool whole;
};

static int on_body(llhttp_t *parser, const char *p, size_t n)
{
    struct parsing *parsing = parser->data;
    buf_append(&parsing->out->body, span_make(p, n));
    return 0;
}

/* 1 tells llhttp that no body follows. */
static int on_head(llhttp_t *parser)
{
    struct parsing *parsing = parser->data;
    return parsing->no_body ? 1 : 0;
}

static int on_message(llhttp_t *parser)
{
    struct parsing *parsing = parser->data;
    parsing->whole = true;
    return HPE_PAUSED;
}

/* Finds the header lines: between the status line and the empty line. */
static struct span head_of(struct span in)
{
    const uint8_t *first = memchr(in.p, '\n', in.n);
    if (first == NULL) {
        return span_make(NULL, 0);
    }
    struct span rest = span_skip(in, (size_t)(first - in.p) + 1);
    struct span at = rest;
    while (at.n > 0 && !span_equal(span_first(at, 2), SPAN("\r\n"))) {
        const uint8_t *end = memchr(at.p, '\n', at.n);
        at = span_skip(at, end == NULL ? at.n : (size_t)(end - at.p) + 1);
    }
    return span_first(rest, rest.n - at.n);
}

enum nsq_parse http_parse(struct span in, struct http_parse_end framing, struct http_parsed *out)
{
    struct parsing parsing = {.out = out, .no_body = framing.no_body};
    llhttp_settings_t settings;
    llhttp_t parser;
    *out = (struct http_parsed){0};
    if (in.n == 0) {
        return NSQ_MORE;
    }
    llhttp_settings_init(&settings);
    settings.on_body = on_body;
    settings.on_headers_complete = on_head;
    settings.on_message_complete = on_message;
    llhttp_init(&parser, HTTP_RESPONSE, &settings);
    parser.data = &parsing;
    enum llhttp_errno error = llhttp_execute(&parser, (const char *)in.p, in.n);
    out->size = in.n;
    if (parsing.whole) {
        out->size = (size_t)(llhttp_get_error_pos(&parser) - (const char *)in.p);
    } else if (error == HPE_OK && framing.ended) {
        error = llhttp_finish(&parser);
    }
    if (!parsing.whole && error != HPE_OK) {
        out->why = llhttp_get_error_reason(&parser);
        return NSQ_BAD;
    }
    out->status = parser.status_code;
    out->head = head_of(in);
    return parsing.whole ? NSQ_OK : NSQ_MORE;
}

static struct span trimmed(struct span s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s = span_skip(s, 1);
    }
    while (s.n > 0 && memchr(" \t\r\n", s.p[s.n - 1], 4) != NULL) {
        s.n--;
    }
    return s;
}

bool http_parsed_next(struct span *at, struct span name, struct span *value)
{
    while (at->n > 0) {
        const uint8_t *end = memchr(at->p, '\n', at->n);
        struct span line = span_first(*at, end == NULL ? at->n : (size_t)(end - at->p) + 1);
        *at = span_skip(*at, line.n);
        if (line.n > name.n && line.p[name.n] == ':' &&
            text_equal_any_case(span_first(line, name.n), name)) {
            *value = trimmed(span_skip(line, name.n + 1));
            return true;
        }
    }
    return false;
}
