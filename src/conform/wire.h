/* SPDX-License-Identifier: MIT */
/*
 * Owns: what one side of a connection has put on, TLS, snappy or deflate, and the bytes on their
 * way through it. Without any of it bytes stay what they are. Must not know: sockets, time, frames.
 */
#ifndef CONFORM_WIRE_H
#define CONFORM_WIRE_H

#include "codec/tls.h"
#include "conform/session_file.h"
#include "serve/stack.h"

struct wire {
    struct stack *stack; /* NULL: nothing is on */
    struct buf answer;   /* what codecs want to be sent: a handshake, an alert */
};

/* All zeros is a wire with nothing on. */
void wire_free(struct wire *wire);

/* Puts a codec on, which the wire now owns. What came and was not read yet, `in`, is its input, and
 * becomes what that means. */
void wire_enable_codec(struct wire *wire, struct codec codec, struct buf *in);

/* What came becomes what it means, which is appended to `in`. */
void wire_decode(struct wire *wire, struct span bytes, struct buf *in);

/* What is said becomes what is to be sent, which is appended to `out`. Nothing is, while codecs are
 * in their handshake or have failed. */
void wire_encode(struct wire *wire, struct span bytes, struct buf *out);

/* Appends the last words of codecs. */
void wire_finish(struct wire *wire, struct buf *out);

/* CODEC_OPEN: all is well. CODEC_FAILED: *why tells. */
enum codec_state wire_state(const struct wire *wire, struct span *why);

/* How many codecs are on. */
size_t wire_count(const struct wire *wire);

/* The client's end of what a step puts on. TLS looks at no certificate. `why` is appended when
 * there is none, and then `calls` is NULL. */
struct codec wire_client_codec(const struct step *upgrade, struct buf *why);

/* The server's end; TLS by this context. */
struct codec wire_server_codec(const struct step *upgrade, struct tls *tls);

#endif
