/* SPDX-License-Identifier: MIT */
/*
 * Writes requests as bytes; request_writer.h says which operation stands for which request. Must
 * not know: the server.
 */
#include "request_writer.h"

#include <stdio.h>

#include "base/text.h"
#include "base/time.h"
#include "command_writer.h"

#define EXPECT 16
#define CLOSE 32
#define OLD 64

/* Appends a name; the '#' of an ephemeral one has an escape. */
static void add_name(struct buf *out, struct span name)
{
    for (size_t i = 0; i < name.n; i++) {
        buf_append(out, name.p[i] == '#' ? SPAN("%23") : span_make(&name.p[i], 1));
    }
}

static void add_message(struct buf *out, unsigned b, uint32_t *serial)
{
    char digits[9];
    snprintf(digits, sizeof digits, "%08x", (unsigned)(*serial)++);
    buf_append(out, span_make(digits, 8));
    for (unsigned i = 0; i < (b & 63); i++) {
        text_append(out, "y");
    }
}

static void add_size(struct buf *out, uint32_t size)
{
    uint8_t bytes[4];
    be32_store(bytes, size);
    buf_append(out, span_make(bytes, sizeof bytes));
}

static void add_body(struct buf *out, unsigned which, unsigned b, uint32_t *serial)
{
    unsigned count = which == REQUEST_LINES || which == REQUEST_BINARY ? 1 + (b >> 6) : 1;
    if (which == REQUEST_CONFIG) {
        text_append(out, "[\"a:1\"]");
        return;
    }
    if (which == REQUEST_BINARY) {
        add_size(out, count);
    }
    for (unsigned i = 0; i < count; i++) {
        if (which == REQUEST_BINARY) {
            add_size(out, 8 + (b & 63));
        }
        add_message(out, which == REQUEST_DEFER ? 0 : b, serial);
        if (which == REQUEST_LINES) {
            text_append(out, "\n");
        }
    }
}

static bool has_body(unsigned which)
{
    return (which >= REQUEST_PUB && which <= REQUEST_BINARY) || which == REQUEST_DEFER ||
           which == REQUEST_CONFIG;
}

static void add_target(struct buf *out, unsigned which, unsigned a, unsigned b)
{
    static const char *const paths[] = {
        "GET /ping",
        "POST /pub?topic=",
        "POST /mpub?topic=",
        "POST /mpub?binary=true&topic=",
        "POST /topic/create?topic=",
        "POST /topic/delete?topic=",
        "POST /topic/empty?topic=",
        "POST /topic/pause?topic=",
        "POST /channel/create?topic=",
        "POST /channel/delete?topic=",
        "POST /channel/empty?topic=",
        "POST /channel/pause?topic=",
        "GET /stats?",
        "POST /pub?topic=",
        "PUT /config/nsqlookupd_tcp_addresses",
        "GET /metrics",
    };
    const char *path = paths[which];
    if ((b & 1) && which == REQUEST_TOPIC + 3) {
        path = "POST /topic/unpause?topic=";
    } else if ((b & 1) && which == REQUEST_CHANNEL + 3) {
        path = "POST /channel/unpause?topic=";
    }
    buf_append(out, span_make(path, strlen(path)));
    if (path[strlen(path) - 1] == '=') {
        add_name(out, command_writer_topic(a));
    }
    if (which >= REQUEST_CHANNEL && which < REQUEST_STATS) {
        text_append(out, "&channel=");
        add_name(out, command_writer_channel(a >> 2));
    } else if (which == REQUEST_DEFER) {
        text_append(out, "&defer=");
        text_append_decimal(out, ops_time((uint8_t)b) / TIME_MS);
    }
}

static void add_stats(struct buf *out, unsigned a, unsigned b)
{
    buf_append(out, b & 1 ? SPAN("format=text") : SPAN("format=json"));
    if (b & 2) {
        text_append(out, "&topic=");
        add_name(out, command_writer_topic(a));
    }
    if (b & 4) {
        text_append(out, "&channel=");
        add_name(out, command_writer_channel(a >> 2));
    }
    if (b & 8) {
        text_append(out, "&include_clients=false");
    }
}

void request_write(struct buf *out, const uint8_t args[OP_ARGS_MAX], uint32_t *serial)
{
    unsigned which = args[0] % 16;
    unsigned a = args[1];
    bool chunked = which == REQUEST_DEFER && !(a & OLD);
    struct buf body = {0};
    char size[40];
    add_target(out, which, a, args[2]);
    if (which == REQUEST_STATS) {
        add_stats(out, a, args[2]);
    }
    buf_append(out, a & OLD ? SPAN(" HTTP/1.0\r\n") : SPAN(" HTTP/1.1\r\nHost: h\r\n"));
    if (a & EXPECT) {
        text_append(out, "Expect: 100-continue\r\n");
    }
    if (a & (CLOSE | OLD)) {
        buf_append(out,
                   a & CLOSE ? SPAN("Connection: close\r\n") : SPAN("Connection: keep-alive\r\n"));
    }
    if (has_body(which)) {
        add_body(&body, which, args[2], serial);
        snprintf(size, sizeof size, chunked ? "%zx\r\n" : "Content-Length: %zu\r\n\r\n", body.n);
    }
    if (chunked) {
        text_append(out, "Transfer-Encoding: chunked\r\n\r\n");
    }
    buf_append(out, body.n > 0 ? span_make(size, strlen(size)) : SPAN("\r\n"));
    buf_append(out, buf_span(&body));
    if (chunked) {
        text_append(out, "\r\n0\r\n\r\n");
    }
    buf_free(&body);
}
