/* SPDX-License-Identifier: MIT */
/*
 * Tests of how much memory codecs take. An allocator that counts replaces base/alloc.c. (libsnappy
 * allocates memory itself, which is not counted; its functions free it before they return.)
 */
#include "serve/stack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "codec/deflate.h"
#include "codec/snappy.h"
#include "support/codecs.h"

#define MIB ((size_t)1 << 20)
#define IDLE 1024 /* bytes that an idle codec may take */

/* --- the allocator ---------------------------------------------------------------------------- */

static size_t in_use, peak;

/* Precedes each allocation. Its size keeps the allocation aligned. */
union head {
    size_t n;
    max_align_t align;
};

void *alloc_resize(void *p, size_t n)
{
    union head *head = p == NULL ? NULL : (union head *)p - 1;
    in_use += n - (head == NULL ? 0 : head->n);
    peak = in_use > peak ? in_use : peak;
    head = realloc(head, sizeof *head + n);
    assert_non_null(head);
    head->n = n;
    return head + 1;
}

void *alloc_zeroed(size_t n)
{
    void *p = alloc_resize(NULL, n);
    memset(p, 0, n);
    return p;
}

void alloc_free(void *p)
{
    if (p != NULL) {
        union head *head = (union head *)p - 1;
        in_use -= head->n;
        free(head);
    }
}

/* --- the tests -------------------------------------------------------------------------------- */

static struct codec make(bool snappy)
{
    return snappy ? snappy_codec() : deflate_codec(6);
}

/* What a client sends to transfer n zeros. */
static void make_bomb(bool snappy, size_t n, struct buf *wire)
{
    struct codec codec = snappy ? snappy_codec() : deflate_codec(9);
    struct buf said = {0};
    codecs_make_data(&said, DATA_ZEROS, n);
    codecs_encode(codec, buf_span(&said), wire);
    codec.calls->free(codec.self);
    buf_free(&said);
}

static const uint8_t zeros[STACK_ROOM];

/* However well the input was compressed, the output in memory is at most the room, and the codec
 * takes at most what it is charged for. */
static void bomb(bool snappy, size_t piece, size_t cost)
{
    struct buf wire = {0}, down = {0};
    make_bomb(snappy, 4 * MIB, &wire);
    assert_true(wire.n < (snappy ? MIB : 6000));
    peak = in_use;
    size_t before = in_use;
    struct stack *stack = alloc_zeroed(sizeof *stack);
    stack_push(stack, make(snappy));
    size_t taken = 0, got = 0;
    while (taken < wire.n || stack_has_pending(stack)) {
        taken += stack_decode(stack, span_first(span_skip(buf_span(&wire), taken), piece), &down);
        assert_true(stack->decoded.n <= STACK_ROOM && stack->decoded.cap <= STACK_ROOM);
        assert_true(span_equal(buf_span(&stack->decoded), span_make(zeros, stack->decoded.n)));
        got += stack->decoded.n;
        buf_drop(&stack->decoded, stack->decoded.n);
    }
    assert_int_equal(got, 4 * MIB);
    assert_true(peak - before <= sizeof *stack + STACK_ROOM + cost);
    stack_free(stack);
    assert_int_equal(in_use, before);
    buf_free(&wire);
}

static void deflate_bomb(void **state)
{
    (void)state;
    bomb(false, 16384, DEFLATE_COST);
    bomb(false, 100, DEFLATE_COST);
    bomb(false, 65536, DEFLATE_COST);
}

static void snappy_bomb(void **state)
{
    (void)state;
    bomb(true, 16384, SNAPPY_COST);
    bomb(true, 100, SNAPPY_COST);
    bomb(true, 65536, SNAPPY_COST);
}

/* Both directions at the same time, with the worst data. The output belongs to the connection and
 * is sent at once. */
