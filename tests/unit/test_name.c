/* SPDX-License-Identifier: MIT */
/* Tests of nsq/name.h: topic and channel names, decimal parameters. */
#include <nsq/name.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/exact.h"

#define TEN "aaaaaaaaaa"
#define FIFTY TEN TEN TEN TEN TEN

static const struct {
    const char *rule;
    struct span name;
    bool valid;
    bool ephemeral;
} names[] = {
#define ROW(rule, name, ...)                                                                       \
    {                                                                                              \
        rule, SPAN_LITERAL(name), __VA_ARGS__                                                      \
    }
    ROW("0 bytes", "", false, false),
    ROW("1 byte", "a", true, false),
    ROW("2 bytes", "ab", true, false),
    ROW("63 bytes", FIFTY TEN "abc", true, false),
    ROW("64 bytes", FIFTY TEN "abcd", true, false),
    ROW("65 bytes", FIFTY TEN "abcde", false, false),
    ROW("each kind of byte", "azAZ09._-", true, false),
    ROW("dots alone", "..", true, false),

    ROW("the suffix alone", "#ephemeral", false, true),
    ROW("the suffix behind 1 byte", "a#ephemeral", true, true),
    ROW("the suffix within 63 bytes", FIFTY "abc#ephemeral", true, true),
    ROW("the suffix within 64 bytes", FIFTY "abcd#ephemeral", true, true),
    ROW("the suffix within 65 bytes", FIFTY "abcde#ephemeral", false, true),
    ROW("the suffix twice", "a#ephemeral#ephemeral", false, true),
    ROW("the suffix twice and nothing else", "#ephemeral#ephemeral", false, true),
    ROW("the suffix, a byte short", "a#ephemera", false, false),
    ROW("the suffix, its first byte missing", "aephemeral", true, false),
    ROW("a byte short of the suffix alone", "ephemeral", true, false),
    ROW("the suffix and a byte more", "a#ephemerals", false, false),
    ROW("the suffix in capitals", "a#EPHEMERAL", false, false),
    ROW("the suffix in the middle", "a#ephemeral.b", false, false),
    ROW("another suffix", "a#durable", false, false),

    ROW("a wrong first byte", " ab", false, false),
    ROW("a wrong byte in the middle", "a b", false, false),
    ROW("a wrong last byte", "ab ", false, false),
    ROW("a newline at the end is not $", "ab\n", false, false),
    ROW("a NUL", "a\0b", false, false),
    ROW("a NUL at the end", "ab\0", false, false),
    ROW("a wrong last byte before the suffix", "a #ephemeral", false, true),
    ROW("a wrong first byte before the suffix", " a#ephemeral", false, true),
    ROW("UTF-8", "caf\xc3\xa9", false, false),
    ROW("an asterisk", "*", false, false),
#undef ROW
};

static void names_follow_the_pattern(void **state)
{
    const struct exact *wall = *state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct span at_end = exact_at_end(wall, names[i].name);
        bool valid = nsq_name_valid(at_end);
        bool ephemeral = nsq_name_ephemeral(at_end);
        if (valid != names[i].valid || ephemeral != names[i].ephemeral) {
            fail_msg("%s: valid %d, ephemeral %d", names[i].rule, valid, ephemeral);
        }
        struct span at_start = exact_at_start(wall, names[i].name);
        assert_int_equal(nsq_name_valid(at_start), valid);
        assert_int_equal(nsq_name_ephemeral(at_start), ephemeral);
    }
}

static void these_bytes_make_a_name_and_no_others(void **state)
{
    (void)state;
    const char *good = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    for (unsigned byte = 0; byte < 256; byte++) {
        bool expected = memchr(good, (int)byte, 65) != NULL;
        const uint8_t alone = (uint8_t)byte;
        const uint8_t last[2] = {'a', (uint8_t)byte};
        if (nsq_name_valid(span_make(&alone, 1)) != expected ||
            nsq_name_valid(span_make(last, 2)) != expected) {
            fail_msg("byte 0x%02x", byte);
        }
    }
}

