/* SPDX-License-Identifier: MIT */
/*
 * Passes bytes from codec to codec. Must not know what a codec does, or when input is read.
 */
#include "serve/stack.h"

#include <assert.h>

#include "base/alloc.h"

void stack_push(struct stack *stack, struct codec codec)
{
    assert(stack->count < STACK_CODECS_MAX && stack->plain.n == 0);
    if (stack->layers == NULL) {
        stack->layers = alloc_zeroed(STACK_CODECS_MAX * sizeof *stack->layers);
    }
    stack->layers[stack->count++] = (struct stack_layer){codec, stack->decoded};
    stack->decoded = (struct buf){0};
}

void stack_pop(struct stack *stack)
{
    assert(stack->count > 0);
    struct stack_layer *layer = &stack->layers[--stack->count];
    layer->codec.calls->free(layer->codec.self);
    buf_free(&layer->below);
}

void stack_put_back(struct stack *stack, struct buf bytes)
{
    assert(stack->decoded.n == 0);
    buf_free(&stack->decoded);
    stack->decoded = bytes;
}

void stack_put_back_below(struct stack *stack, struct buf bytes)
{
    struct stack_layer *layer = &stack->layers[stack->count - 1];
    assert(layer->below.n == 0);
    buf_free(&layer->below);
    layer->below = bytes;
}

/* Encodes `bytes` with all codecs below codec number `count`, and appends the result to `down`.
 * Frees `bytes`. */
static void carry(struct stack *stack, size_t count, struct buf *bytes, struct buf *down)
{
    for (size_t i = count; i-- > 0 && bytes->n > 0;) {
        const struct codec *codec = &stack->layers[i].codec;
        struct buf encoded = {0};
        codec->calls->encode(codec->self, buf_span(bytes), &encoded);
        codec->calls->flush(codec->self, &encoded);
        buf_free(bytes);
        *bytes = encoded;
    }
    buf_append(down, buf_span(bytes));
    buf_free(bytes);
}

/* --- input ------------------------------------------------------------------------------------ */

static bool codec_lives(const struct codec *codec)
{
    return codec->calls->state(codec->self) <= CODEC_OPEN;
}

/* Returns true when codec i can decode something without new input from the peer. */
static bool can_decode(const struct stack *stack, size_t i)
{
    const struct codec *codec = &stack->layers[i].codec;
    return stack->layers[i].below.n > 0 || codec->calls->has_pending(codec->self);
}

static size_t decode_at(struct stack *stack, size_t i, struct span in, struct buf *down)
{
    const struct codec *codec = &stack->layers[i].codec;
    bool highest = i + 1 == stack->count;
    struct buf *up = highest ? &stack->decoded : &stack->layers[i + 1].below;
    struct buf answer = {0};
    size_t taken = codec->calls->decode(codec->self, in, STACK_ROOM, up, &answer);
    carry(stack, i, &answer, down);
    return taken;
}

/* Codecs are tried from the highest to the lowest, because decoded bytes leave the stack at its
 * top. Input of a codec that was closed or has failed is dropped and not decoded. */
size_t stack_decode(struct stack *stack, struct span in, struct buf *down)
{
    for (size_t i = stack->count; i-- > 0;) {
        if (!codec_lives(&stack->layers[i].codec)) {
            return in.n;
        }
        if (can_decode(stack, i)) {
            struct buf *below = &stack->layers[i].below;
            buf_drop(below, decode_at(stack, i, buf_span(below), down));
            return 0;
        }
    }
    if (stack->count > 0) {
        return decode_at(stack, 0, in, down);
    }
    buf_append(&stack->decoded, in); /* the only codec was removed */
    return in.n;
}

bool stack_has_pending(const struct stack *stack)
{
    for (size_t i = stack->count; i-- > 0 && codec_lives(&stack->layers[i].codec);) {
        if (can_decode(stack, i)) {
            return true;
        }
    }
    return false;
}

enum codec_state stack_state(const struct stack *stack, struct span *why)
{
    enum codec_state worst = CODEC_OPEN;
    for (size_t i = 0; i < stack->count; i++) {
        const struct codec *codec = &stack->layers[i].codec;
        enum codec_state state = codec->calls->state(codec->self);
        if (state == CODEC_FAILED) {
            *why = codec->calls->why(codec->self);
            return CODEC_FAILED;
        }
        if (state == CODEC_CLOSED || (state == CODEC_HANDSHAKING && worst == CODEC_OPEN)) {
            worst = state;
        }
    }
    return worst;
}

/* --- output ----------------------------------------------------------------------------------- */

void stack_encode(struct stack *stack, struct buf *down)
{
    carry(stack, stack->count, &stack->plain, down);
}

void stack_finish(struct stack *stack, struct buf *down)
{
    for (size_t i = stack->count; i-- > 0;) {
        const struct codec *codec = &stack->layers[i].codec;
        struct buf last = {0};
        codec->calls->finish(codec->self, &last);
        carry(stack, i, &last, down);
    }
}

size_t stack_memory(const struct stack *stack)
{
    size_t n = stack->decoded.n == 0 ? 0 : stack->decoded.cap;
    for (size_t i = 0; i < stack->count; i++) {
        const struct buf *below = &stack->layers[i].below;
        n += below->n == 0 ? 0 : below->cap;
    }
    return n;
}

void stack_clear(struct stack *stack)
{
    while (stack->count > 0) {
        stack_pop(stack);
    }
    buf_free(&stack->decoded);
    buf_free(&stack->plain);
    alloc_free(stack->layers);
    stack->layers = NULL;
}

void stack_free(struct stack *stack)
{
    if (stack != NULL) {
        stack_clear(stack);
        alloc_free(stack);
    }
}
