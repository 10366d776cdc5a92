/* SPDX-License-Identifier: MIT */
/*
 * Owns: the codecs of one connection, each above another, and the bytes between them. The lowest
 * one meets the socket: TLS, when there is TLS. Most stacks have no codec and take little memory.
 * Must not know: protocols and time.
 */
#ifndef SERVE_STACK_H
#define SERVE_STACK_H

#include "codec/codec.h"

#define STACK_CODECS_MAX 2 /* TLS, and snappy or deflate above it */
/* Decoded bytes that wait at a time. Stops a compressed bomb: no more than this is unpacked before
 * the protocol has looked at it. */
#define STACK_ROOM 16384

struct stack_layer {
    struct codec codec;
    struct buf below; /* input for this codec, from the one below it */
};

/* All zeros is a stack without codecs. */
struct stack {
    struct stack_layer
        *layers;        /* STACK_CODECS_MAX of them, from the socket up; NULL: no codec yet */
    size_t count;       /* codecs */
    struct buf decoded; /* for the protocol */
    struct buf plain;   /* from the protocol, not encoded yet */
};

/* Adds a codec, which the stack now owns, above the others. What is decoded and was not read yet
 * becomes input of the new codec. There must be no plain bytes. */
void stack_push(struct stack *stack, struct codec codec);

/* Removes and frees the uppermost codec. */
void stack_pop(struct stack *stack);

/* Gives back decoded bytes (the stack takes them) that the protocol has not read: as decoded, or
 * as input of the uppermost codec, which was added meanwhile. */
void stack_put_back(struct stack *stack, struct buf bytes);
void stack_put_back_below(struct stack *stack, struct buf bytes);

/* Decodes once, at the highest place where there is something to decode. `in` is what the peer sent
 * (borrowed). Returns how many bytes of it were taken. Appends to `down` what must be sent. */
size_t stack_decode(struct stack *stack, struct span in, struct buf *down);

/* Whether stack_decode can do something without more input. */
bool stack_has_pending(const struct stack *stack);

/* Encodes what is plain, so that the peer can decode all of it, and appends it to `down`. */
void stack_encode(struct stack *stack, struct buf *down);

/* Appends to `down` the last bytes that the codecs send. */
void stack_finish(struct stack *stack, struct buf *down);

/* CODEC_HANDSHAKING: the uppermost codec is in its handshake. Otherwise the worst state of any
 * codec: FAILED (then `*why` is the reason), CLOSED, OPEN. */
enum codec_state stack_state(const struct stack *stack, struct span *why);

/* Frees all codecs and bytes; the stack is empty then. stack_free also frees a stack that was
 * allocated; NULL is allowed. */
void stack_clear(struct stack *stack);
void stack_free(struct stack *stack);

#endif
