/* SPDX-License-Identifier: MIT */
/*
 * Owns: the codec stack of one connection (its codecs, one above the other), and the bytes between
 * the codecs. The lowest codec is next to the socket. When there is TLS, TLS is the lowest codec.
 * Most stacks have no codec and use little memory. Must not know: protocols and time.
 */
#ifndef SERVE_STACK_H
#define SERVE_STACK_H

#include "codec/codec.h"

#define STACK_CODECS_MAX 2 /* TLS, and snappy or deflate above it */
/* The largest number of decoded bytes that wait for the protocol. Without this limit, a compression
 * bomb (a small input that decodes to very many bytes) could fill the memory. */
#define STACK_ROOM 16384

struct stack_layer {
    struct codec codec;
    struct buf below; /* input of this codec, from the codec below or from the socket */
};

/* A stack with all fields zero has no codec. */
struct stack {
    /* An array of STACK_CODECS_MAX layers. The first layer is next to the socket. NULL: there was
     * no codec yet. */
    struct stack_layer *layers;
    size_t count;       /* number of codecs */
    struct buf decoded; /* decoded bytes for the protocol */
    struct buf plain;   /* bytes from the protocol, not encoded yet */
};

/* Adds a codec above the others. The stack owns the codec afterwards. Decoded bytes that were not
 * read yet become input of the new codec. Must not be called while `plain` contains bytes. */
void stack_push(struct stack *stack, struct codec codec);

/* Removes and frees the uppermost codec. */
void stack_pop(struct stack *stack);

/* Puts back decoded bytes that the protocol has not read. The stack owns the bytes afterwards. */
void stack_put_back(struct stack *stack, struct buf bytes);

/* Puts back decoded bytes after a codec was added: the bytes become input of the uppermost codec.
 * The stack owns the bytes afterwards. */
void stack_put_back_below(struct stack *stack, struct buf bytes);

/* Does one step of decoding, in one codec. If codecs have input waiting, the highest of them
 * decodes a part of its input. If no codec has input waiting, the lowest codec decodes `in`: the
 * bytes that the peer sent (borrowed). Returns how many bytes of `in` were used. Appends to `down`
 * the bytes that must be sent to the peer. */
size_t stack_decode(struct stack *stack, struct span in, struct buf *down);

/* Returns true when stack_decode can do something without more input. */
bool stack_has_pending(const struct stack *stack);

/* Encodes the bytes in `plain` and appends the result to `down`. The peer can decode the whole
 * result without more bytes. */
void stack_encode(struct stack *stack, struct buf *down);

/* Appends to `down` the last bytes that the codecs send before the connection is closed. */
void stack_finish(struct stack *stack, struct buf *down);

/* Returns the first of these states that applies. CODEC_FAILED: a codec has failed, and `*why` is
 * the reason. CODEC_CLOSED: a codec is closed. CODEC_HANDSHAKING: the uppermost codec does its
 * handshake. CODEC_OPEN: none of these. */
enum codec_state stack_state(const struct stack *stack, struct span *why);

/* Returns the size in bytes of the memory for input that was not decoded or not read yet. */
size_t stack_memory(const struct stack *stack);

/* Frees all codecs and bytes. The stack is empty afterwards. */
void stack_clear(struct stack *stack);

/* Does what stack_clear does, then frees the stack itself, which was allocated. NULL is allowed. */
void stack_free(struct stack *stack);

#endif
