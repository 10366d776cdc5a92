/* SPDX-License-Identifier: MIT */
/* Tests of serve/output.h: own bytes and references leave in order, at every cut. */
#include "serve/output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define REFS 4

/* What stores the bytes of the references. Counts how often each was released. */
struct store {
    unsigned released[REFS];
};

static char names[REFS] = {0, 1, 2, 3};

static void release(void *service, void *held)
{
    struct store *store = service;
    store->released[(size_t) * (char *)held]++;
}

/* "a" <one> "bc" <two><three> "d" <four> */
static void fill(struct output *o)
{
    output_append(o, SPAN("a"));
    output_refer(o, SPAN("ONE"), &names[0]);
    output_append(o, SPAN("b"));
    output_append(o, SPAN("c"));
    output_refer(o, SPAN("TWO"), &names[1]);
    output_refer(o, SPAN("THREE"), &names[2]);
    output_append(o, SPAN("d"));
    output_refer(o, SPAN("FOUR"), &names[3]);
    output_append(o, SPAN("e"));
}

#define ALL "aONEbcTWOTHREEdFOURe"

static void expect_bytes(const struct output *o, struct span expected, size_t most)
{
    struct span spans[16];
    struct buf got = {0};
    size_t count = output_fill(o, spans, most);
    assert_in_range(count, expected.n > 0, most);
    for (size_t i = 0; i < count; i++) {
        assert_true(spans[i].n > 0);
        buf_append(&got, spans[i]);
    }
    assert_in_range(got.n, 0, expected.n);
    assert_true(span_equal(buf_span(&got), span_first(expected, got.n)));
    if (most == 16) {
        assert_int_equal(got.n, expected.n);
    }
    buf_free(&got);
}

static void bytes_leave_in_order_at_every_cut(void **state)
{
    (void)state;
    struct span all = SPAN(ALL);
    for (size_t step = 1; step <= all.n; step++) {
        struct store store = {{0}};
        struct output o = {0};
        fill(&o);
        for (size_t at = 0; at < all.n;) {
            assert_int_equal(o.n, all.n - at);
            for (size_t most = 1; most <= 16; most++) {
                expect_bytes(&o, span_skip(all, at), most);
            }
            size_t n = span_first(span_skip(all, at), step).n;
            output_drop(&o, n, release, &store);
            at += n;
            assert_int_equal(store.released[0], at >= 4);
            assert_int_equal(store.released[1], at >= 9);
            assert_int_equal(store.released[2], at >= 14);
            assert_int_equal(store.released[3], at >= 19);
        }
        assert_int_equal(o.n, 0);
        assert_int_equal(output_memory(&o), 0);
        expect_bytes(&o, span_make(NULL, 0), 16);
        output_free(&o, release, &store);
        assert_int_equal(store.released[3], 1);
    }
}

static void what_is_left_is_released_once(void **state)
{
    (void)state;
    struct store store = {{0}};
    struct output o = {0};
    fill(&o);
    assert_in_range(output_memory(&o), 5 + REFS * sizeof(struct output_ref), 1024);
    output_drop(&o, 5, release, &store);
    output_free(&o, release, &store);
    for (size_t i = 0; i < REFS; i++) {
        assert_int_equal(store.released[i], 1);
    }
    assert_int_equal(o.n, 0);
}

/* A codec writes into the buffer of the own bytes. */
static void own_bytes_may_be_appended_in_place(void **state)
{
    (void)state;
    struct store store = {{0}};
    struct output o = {0};
    output_refer(&o, SPAN("ONE"), &names[0]);
    buf_append(&o.own, SPAN("two"));
    output_own_grew(&o, 3);
    expect_bytes(&o, SPAN("ONEtwo"), 16);
    output_free(&o, release, &store);
    assert_int_equal(store.released[0], 1);
}

static void without_references_nothing_is_released(void **state)
{
    (void)state;
    struct output o = {0};
    output_append(&o, SPAN("own"));
    output_drop(&o, 1, NULL, NULL);
    expect_bytes(&o, SPAN("wn"), 16);
    output_free(&o, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_leave_in_order_at_every_cut),
        cmocka_unit_test(what_is_left_is_released_once),
        cmocka_unit_test(own_bytes_may_be_appended_in_place),
        cmocka_unit_test(without_references_nothing_is_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
