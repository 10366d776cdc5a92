/* SPDX-License-Identifier: MIT */
/* Tests of nsq/span.h: spans, and the big-endian integers of the wire. */
#include <nsq/span.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/exact.h"

static const struct span nothing = {NULL, 0};

static void a_literal_is_its_bytes_without_the_last_nul(void **state)
{
    (void)state;
    assert_int_equal(SPAN("").n, 0);
    assert_int_equal(SPAN("a").n, 1);
    assert_int_equal(SPAN("a\0b").n, 3);
    assert_memory_equal(SPAN("a\0b").p, "a\0b", 3);
}

static void making_keeps_pointer_and_length(void **state)
{
    (void)state;
    const uint8_t bytes[3] = {1, 2, 3};
    struct span s = span_make(bytes, 2);
    assert_ptr_equal(s.p, bytes);
    assert_int_equal(s.n, 2);
}

static void equal_means_same_length_and_bytes(void **state)
{
    (void)state;
    const struct {
        struct span a, b;
        bool equal;
    } rows[] = {
        {nothing, nothing, true},
        {nothing, SPAN(""), true}, /* two empty spans are equal, whatever they point to */
        {SPAN("a"), nothing, false},
        {SPAN("a"), SPAN("a"), true},
        {SPAN("a"), SPAN("A"), false},
        {SPAN("abc"), SPAN("abc"), true},
        {SPAN("abc"), SPAN("abd"), false}, /* the last byte */
        {SPAN("abc"), SPAN("bbc"), false}, /* the first byte */
        {SPAN("abc"), SPAN("ab"), false},  /* a prefix */
        {SPAN("a\0b"), SPAN("a\0c"), false},
        {SPAN("a\0b"), SPAN("a\0b"), true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (span_equal(rows[i].a, rows[i].b) != rows[i].equal ||
            span_equal(rows[i].b, rows[i].a) != rows[i].equal) {
            fail_msg("row %zu", i);
        }
    }
}

static void skip_and_first_cut_in_two(void **state)
{
    (void)state;
    struct span s = SPAN("abc");
    for (size_t n = 0; n <= s.n; n++) {
        assert_int_equal(span_first(s, n).n, n);
        assert_ptr_equal(span_first(s, n).p, s.p);
        assert_int_equal(span_skip(s, n).n, s.n - n);
        assert_ptr_equal(span_skip(s, n).p, s.p + n);
    }
}

static void first_of_more_than_there_is_is_all(void **state)
{
    (void)state;
    assert_true(span_equal(span_first(SPAN("abc"), 4), SPAN("abc")));
    assert_true(span_equal(span_first(SPAN("abc"), SIZE_MAX), SPAN("abc")));
    assert_int_equal(span_first(nothing, 1).n, 0);
}

static void nothing_can_be_cut(void **state)
{
    (void)state;
    assert_null(span_skip(nothing, 0).p);
    assert_int_equal(span_skip(nothing, 0).n, 0);
    assert_null(span_first(nothing, 0).p);
    assert_int_equal(span_first(nothing, 0).n, 0);
}

/* First integers whose bytes are all different, so that a byte in the wrong place is found; then
 * the smallest and largest ones. */
static const struct {
    uint8_t bytes[8];
    uint64_t value;
} integers[] = {
    {{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}, 0x0123456789abcdef},
    {{0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10}, 0xfedcba9876543210},
    {{0}, 0},
    {{0, 0, 0, 0, 0, 0, 0, 1}, 1},
    {{0x80, 0, 0, 0, 0, 0, 0, 0}, 0x8000000000000000},
    {{0, 0, 0, 0, 0x80, 0, 0x80, 0}, 0x80008000},
    {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, UINT64_MAX},
};

static void integers_are_loaded_big_endian_and_no_byte_more(void **state)
{
    const struct exact *wall = *state;
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        const uint8_t *b = integers[i].bytes;
        uint64_t v = integers[i].value;
        assert_true(be64_load(exact_at_end(wall, span_make(b, 8)).p) == v);
        assert_true(be64_load(exact_at_start(wall, span_make(b, 8)).p) == v);
        assert_true(be32_load(exact_at_end(wall, span_make(b + 4, 4)).p) == (uint32_t)v);
        assert_true(be32_load(exact_at_start(wall, span_make(b + 4, 4)).p) == (uint32_t)v);
        assert_true(be16_load(exact_at_end(wall, span_make(b + 6, 2)).p) == (uint16_t)v);
        assert_true(be16_load(exact_at_start(wall, span_make(b + 6, 2)).p) == (uint16_t)v);
    }
}

static void integers_are_stored_big_endian_and_no_byte_more(void **state)
{
    const struct exact *wall = *state;
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        const uint8_t *b = integers[i].bytes;
        uint64_t v = integers[i].value;
        be64_store(exact_room(wall, 8), v);
        assert_memory_equal(wall->end - 8, b, 8);
        assert_int_equal(wall->end[-9], EXACT_CANARY);
        be32_store(exact_room(wall, 4), (uint32_t)v);
        assert_memory_equal(wall->end - 4, b + 4, 4);
        assert_int_equal(wall->end[-5], EXACT_CANARY);
        be16_store(exact_room(wall, 2), (uint16_t)v);
        assert_memory_equal(wall->end - 2, b + 6, 2);
        assert_int_equal(wall->end[-3], EXACT_CANARY);
    }
}

int main(void)
{
    struct exact wall;
    exact_open(&wall, 8);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_is_its_bytes_without_the_last_nul),
        cmocka_unit_test(making_keeps_pointer_and_length),
        cmocka_unit_test(equal_means_same_length_and_bytes),
        cmocka_unit_test(skip_and_first_cut_in_two),
        cmocka_unit_test(first_of_more_than_there_is_is_all),
        cmocka_unit_test(nothing_can_be_cut),
        cmocka_unit_test_prestate(integers_are_loaded_big_endian_and_no_byte_more, &wall),
        cmocka_unit_test_prestate(integers_are_stored_big_endian_and_no_byte_more, &wall),
    };
    int failed = cmocka_run_group_tests_name("span", tests, NULL, NULL);
    exact_close(&wall);
    return failed;
}
