/* SPDX-License-Identifier: MIT */
/* A thin layer over serve/stack.h, for the client's side and for the server's side. Must not know:
 * sockets, time and frames. */
#include "conform/wire.h"

#include "base/alloc.h"
#include "codec/deflate.h"
#include "codec/snappy.h"

void wire_free(struct wire *wire)
{
    stack_free(wire->stack);
    buf_free(&wire->answer);
    *wire = (struct wire){0};
}

/* Decodes all that can be decoded, but stops after `most` decoded bytes or a little more. Returns
 * false when it has stopped. */
static bool drain(struct wire *wire, struct span bytes, size_t most)
{
    while (bytes.n > 0 || stack_has_pending(wire->stack)) {
        if (wire->stack->decoded.n > most) {
            return false;
        }
        bytes = span_skip(bytes, stack_decode(wire->stack, bytes, &wire->answer));
    }
    return true;
}

/* Moves at most `most` decoded bytes to `in`, and frees the rest. Returns false if there was a
 * rest. */
static bool take_decoded(struct wire *wire, size_t most, struct buf *in)
{
    struct buf *decoded = &wire->stack->decoded;
    bool whole = decoded->n <= most;
    buf_append(in, span_first(buf_span(decoded), most));
    buf_free(decoded);
    return whole;
}

bool wire_enable_codec(struct wire *wire, struct codec codec, size_t most, struct buf *in)
{
    if (wire->stack == NULL) {
        wire->stack = alloc_zeroed(sizeof *wire->stack);
    }
    wire->stack->decoded = *in; /* it was empty */
    *in = (struct buf){0};
    stack_push(wire->stack, codec);
    stack_decode(wire->stack, span_make(NULL, 0),
                 &wire->answer); /* makes the first message of a handshake */
    bool whole = drain(wire, span_make(NULL, 0), most);
    return take_decoded(wire, most, in) && whole;
}

bool wire_decode(struct wire *wire, struct span bytes, size_t most, struct buf *in)
{
    if (wire->stack == NULL) {
        buf_append(in, span_first(bytes, most));
        return bytes.n <= most;
    }
    bool whole = drain(wire, bytes, most);
    return take_decoded(wire, most, in) && whole;
}

/* Returns true if the codecs accept output. After the peer has closed, nothing more is decoded, but
 * output may still be sent. */
static bool takes_output(const struct wire *wire)
{
    struct span why;
    enum codec_state state = wire_state(wire, &why);
    return state == CODEC_OPEN || state == CODEC_CLOSED;
}

void wire_encode(struct wire *wire, struct span bytes, struct buf *out)
{
    if (wire->stack == NULL) {
        buf_append(out, bytes);
    } else if (takes_output(wire)) {
        buf_append(&wire->stack->plain, bytes);
        stack_encode(wire->stack, out);
    }
}

void wire_finish(struct wire *wire, struct buf *out)
{
    if (wire->stack != NULL && takes_output(wire)) {
        stack_finish(wire->stack, out);
    }
}

enum codec_state wire_state(const struct wire *wire, struct span *why)
{
    *why = span_make(NULL, 0);
    return wire->stack == NULL ? CODEC_OPEN : stack_state(wire->stack, why);
}

size_t wire_count(const struct wire *wire)
{
    return wire->stack == NULL ? 0 : wire->stack->count;
}

/* --- codecs ----------------------------------------------------------------------------------- */

static struct codec compression(const struct step *upgrade)
{
    return upgrade->upgrade == UPGRADE_SNAPPY ? snappy_codec()
                                              : deflate_codec((int)upgrade->upgrade_number);
}

struct codec wire_client_codec(const struct step *upgrade, struct buf *why)
{
    struct codec codec = {NULL, NULL};
    if (upgrade->upgrade != UPGRADE_TLS) {
        return compression(upgrade);
    }
    const struct tls_client_settings settings = {.min_version = (int)upgrade->upgrade_number,
                                                 .max_version = (int)upgrade->upgrade_number};
    struct tls *tls = tls_client_new(&settings, why);
    if (tls != NULL) {
        codec = tls_connect(tls, NULL);
        tls_free(tls); /* the codec keeps it */
    }
    return codec;
}

struct codec wire_server_codec(const struct step *upgrade, struct tls *tls)
{
    if (upgrade->upgrade != UPGRADE_TLS) {
        return compression(upgrade);
    }
    const struct codec_maker maker = tls_server(tls);
    return maker.make(maker.self);
}