static void a_name_that_is_too_long_is_not_read(void **state)
{
    const struct exact *wall = *state;
    assert_false(nsq_name_valid(span_make(wall->end, NSQ_NAME_MAX + 1)));
    assert_false(nsq_name_valid(span_make(wall->end, SIZE_MAX)));
}

static void no_bytes_may_be_nowhere(void **state)
{
    (void)state;
    uint64_t value = 7;
    assert_false(nsq_name_valid(span_make(NULL, 0)));
    assert_false(nsq_name_ephemeral(span_make(NULL, 0)));
    assert_true(nsq_decimal_parse(span_make(NULL, 0), &value));
    assert_int_equal(value, 0);
}

static const struct {
    const char *rule;
    struct span digits;
    bool ok;
    uint64_t value;
} decimals[] = {
#define ROW(rule, digits, ...)                                                                     \
    {                                                                                              \
        rule, SPAN_LITERAL(digits), __VA_ARGS__                                                    \
    }
    ROW("nothing is 0", "", true, 0),
    ROW("0", "0", true, 0),
    ROW("1", "1", true, 1),
    ROW("9", "9", true, 9),
    ROW("10", "10", true, 10),
    ROW("every digit, in order", "1234567890", true, 1234567890),
    ROW("leading zeros", "00000000000000000000007", true, 7),
    ROW("2^63-1", "9223372036854775807", true, INT64_MAX),
    ROW("2^63", "9223372036854775808", true, (uint64_t)INT64_MAX + 1),
    ROW("2^64-2", "18446744073709551614", true, UINT64_MAX - 1),
    ROW("2^64-1", "18446744073709551615", true, UINT64_MAX),
    ROW("2^64 wraps to 0", "18446744073709551616", true, 0),
    ROW("2^64+1 wraps to 1", "18446744073709551617", true, 1),
    ROW("10^20 wraps", "100000000000000000000", true, 7766279631452241920),
    ROW("a plus sign", "+1", false, 0),
    ROW("a minus sign", "-1", false, 0),
    ROW("a leading blank", " 1", false, 0),
    ROW("a trailing blank", "1 ", false, 0),
    ROW("a carriage return", "1\r", false, 0),
    ROW("hexadecimal", "0x1", false, 0),
    ROW("a point", "1.0", false, 0),
    ROW("an underscore", "1_0", false, 0),
    ROW("a NUL", "1\0", false, 0),
    ROW("the byte before '0'", "/", false, 0),
    ROW("the byte behind '9'", ":", false, 0),
    ROW("Arabic-Indic digit one", "\xd9\xa1", false, 0),
    ROW("wrong behind a number that wrapped", "18446744073709551617x", false, 0),
#undef ROW
};

static void decimals_are_digits_and_wrap(void **state)
{
    const struct exact *wall = *state;
    for (size_t i = 0; i < sizeof decimals / sizeof decimals[0]; i++) {
        uint64_t value = 7;
        bool ok = nsq_decimal_parse(exact_at_end(wall, decimals[i].digits), &value);
        if (ok != decimals[i].ok || value != decimals[i].value) {
            fail_msg("%s: ok %d, value %llu", decimals[i].rule, ok, (unsigned long long)value);
        }
    }
}

static void ten_bytes_are_digits_and_no_others(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        const uint8_t digits[2] = {'1', (uint8_t)byte};
        bool expected = byte >= 0x30 && byte <= 0x39;
        uint64_t value = 7;
        assert_int_equal(nsq_decimal_parse(span_make(digits, 2), &value), expected);
        assert_int_equal(value, expected ? 10 + byte - 0x30 : 0);
    }
}

int main(void)
{
    struct exact wall;
    exact_open(&wall, 128);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(names_follow_the_pattern, &wall),
        cmocka_unit_test(these_bytes_make_a_name_and_no_others),
        cmocka_unit_test_prestate(a_name_that_is_too_long_is_not_read, &wall),
        cmocka_unit_test(no_bytes_may_be_nowhere),
        cmocka_unit_test_prestate(decimals_are_digits_and_wrap, &wall),
        cmocka_unit_test(ten_bytes_are_digits_and_no_others),
    };
    int failed = cmocka_run_group_tests_name("name", tests, NULL, NULL);
    exact_close(&wall);
    return failed;
}
