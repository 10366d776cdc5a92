/* SPDX-License-Identifier: MIT */
/*
 * Owns: the codecs that one side of a connection has enabled (TLS, snappy, deflate), and the bytes
 * that go through them. Without codecs the bytes stay as they are. Must not know: sockets, time and
 * frames.
 */
#ifndef CONFORM_WIRE_H
#define CONFORM_WIRE_H

#include "codec/tls.h"
#include "conform/session_file.h"
#include "serve/stack.h"

struct wire {
    struct stack *stack; /* NULL: no codec is enabled */
    struct buf answer;   /* bytes that the codecs want to send, such as a handshake or an alert */
};

/* All zeros is a wire without codecs. */
void wire_free(struct wire *wire);

/* Enables a codec, which the wire owns from now on. Bytes in `in` that were received but not used
 * yet are the codec's first input; `in` then holds the decoded bytes. */
void wire_enable_codec(struct wire *wire, struct codec codec, struct buf *in);

/* Decodes received bytes and appends them to `in`. */
void wire_decode(struct wire *wire, struct span bytes, struct buf *in);

/* Encodes bytes and appends them to `out`. Appends nothing while codecs are in their handshake, or
 * when one has failed. */
void wire_encode(struct wire *wire, struct span bytes, struct buf *out);

/* Appends what the codecs send before the output ends, such as TLS's close_notify. */
void wire_finish(struct wire *wire, struct buf *out);

/* CODEC_OPEN: all is well. CODEC_FAILED: *why is the reason. */
enum codec_state wire_state(const struct wire *wire, struct span *why);

/* How many codecs are enabled. */
size_t wire_count(const struct wire *wire);

/* The client's end of the codec that a step enables. TLS accepts any certificate. When the codec
 * cannot be made, the reason is appended to `why`, and `calls` of the result is NULL. */
struct codec wire_client_codec(const struct step *upgrade, struct buf *why);

/* The server's end. TLS uses this context. */
struct codec wire_server_codec(const struct step *upgrade, struct tls *tls);

#endif
