/* SPDX-License-Identifier: MIT */
/*
 * Owns: the bytes of the HTTP requests that a COMMAND of ops.h stands for, when the connection is a
 * client of the HTTP API. Corpora depend on every byte. Must not know: the server.
 *
 *     which   request
 *   0         GET /ping
 *   1         POST /pub
 *   2, 3      POST /mpub, as lines and in the binary form
 *   4 .. 7    POST /topic/create, delete, empty, pause
 *   8 .. 11   POST /channel/create, delete, empty, pause
 *  12         GET /stats
 *  13         POST /pub with a delay, chunked
 *  14         PUT /config/nsqlookupd_tcp_addresses
 *  15         GET /metrics
 *
 * `a`: bits 0, 1 topic; bits 2, 3 channel; bit 4: "Expect: 100-continue"; bit 5: "Connection:
 * close"; bit 6: HTTP/1.0; bit 7: the last byte is missing, and comes with the next request.
 *
 * `b`: for a publish the bytes of a message beyond its serial number (bits 0-5) and one less than
 * the number of messages (bits 6, 7), for a delay the time as in ops.h; for pause bit 0: unpause
 * instead; for /stats bit 0: text, bit 1: of the topic, bit 2: of the channel, bit 3: without
 * clients.
 */
#ifndef FUZZ_REQUEST_WRITER_H
#define FUZZ_REQUEST_WRITER_H

#include "ops.h"

#include "base/buf.h"

enum request_which {
    REQUEST_PING,
    REQUEST_PUB,
    REQUEST_LINES,
    REQUEST_BINARY,
    REQUEST_TOPIC, /* four of them */
    REQUEST_CHANNEL = REQUEST_TOPIC + 4,
    REQUEST_STATS = REQUEST_CHANNEL + 4,
    REQUEST_DEFER,
    REQUEST_CONFIG,
    REQUEST_METRICS,
};

#define REQUEST_CUT 128 /* in `a` */

/* Appends the request, with its last byte. *serial is the number of the next message. */
void request_write(struct buf *out, const uint8_t args[OP_ARGS_MAX], uint32_t *serial);

#endif
