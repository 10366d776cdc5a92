/* SPDX-License-Identifier: MIT */
/* Tests of base/text.h: numbers as decimal text, and comparing text without regard to case. */
#include "base/text.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t signed_values[] = {
    0,
    1,
    9,
    10,
    11,
    99,
    100,
    -1,
    -9,
    -10,
    -11,
    1000000000,
    INT32_MAX,
    INT32_MIN,
    INT64_MAX,
    INT64_MIN,
    INT64_MAX - 1,
    INT64_MIN + 1,
};

static const uint64_t unsigned_values[] = {
    0, 9, 10, 11, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1, UINT64_MAX,
};

static void signed_numbers_are_written_as_printf_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof signed_values / sizeof signed_values[0]; i++) {
        char expected[32];
        char out[TEXT_DECIMAL_MAX];
        int n = snprintf(expected, sizeof expected, "%" PRId64, signed_values[i]);
        struct span got = text_decimal(out, signed_values[i]);
        assert_true(span_equal(got, span_make(expected, (size_t)n)));
        assert_true((const char *)got.p >= out);
        assert_ptr_equal(got.p + got.n, out + TEXT_DECIMAL_MAX);
    }
}

static void the_longest_number_fills_its_array(void **state)
{
    (void)state;
    char out[TEXT_DECIMAL_MAX];
    assert_int_equal(text_decimal(out, INT64_MIN).n, TEXT_DECIMAL_MAX);
}

static void numbers_and_literals_are_appended(void **state)
{
    (void)state;
    struct buf b = {0};
    for (size_t i = 0; i < sizeof signed_values / sizeof signed_values[0]; i++) {
        char expected[32];
        int n = snprintf(expected, sizeof expected, "<%" PRId64 ">", signed_values[i]);
        text_append(&b, "<");
        text_append_decimal(&b, signed_values[i]);
        text_append(&b, ">");
        assert_true(span_equal(buf_span(&b), span_make(expected, (size_t)n)));
        buf_drop(&b, b.n);
    }
    for (size_t i = 0; i < sizeof unsigned_values / sizeof unsigned_values[0]; i++) {
        char expected[32];
        int n = snprintf(expected, sizeof expected, "%" PRIu64, unsigned_values[i]);
        text_append_unsigned(&b, unsigned_values[i]);
        assert_true(span_equal(buf_span(&b), span_make(expected, (size_t)n)));
        buf_drop(&b, b.n);
    }
    buf_free(&b);
}

static bool same(const char *a, const char *b)
{
    return text_equal_any_case(text_span(a), text_span(b));
}

static void only_the_case_of_ascii_letters_may_differ(void **state)
{
    (void)state;
    assert_true(same("", ""));
    assert_true(same("AbyZ-09_", "aByz-09_"));
    assert_false(same("ab", "abc"));
    assert_false(same("abc", "ab"));
    assert_false(same("", "a"));
    assert_false(same("abc", "abd"));
    assert_false(same("xbc", "abc"));
    for (unsigned c = 0; c < 256; c++) { /* no other byte equals another one */
        const uint8_t a = (uint8_t)c;
        bool upper = c >= 'A' && c <= 'Z';
        bool lower = c >= 'a' && c <= 'z';
        assert_int_equal(text_lower(a), upper ? c + 32 : c);
        for (unsigned d = 0; d < 256; d++) {
            const uint8_t b = (uint8_t)d;
            bool equal = c == d || (upper && d == c + 32) || (lower && d == c - 32);
            assert_int_equal(text_equal_any_case(span_make(&a, 1), span_make(&b, 1)), equal);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_numbers_are_written_as_printf_does),
        cmocka_unit_test(the_longest_number_fills_its_array),
        cmocka_unit_test(numbers_and_literals_are_appended),
        cmocka_unit_test(only_the_case_of_ascii_letters_may_differ),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
