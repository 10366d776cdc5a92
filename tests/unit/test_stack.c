/* SPDX-License-Identifier: MIT */
/* Tests of serve/stack.h: codecs above each other, toys and real ones. */
#include "serve/stack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "codec/deflate.h"
#include "codec/snappy.h"
#include "support/codecs.h"

/* --- a toy --------------------------------------------------------------------------------------
 * It puts its letter behind each byte, and takes it off again. What is encoded leaves with a flush.
 * '.' in a letter's place closes, any other letter fails. Decoding keeps what `room` does not let
 * through. With a handshake: the first byte must be '!', and is answered with '?'; else with '-'.
 */

struct toy {
    uint8_t letter;
    enum codec_state state;
    bool half; /* the second half of the last byte is missing */
    struct buf kept;
    struct buf waiting;
    int *alive;
};

static void toy_letter(struct toy *t, uint8_t byte)
{
    t->half = false;
    if (byte != t->letter) {
        t->state = byte == '.' ? CODEC_CLOSED : CODEC_FAILED;
    }
}

static size_t toy_decode(void *self, struct span in, size_t room, struct buf *up, struct buf *down)
{
    struct toy *t = self;
    size_t taken = 0;
    while (taken < in.n && t->state <= CODEC_OPEN) {
        uint8_t byte = in.p[taken++];
        if (t->state == CODEC_HANDSHAKING) {
            t->state = byte == '!' ? CODEC_OPEN : CODEC_FAILED;
            buf_append(down, byte == '!' ? SPAN("?") : SPAN("-"));
        } else if (t->half) {
            toy_letter(t, byte);
        } else {
            buf_append(&t->waiting, span_make(&byte, 1));
            t->half = true;
        }
    }
    struct span part = span_first(buf_span(&t->waiting), room);
    buf_append(up, part);
    buf_drop(&t->waiting, part.n);
    return taken;
}

static void toy_encode(void *self, struct span in, struct buf *down)
{
    struct toy *t = self;
    (void)down;
    assert_int_not_equal(t->state, CODEC_HANDSHAKING);
    for (size_t i = 0; i < in.n; i++) {
        const uint8_t pair[2] = {in.p[i], t->letter};
        buf_append(&t->kept, span_make(pair, 2));
    }
}

static void toy_flush(void *self, struct buf *down)
{
    struct toy *t = self;
    buf_append(down, buf_span(&t->kept));
    buf_free(&t->kept);
}

static void toy_finish(void *self, struct buf *down)
{
    const struct toy *t = self;
    const uint8_t last[2] = {'.', t->letter};
    buf_append(down, span_make(last, 2));
}

static bool toy_has_pending(const void *self)
{
    return ((const struct toy *)self)->waiting.n > 0;
}

static enum codec_state toy_state(const void *self)
{
    return ((const struct toy *)self)->state;
}

static struct span toy_why(const void *self)
{
    return ((const struct toy *)self)->letter == 'a' ? SPAN("a failed") : SPAN("b failed");
}

static void toy_free(void *self)
{
    struct toy *t = self;
    (*t->alive)--;
    buf_free(&t->kept);
    buf_free(&t->waiting);
    alloc_free(t);
}

static const struct codec_calls toy_calls = {
    .decode = toy_decode,
    .encode = toy_encode,
    .flush = toy_flush,
    .finish = toy_finish,
    .has_pending = toy_has_pending,
    .state = toy_state,
    .why = toy_why,
    .free = toy_free,
};

/* --- the set-up ------------------------------------------------------------------------------- */

struct stage {
    struct stack *stack;
    struct buf down;
    int alive; /* how many toys exist */
};

static int set_up(void **state)
{
    struct stage *s = alloc_zeroed(sizeof *s);
    s->stack = alloc_zeroed(sizeof *s->stack);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *s = *state;
    stack_free(s->stack);
    assert_int_equal(s->alive, 0);
    buf_free(&s->down);
    alloc_free(s);
    return 0;
}

static void push(struct stage *s, char letter, enum codec_state state)
{
    struct toy *t = alloc_zeroed(sizeof *t);
    t->letter = (uint8_t)letter;
    t->state = state;
    t->alive = &s->alive;
    s->alive++;
    stack_push(s->stack, (struct codec){&toy_calls, t});
}

