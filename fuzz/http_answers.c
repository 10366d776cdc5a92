/* SPDX-License-Identifier: MIT */
/*
 * Reads answers byte by byte, as strictly as a client may. Must not know requests, routes, the
 * server.
 */
#include "http_answers.h"

#include "fuzz.h"

bool http_answers_rest(const struct http_answers *a)
{
    return a->n == 0 && (a->state == HTTP_ANSWERS_STATUS || a->state == HTTP_ANSWERS_UNTIL_CLOSE);
}

static void end_answer(struct http_answers *a)
{
    a->count++;
    a->state = HTTP_ANSWERS_STATUS;
}

static bool begins(struct span line, struct span with)
{
    return span_equal(span_first(line, with.n), with);
}

/* "HTTP/1.1 200 OK" */
static void status_line(struct http_answers *a, struct span line)
{
    FUZZ_CHECK(!a->closes); /* nothing follows the last answer */
    FUZZ_CHECK(begins(line, SPAN("HTTP/1.1 ")) || begins(line, SPAN("HTTP/1.0 ")));
    struct span rest = span_skip(line, 9);
    FUZZ_CHECK(rest.n > 4 && rest.p[3] == ' ');
    a->status = 0;
    for (size_t i = 0; i < 3; i++) {
        FUZZ_CHECK(rest.p[i] >= '0' && rest.p[i] <= '9');
        a->status = a->status * 10 + rest.p[i] - '0';
    }
    a->has_length = a->chunked = false;
    a->keeps = line.p[7] == '1';
    a->left = 0;
    a->state = HTTP_ANSWERS_HEADER;
}

static void end_head(struct http_answers *a)
{
    FUZZ_CHECK(!a->has_length || !a->chunked);
    a->closes = a->closes || !a->keeps;
    bool is_whole = a->head_only || (a->has_length && a->left == 0);
    if (a->status == 100) {
        a->continues++;
        a->state = HTTP_ANSWERS_STATUS;
    } else if (is_whole) {
        end_answer(a);
    } else if (a->chunked || a->has_length) {
        a->state = a->chunked ? HTTP_ANSWERS_SIZE : HTTP_ANSWERS_BODY;
    } else {
        a->state = HTTP_ANSWERS_UNTIL_CLOSE;
        a->closes = true;
        a->count++;
    }
}

static void header_line(struct http_answers *a, struct span line)
{
    if (line.n == 0) {
        end_head(a);
        return;
    }
    const uint8_t *colon = memchr(line.p, ':', line.n);
    FUZZ_CHECK(colon != NULL && colon > line.p && colon[1] == ' ');
    for (const uint8_t *p = line.p; p < colon; p++) {
        FUZZ_CHECK((*p | 0x20) == '-' || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z') || *p == '-');
    }
    if (begins(line, SPAN("Content-Length: "))) {
        FUZZ_CHECK(!a->has_length && line.n > 16);
        a->has_length = true;
        for (size_t i = 16; i < line.n; i++) {
            FUZZ_CHECK(line.p[i] >= '0' && line.p[i] <= '9');
            a->left = a->left * 10 + line.p[i] - '0';
        }
    } else if (begins(line, SPAN("Transfer-Encoding: "))) {
        FUZZ_CHECK(span_equal(span_skip(line, 19), SPAN("chunked")) && !a->chunked);
        a->chunked = true;
    } else if (span_equal(line, SPAN("Connection: keep-alive"))) {
        a->keeps = true;
    } else if (span_equal(line, SPAN("Connection: close"))) {
        a->closes = true;
    }
}

static void size_line(struct http_answers *a, struct span line)
{
    FUZZ_CHECK(line.n > 0);
    a->left = 0;
    for (size_t i = 0; i < line.n; i++) {
        uint8_t c = line.p[i];
        FUZZ_CHECK((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
        a->left = a->left * 16 + (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    a->state = a->left > 0 ? HTTP_ANSWERS_BODY : HTTP_ANSWERS_LAST_LINE;
}

static void end_line(struct http_answers *a)
{
    FUZZ_CHECK(a->n >= 2 && a->line[a->n - 2] == '\r');
    struct span line = span_make(a->line, a->n - 2);
    a->n = 0;
    switch (a->state) {
    case HTTP_ANSWERS_STATUS:
        status_line(a, line);
        break;
    case HTTP_ANSWERS_HEADER:
        header_line(a, line);
        break;
    case HTTP_ANSWERS_SIZE:
        size_line(a, line);
        break;
    case HTTP_ANSWERS_DATA_END:
        FUZZ_CHECK(line.n == 0);
        a->state = HTTP_ANSWERS_SIZE;
        break;
    default:
        FUZZ_CHECK(line.n == 0);
        end_answer(a);
    }
}

static size_t take_data(struct http_answers *a, struct span in)
{
    size_t n = a->left < in.n ? (size_t)a->left : in.n;
    a->left -= n;
    if (a->left == 0 && a->chunked) {
        a->state = HTTP_ANSWERS_DATA_END;
    } else if (a->left == 0) {
        end_answer(a);
    }
    return n;
}

size_t http_answers_take(struct http_answers *a, struct span in)
{
    unsigned count = a->count;
    size_t at = 0;
    while (at < in.n && a->count == count) {
        if (a->state == HTTP_ANSWERS_UNTIL_CLOSE) {
            return in.n;
        }
        if (a->state == HTTP_ANSWERS_BODY) {
            at += take_data(a, span_skip(in, at));
            continue;
        }
        uint8_t byte = in.p[at++];
        FUZZ_CHECK(byte == '\n' || a->n == 0 || a->line[a->n - 1] != '\r');
        FUZZ_CHECK((byte >= ' ' && byte != 0x7f) || byte == '\r' || byte == '\n');
        FUZZ_CHECK(a->n < HTTP_ANSWERS_LINE_MAX);
        a->line[a->n++] = byte;
        if (byte == '\n') {
            end_line(a);
        }
    }
    return at;
}