static void cost(bool snappy, size_t charged)
{
    struct buf data = {0}, wire = {0};
    struct codec other = make(snappy);
    codecs_make_data(&data, DATA_NOISE, MIB);
    codecs_encode(other, buf_span(&data), &wire);
    other.calls->free(other.self);
    size_t before = in_use;
    peak = before;
    struct codec codec = make(snappy);
    size_t taken = 0;
    while (taken < wire.n || codec.calls->has_pending(codec.self)) {
        struct span piece = span_first(span_skip(buf_span(&wire), taken), 1000);
        struct buf up = {0}, down = {0};
        taken += codec.calls->decode(codec.self, piece, 1000, &up, &down);
        buf_free(&up);
        codecs_encode(codec, span_first(buf_span(&data), 1000), &down);
        buf_free(&down);
    }
    assert_true(peak - before <= charged);
    assert_true(peak - before > charged / 2); /* and the charge is not far too high */
    codec.calls->free(codec.self);
    assert_int_equal(in_use, before);
    buf_free(&data);
    buf_free(&wire);
}

static void deflate_cost(void **state)
{
    (void)state;
    cost(false, DEFLATE_COST);
}

static void snappy_cost(void **state)
{
    (void)state;
    cost(true, SNAPPY_COST);
}

/* How many bytes a codec uses after it has decoded this. */
static size_t used_after(struct codec codec, struct span in)
{
    size_t before = in_use;
    struct buf up = {0}, down = {0};
    while (in.n > 0 || codec.calls->has_pending(codec.self)) {
        in = span_skip(in, codec.calls->decode(codec.self, in, STACK_ROOM, &up, &down));
    }
    buf_free(&up);
    size_t used = in_use - before;
    codec.calls->free(codec.self);
    return used;
}

static void unused_costs_little(void **state)
{
    (void)state;
    size_t before = in_use;
    struct codec codec = make(false);
    assert_true(in_use - before < IDLE);
    codec.calls->free(codec.self);
    codec = make(true);
    assert_true(in_use - before < IDLE);
    codec.calls->free(codec.self);
    assert_int_equal(in_use, before);
}

/* Between two chunks snappy needs almost no memory. It also needs almost none for a chunk that has
 * only been announced, or that is skipped. */
static void idle_snappy_costs_little(void **state)
{
    (void)state;
    static const char *const starts[] = {"\x01\x04\x00\x01", "\x00\xce\x2a\x01",
                                         "\xfe\xce\x2a\x01"};
    struct buf wire = {0};
    make_bomb(true, MIB, &wire);
    assert_true(used_after(snappy_codec(), buf_span(&wire)) < IDLE);
    for (size_t i = 0; i < 3; i++) {
        struct buf more = {0};
        buf_append(&more, buf_span(&wire));
        buf_append(&more, span_make(starts[i], 4));
        buf_append(&more, SPAN("some"));
        assert_true(used_after(snappy_codec(), buf_span(&more)) < IDLE);
        buf_free(&more);
    }
    buf_append(&wire, SPAN("\xfe\xce\x2a\x01"));
    codecs_make_data(&wire, DATA_NOISE, 76000);
    assert_true(used_after(snappy_codec(), buf_span(&wire)) < IDLE);
    buf_free(&wire);
}

/* A codec that only decodes makes no compressor. */
static void deflate_takes_what_it_uses(void **state)
{
    (void)state;
    struct buf wire = {0};
    make_bomb(false, MIB, &wire);
    assert_true(used_after(deflate_codec(9), buf_span(&wire)) < DEFLATE_COST / 4);
    buf_free(&wire);
}

static int nothing_leaks(void **state)
{
    (void)state;
    assert_int_equal(in_use, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(deflate_bomb, nothing_leaks),
        cmocka_unit_test_teardown(snappy_bomb, nothing_leaks),
        cmocka_unit_test_teardown(deflate_cost, nothing_leaks),
        cmocka_unit_test_teardown(snappy_cost, nothing_leaks),
        cmocka_unit_test_teardown(unused_costs_little, nothing_leaks),
        cmocka_unit_test_teardown(idle_snappy_costs_little, nothing_leaks),
        cmocka_unit_test_teardown(deflate_takes_what_it_uses, nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
