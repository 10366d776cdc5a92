/* SPDX-License-Identifier: MIT */
/*
 * Writes a GET with the headers, and in the order, of Go's HTTP client; its transport asks for gzip
 * by itself. Must not know connections or the answer.
 */
#include "http/http_request.h"

#include "base/text.h"

static void append_base64(struct buf *out, struct span s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (; s.n > 0; s = span_skip(s, s.n < 3 ? s.n : 3)) {
        uint32_t bits = (uint32_t)s.p[0] << 16;
        bits |= s.n > 1 ? (uint32_t)s.p[1] << 8 : 0;
        bits |= s.n > 2 ? (uint32_t)s.p[2] : 0;
        const char text[] = {digits[bits >> 18], digits[bits >> 12 & 63],
                             s.n > 1 ? digits[bits >> 6 & 63] : '=',
                             s.n > 2 ? digits[bits & 63] : '='};
        buf_append(out, span_make(text, sizeof text));
    }
}

void http_request_append(struct buf *out, const struct http_url *url, struct span accept)
{
    text_append(out, "GET ");
    buf_append(out, buf_span(&url->path));
    if (url->query.n > 0) {
        text_append(out, "?");
        buf_append(out, buf_span(&url->query));
    }
    text_append(out, " HTTP/1.1\r\nHost: ");
    buf_append(out, buf_span(&url->host));
    text_append(out, "\r\nUser-Agent: Go-http-client/1.1\r\nAccept: ");
    buf_append(out, accept);
    text_append(out, "\r\n");
    if (url->has_user) {
        text_append(out, "Authorization: Basic ");
        append_base64(out, buf_span(&url->user));
        text_append(out, "\r\n");
    }
    text_append(out, "Accept-Encoding: gzip\r\n\r\n");
}