/* Decodes until more input is needed. */
static void receive(struct stage *s, struct span in)
{
    size_t taken = 0;
    for (int calls = 0; taken < in.n || stack_has_pending(s->stack); calls++) {
        assert_true(calls < 1000);
        taken += stack_decode(s->stack, span_skip(in, taken), &s->down);
    }
}

static void say(struct stage *s, struct span plain)
{
    buf_append(&s->stack->plain, plain);
    stack_encode(s->stack, &s->down);
    assert_int_equal(s->stack->plain.n, 0);
}

/* Checks all bytes that wait on one side, and removes them. */
static void expect(struct buf *b, const char *text)
{
    assert_true(span_equal(buf_span(b), span_make(text, strlen(text))));
    buf_drop(b, b->n);
}

static void expect_state(struct stage *s, enum codec_state expected, const char *text)
{
    struct span why = SPAN("");
    assert_int_equal(stack_state(s->stack, &why), expected);
    assert_true(span_equal(why, span_make(text, strlen(text))));
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void one_codec(void **state)
{
    struct stage *s = *state;
    push(s, 'a', CODEC_OPEN);
    expect_state(s, CODEC_OPEN, "");
    say(s, SPAN("xy"));
    expect(&s->down, "xaya");
    receive(s, SPAN("1a2a3"));
    expect(&s->stack->decoded, "123");
    receive(s, SPAN("a"));
    expect(&s->stack->decoded, "");
    expect_state(s, CODEC_OPEN, "");
    expect(&s->down, "");
}

/* The codec that was added last is the uppermost one. */
static void two_codecs(void **state)
{
    struct stage *s = *state;
    push(s, 'a', CODEC_OPEN);
    push(s, 'b', CODEC_OPEN);
    say(s, SPAN("x"));
    expect(&s->down, "xaba");
    receive(s, SPAN("1aba2aba"));
    expect(&s->stack->decoded, "12");
}

static void nothing_to_say_is_nothing(void **state)
{
    struct stage *s = *state;
    push(s, 'a', CODEC_OPEN);
    stack_encode(s->stack, &s->down);
    push(s, 'b', CODEC_OPEN);
    stack_encode(s->stack, &s->down);
    assert_int_equal(s->down.n, 0);
}

static void output_is_appended(void **state)
{
    struct stage *s = *state;
    push(s, 'a', CODEC_OPEN);
    say(s, SPAN("x"));
    say(s, SPAN("y"));
    expect(&s->down, "xaya");
}

/* Decoded bytes that were not read become the input of the next codec. */
static void push_moves_what_was_not_read(void **state)
{
    struct stage *s = *state;
    push(s, 'a', CODEC_OPEN);
    receive(s, SPAN("1aba2a"));
    assert_int_equal(s->stack->decoded.n, 3);
    push(s, 'b', CODEC_OPEN);
    assert_int_equal(s->stack->decoded.n, 0);
    assert_true(stack_has_pending(s->stack));
    receive(s, SPAN("ba"));
    expect(&s->stack->decoded, "12");
}

/* Bytes that arrived before there was a codec. */
static void push_upon_the_socket(void **state)
{
    struct stage *s = *state;
    buf_append(&s->stack->decoded, SPAN("1a2a"));
    push(s, 'a', CODEC_OPEN);
    assert_true(stack_has_pending(s->stack));
    receive(s, SPAN("3a"));
    expect(&s->stack->decoded, "123");
    assert_false(stack_has_pending(s->stack));
}

/* The order is kept: bytes in upper codecs are decoded first, and new input waits. */
static void order_when_room_is_short(void **state)
{
    struct stage *s = *state;
    push(s, 'a', CODEC_OPEN);
    push(s, 'b', CODEC_OPEN);
    struct buf in = {0}, expected = {0};
    for (size_t i = 0; i < 3 * STACK_ROOM; i++) {
        const uint8_t wire[4] = {(uint8_t)(i * 31 >> 3), 'a', 'b', 'a'};
        buf_append(&in, span_make(wire, 4));
        buf_append(&expected, span_make(wire, 1));
    }
    size_t taken = 0, calls = 0, most = 0;
    struct buf got = {0};
    while (taken < in.n || stack_has_pending(s->stack)) {
        struct span piece = span_first(span_skip(buf_span(&in), taken), 5000);
        bool pending = stack_has_pending(s->stack);
        size_t n = stack_decode(s->stack, piece, &s->down);
        assert_true(!pending || n == 0);
        taken += n;
        most = s->stack->decoded.n > most ? s->stack->decoded.n : most;
        assert_true(s->stack->layers[1].below.n <= STACK_ROOM);
        buf_append(&got, buf_span(&s->stack->decoded));
        buf_drop(&s->stack->decoded, s->stack->decoded.n);
        assert_true(calls++ < 1000);
    }
    assert_true(most <= STACK_ROOM);
    assert_true(span_equal(buf_span(&got), buf_span(&expected)));
    buf_free(&in);
    buf_free(&got);
    buf_free(&expected);
}

/* --- handshakes ------------------------------------------------------------------------------- */

static void handshake_upon_the_socket(void **state)
{
    struct stage *s = *state;
    push(s, 'a', CODEC_HANDSHAKING);
    expect_state(s, CODEC_HANDSHAKING, "");
    receive(s, SPAN("!"));
    expect_state(s, CODEC_OPEN, "");
    expect(&s->down, "?");
    receive(s, SPAN("1a"));
    expect(&s->stack->decoded, "1");
}

/* A codec's handshake bytes are encoded by the codecs below it, and not by itself. */
static void handshake_upon_a_codec(void **state)
{
    struct stage *s = *state;
    push(s, 'a', CODEC_OPEN);
    push(s, 'b', CODEC_HANDSHAKING);
    expect_state(s, CODEC_HANDSHAKING, "");
    receive(s, SPAN("!a1aba"));
    expect_state(s, CODEC_OPEN, "");
    expect(&s->down, "?a");
    expect(&s->stack->decoded, "1");
}

static void failed_handshake_is_taken_off(void **state)
{
    struct stage *s = *state;
    push(s, 'a', CODEC_OPEN);
    push(s, 'b', CODEC_HANDSHAKING);
    receive(s, SPAN("x"));
    expect_state(s, CODEC_FAILED, "b failed");
    expect(&s->down, "-a");
    stack_pop(s->stack);
    assert_int_equal(s->alive, 1);
    expect_state(s, CODEC_OPEN, "");
    say(s, SPAN("no"));
    expect(&s->down, "naoa");
}

/* After the last codec is removed, bytes pass unchanged. */
static void without_codecs(void **state)
{
    struct stage *s = *state;
    push(s, 'a', CODEC_HANDSHAKING);
    receive(s, SPAN("x"));
    expect(&s->down, "-");
    stack_pop(s->stack);
    expect_state(s, CODEC_OPEN, "");
    assert_false(stack_has_pending(s->stack));
    say(s, SPAN("no"));
    stack_finish(s->stack, &s->down);
    expect(&s->down, "no");
    receive(s, SPAN("in"));
    expect(&s->stack->decoded, "in");
}

/* --- ends ------------------------------------------------------------------------------------- */

static void finish_from_the_top(void **state)
{
    struct stage *s = *state;
    push(s, 'a', CODEC_OPEN);
    push(s, 'b', CODEC_OPEN);
    stack_finish(s->stack, &s->down);
    expect(&s->down, ".aba.a");
}

/* The peer's bytes were bad, but output can still be sent to it: an error frame. */
static void failed_codec_still_says(void **state)
{
    struct stage *s = *state;
    push(s, 'a', CODEC_OPEN);
    push(s, 'b', CODEC_OPEN);
    receive(s, SPAN("1axa2a"));
    expect_state(s, CODEC_FAILED, "b failed");
    expect(&s->stack->decoded, "1");
    say(s, SPAN("x"));
    expect(&s->down, "xaba");
    stack_finish(s->stack, &s->down);
    expect(&s->down, ".aba.a");
}

static void failed_codec_below(void **state)
{
    struct stage *s = *state;
    push(s, 'a', CODEC_OPEN);
    push(s, 'b', CODEC_OPEN);
    receive(s, SPAN("1abaxx"));
    expect_state(s, CODEC_FAILED, "a failed");
    expect(&s->stack->decoded, "1x");
    say(s, SPAN("x"));
    expect(&s->down, "xaba");
}

/* Bytes before the end of the stream are decoded; bytes after it are dropped and take no memory. */
static void input_behind_the_end(void **state)
{
    static const char *const ends[] = {"1aba2a.a3aba", "1abaxa3aba", "1aba2aba4.", "1aba2aba4x"};
    struct stage *s = *state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        push(s, 'a', CODEC_OPEN);
        push(s, 'b', CODEC_OPEN);
        receive(s, span_make(ends[i], strlen(ends[i])));
        receive(s, SPAN("5aba6aba"));
        struct span why;
        assert_true(stack_state(s->stack, &why) > CODEC_OPEN);
        assert_false(stack_has_pending(s->stack));
        assert_true(s->stack->layers[0].below.n == 0 && s->stack->layers[1].below.n <= 5);
        assert_int_equal(s->stack->decoded.p[0], '1');
        assert_true(s->stack->decoded.n <= 3);
        buf_drop(&s->stack->decoded, s->stack->decoded.n);
        stack_pop(s->stack);
        stack_pop(s->stack);
    }
}

