/* SPDX-License-Identifier: MIT */
/*
 * Owns: the codecs of one connection, one upon the other, and the bytes between them. The lowest
 * meets the socket: TLS, when there is TLS. Must not know: protocols and time.
 */
#ifndef SERVE_STACK_H
#define SERVE_STACK_H

#include "codec/codec.h"

#define STACK_CODECS_MAX 2 /* TLS, and snappy or deflate upon it */
/* Decoded bytes that wait at a time, and with them what a compressed bomb can unpack to before they
 * are looked at. */
#define STACK_ROOM 16384

struct stack {
    struct codec codecs[STACK_CODECS_MAX]; /* from the socket up */
    size_t count;
    struct buf below[STACK_CODECS_MAX]; /* [i]: input of codec i that codec i - 1 gave; [0]: what
                                           came before there was a codec */
    struct buf decoded;                 /* for the protocol */
    struct buf plain;                   /* from the protocol, not encoded yet */
};

/* Puts a codec, which the stack now owns, upon the others. What is decoded and was not read yet is
 * the new codec's input. What is plain must have been encoded. */
void stack_push(struct stack *stack, struct codec codec);

/* Takes the uppermost codec away and frees it. */
void stack_pop(struct stack *stack);

/* Decodes once, at the highest place where there is something to decode. `in` is what the peer sent
 * (borrowed); returns how many bytes of it were taken. Appends to `down` what must be sent. */
size_t stack_decode(struct stack *stack, struct span in, struct buf *down);

/* Whether stack_decode can do something without more input. */
bool stack_has_pending(const struct stack *stack);

/* Encodes what is plain, so that the peer can decode all of it, and appends it to `down`. */
void stack_encode(struct stack *stack, struct buf *down);

/* Appends the last bytes that codecs send. */
void stack_finish(struct stack *stack, struct buf *down);

/* The uppermost codec's state while it is in its handshake; else the worst that befell any: FAILED
 * (`*why` tells), then CLOSED. */
enum codec_state stack_state(const struct stack *stack, struct span *why);

/* Gives everything back, the stack itself too. NULL is allowed. */
void stack_free(struct stack *stack);

#endif
