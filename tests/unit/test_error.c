/* SPDX-License-Identifier: MIT */
/* Tests of nsq/error.h: the name of each code, which errors are fatal, and splitting an error
 * frame. */
#include <nsq/error.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/exact.h"

static const struct {
    enum nsq_error code;
    const char *name;
    bool fatal;
} codes[] = {
    {NSQ_E_NONE, "", false},
    {NSQ_E_INVALID, "E_INVALID", true},
    {NSQ_E_BAD_PROTOCOL, "E_BAD_PROTOCOL", true},
    {NSQ_E_BAD_TOPIC, "E_BAD_TOPIC", true},
    {NSQ_E_BAD_CHANNEL, "E_BAD_CHANNEL", true},
    {NSQ_E_BAD_BODY, "E_BAD_BODY", true},
    {NSQ_E_BAD_MESSAGE, "E_BAD_MESSAGE", true},
    {NSQ_E_IDENTIFY_FAILED, "E_IDENTIFY_FAILED", true},
    {NSQ_E_AUTH_DISABLED, "E_AUTH_DISABLED", true},
    {NSQ_E_AUTH_FAILED, "E_AUTH_FAILED", true},
    {NSQ_E_AUTH_FIRST, "E_AUTH_FIRST", true},
    {NSQ_E_AUTH_ERROR, "E_AUTH_ERROR", true},
    {NSQ_E_UNAUTHORIZED, "E_UNAUTHORIZED", true},
    {NSQ_E_SUB_FAILED, "E_SUB_FAILED", true},
    {NSQ_E_PUB_FAILED, "E_PUB_FAILED", true},
    {NSQ_E_MPUB_FAILED, "E_MPUB_FAILED", true},
    {NSQ_E_DPUB_FAILED, "E_DPUB_FAILED", true},
    {NSQ_E_FIN_FAILED, "E_FIN_FAILED", false},
    {NSQ_E_REQ_FAILED, "E_REQ_FAILED", false},
    {NSQ_E_TOUCH_FAILED, "E_TOUCH_FAILED", false},
};

#define CODES (sizeof codes / sizeof codes[0])

static struct span string(const char *s)
{
    return span_make(s, strlen(s));
}

static void the_table_above_has_every_code_once(void **state)
{
    (void)state;
    assert_int_equal(CODES, NSQ_ERROR_COUNT);
    for (size_t i = 0; i < CODES; i++) {
        assert_int_equal(codes[i].code, i);
    }
}

static void each_code_has_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODES; i++) {
        if (!span_equal(nsq_error_name(codes[i].code), string(codes[i].name))) {
            fail_msg("%s", codes[i].name);
        }
    }
}

static void a_number_out_of_range_has_no_name(void **state)
{
    (void)state;
    assert_int_equal(nsq_error_name(NSQ_ERROR_COUNT).n, 0);
    assert_int_equal(nsq_error_name((enum nsq_error)(NSQ_ERROR_COUNT + 1)).n, 0);
    assert_int_equal(nsq_error_name((enum nsq_error) - 1).n, 0);
}

static void three_codes_and_none_leave_the_connection_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODES; i++) {
        if (nsq_error_is_fatal(codes[i].code) != codes[i].fatal) {
            fail_msg("%s", codes[i].name);
        }
    }
}

static const struct {
    const char *rule;
    struct span data;
    enum nsq_error code;
    struct span text;
} splits[] = {
#define ROW(rule, data, code, text)                                                                \
    {                                                                                              \
        rule, SPAN_LITERAL(data), code, SPAN_LITERAL(text)                                         \
    }
    ROW("code and text", "E_INVALID invalid command X", NSQ_E_INVALID, "invalid command X"),
    ROW("a text of one byte", "E_INVALID x", NSQ_E_INVALID, "x"),
    ROW("an empty text", "E_INVALID ", NSQ_E_INVALID, ""),
    ROW("no text, as E_BAD_PROTOCOL comes", "E_BAD_PROTOCOL", NSQ_E_BAD_PROTOCOL, ""),
    ROW("only the first space is taken", "E_INVALID  x ", NSQ_E_INVALID, " x "),
    ROW("MPUB's doubled code", "E_BAD_TOPIC E_BAD_TOPIC MPUB", NSQ_E_BAD_TOPIC, "E_BAD_TOPIC MPUB"),
    ROW("a text with any bytes", "E_BAD_BODY a\0\xff\n", NSQ_E_BAD_BODY, "a\0\xff\n"),
    ROW("nothing", "", NSQ_E_NONE, ""),
    ROW("a space alone", " ", NSQ_E_NONE, " "),
    ROW("an unknown code", "E_NEW text", NSQ_E_NONE, "E_NEW text"),
    ROW("an unknown code without text", "E_NEW", NSQ_E_NONE, "E_NEW"),
    ROW("a code a byte short", "E_INVALI x", NSQ_E_NONE, "E_INVALI x"),
    ROW("a code a byte long", "E_INVALIDS x", NSQ_E_NONE, "E_INVALIDS x"),
    ROW("lower case", "e_invalid x", NSQ_E_NONE, "e_invalid x"),
    ROW("a space in front", " E_INVALID x", NSQ_E_NONE, " E_INVALID x"),
    ROW("another separator", "E_INVALID\tx", NSQ_E_NONE, "E_INVALID\tx"),
#undef ROW
};

static void an_error_frame_is_split_at_the_first_space(void **state)
{
    const struct exact *wall = *state;
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        struct span data = exact_at_end(wall, splits[i].data);
        struct span text = {NULL, 77};
        enum nsq_error code = nsq_error_split(data, &text);
        if (code != splits[i].code || !span_equal(text, splits[i].text)) {
            fail_msg("%s: code %d, text of %zu bytes", splits[i].rule, (int)code, text.n);
        }
        assert_ptr_equal(text.p + text.n,
                         data.p + data.n); /* it ends where data ends: it is not a copy */
    }
}

static void no_bytes_may_be_nowhere(void **state)
{
    (void)state;
    struct span text = {NULL, 77};
    assert_int_equal(nsq_error_split(span_make(NULL, 0), &text), NSQ_E_NONE);
    assert_int_equal(text.n, 0);
}

static void each_code_comes_back_from_the_wire(void **state)
{
    (void)state;
    for (size_t i = NSQ_E_NONE + 1; i < CODES; i++) {
        char data[64];
        int n = snprintf(data, sizeof data, "%s the text", codes[i].name);
        struct span text;
        assert_int_equal(nsq_error_split(span_make(data, (size_t)n), &text), codes[i].code);
        assert_true(span_equal(text, SPAN("the text")));
        assert_int_equal(nsq_error_split(string(codes[i].name), &text), codes[i].code);
        assert_int_equal(text.n, 0);
    }
}

int main(void)
{
    struct exact wall;
    exact_open(&wall, 64);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_above_has_every_code_once),
        cmocka_unit_test(each_code_has_its_name),
        cmocka_unit_test(a_number_out_of_range_has_no_name),
        cmocka_unit_test(three_codes_and_none_leave_the_connection_open),
        cmocka_unit_test_prestate(an_error_frame_is_split_at_the_first_space, &wall),
        cmocka_unit_test(no_bytes_may_be_nowhere),
        cmocka_unit_test(each_code_comes_back_from_the_wire),
    };
    int failed = cmocka_run_group_tests_name("error", tests, NULL, NULL);
    exact_close(&wall);
    return failed;
}
