/* SPDX-License-Identifier: MIT */
/*
 * Owns: the codecs (TLS, snappy, deflate) that one side of a connection has enabled, and the
 * decoding and encoding of its bytes. Without codecs the bytes do not change. Must not know:
 * sockets, time and frames.
 */
#ifndef CONFORM_WIRE_H
#define CONFORM_WIRE_H

#include "codec/tls.h"
#include "conform/session_file.h"
#include "serve/stack.h"

struct wire {
    struct stack *stack; /* NULL: no codec is enabled */
    struct buf answer; /* bytes that the codecs want to send, for example a handshake or an alert */
};

/* A struct of zeros is a wire without codecs. */
void wire_free(struct wire *wire);

/* Enables a codec, which the wire owns from now on. Before the call, `in` contains received bytes
 * that were not used yet: they are the first input of the codec. After the call, `in` contains at
 * most `most` decoded bytes. Returns false when there are more decoded bytes, as wire_decode does.
 */
bool wire_enable_codec(struct wire *wire, struct codec codec, size_t most, struct buf *in);

/* Decodes received bytes and appends at most `most` decoded bytes to `in`. Returns false when there
 * are more decoded bytes; they are discarded, and the wire must not be used afterwards. */
bool wire_decode(struct wire *wire, struct span bytes, size_t most, struct buf *in);

/* Encodes bytes and appends them to `out`. Appends nothing while a codec is in its handshake, or if
 * a codec has failed. */
void wire_encode(struct wire *wire, struct span bytes, struct buf *out);

/* Appends the bytes that the codecs send before the output is closed, for example TLS's
 * close_notify. */
void wire_finish(struct wire *wire, struct buf *out);

/* Returns the state of all codecs together. CODEC_OPEN means that the codecs can be used. When the
 * result is CODEC_FAILED, *why is the reason. */
enum codec_state wire_state(const struct wire *wire, struct span *why);

/* Returns how many codecs are enabled. */
size_t wire_count(const struct wire *wire);

/* Creates the client's side of the codec that a step enables. The client's side of TLS accepts any
 * certificate. If the codec cannot be created, appends the reason to `why`, and `calls` of the
 * result is NULL. */
struct codec wire_client_codec(const struct step *upgrade, struct buf *why);

/* Creates the server's side of the codec that a step enables. TLS uses the settings in `tls`. */
struct codec wire_server_codec(const struct step *upgrade, struct tls *tls);

#endif