static void closed_still_says(void **state)
{
    struct stage *s = *state;
    push(s, 'a', CODEC_OPEN);
    receive(s, SPAN("1."));
    expect_state(s, CODEC_CLOSED, "");
    say(s, SPAN("x"));
    expect(&s->down, "xa");
}

static void free_of_nothing(void **state)
{
    (void)state;
    stack_free(NULL);
}

/* --- real codecs ------------------------------------------------------------------------------ */

/* Snappy above deflate: it cannot be negotiated, but the stack allows it. */
static void deflate_and_snappy(void **state)
{
    (void)state;
    struct stack *here = alloc_zeroed(sizeof *here), *there = alloc_zeroed(sizeof *there);
    struct buf said = {0}, wire = {0}, none = {0}, heard = {0};
    stack_push(here, deflate_codec(1));
    stack_push(here, snappy_codec());
    stack_push(there, deflate_codec(9));
    stack_push(there, snappy_codec());
    for (size_t n = 1; n < 300000; n = n * 3 + 1) {
        struct buf part = {0};
        codecs_make_data(&part, (enum codecs_data)(n % DATA_KINDS), n);
        buf_append(&said, buf_span(&part));
        buf_append(&here->plain, buf_span(&part));
        buf_free(&part);
        stack_encode(here, &wire);
        size_t taken = 0;
        while (taken < wire.n || stack_has_pending(there)) {
            struct span piece = span_first(span_skip(buf_span(&wire), taken), 1000);
            taken += stack_decode(there, piece, &none);
            assert_true(there->decoded.n <= STACK_ROOM);
            buf_append(&heard, buf_span(&there->decoded));
            buf_drop(&there->decoded, there->decoded.n);
        }
        buf_drop(&wire, wire.n);
        assert_true(span_equal(buf_span(&heard), buf_span(&said)));
    }
    assert_int_equal(none.n, 0);
    stack_finish(here, &wire);
    assert_int_equal(wire.n, 0);
    stack_free(here);
    stack_free(there);
    buf_free(&said);
    buf_free(&heard);
    buf_free(&wire);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_codec),
        TEST(two_codecs),
        TEST(nothing_to_say_is_nothing),
        TEST(output_is_appended),
        TEST(push_moves_what_was_not_read),
        TEST(push_upon_the_socket),
        TEST(order_when_room_is_short),
        TEST(handshake_upon_the_socket),
        TEST(handshake_upon_a_codec),
        TEST(failed_handshake_is_taken_off),
        TEST(without_codecs),
        TEST(finish_from_the_top),
        TEST(failed_codec_still_says),
        TEST(failed_codec_below),
        TEST(input_behind_the_end),
        TEST(closed_still_says),
        cmocka_unit_test(free_of_nothing),
        cmocka_unit_test(deflate_and_snappy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
