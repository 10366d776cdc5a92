/* SPDX-License-Identifier: MIT */
/* Tests of conform/json_subset.h. */
#include "conform/json_subset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bool subset(const char *wanted, const char *got)
{
    return json_subset(span_make(wanted, strlen(wanted)), span_make(got, strlen(got)));
}

static void members_must_be_present_and_equal(void **state)
{
    (void)state;
    const char *got = "{\"n\":1.50,\"s\":\"x\",\"t\":true,\"f\":false,\"z\":null,\"o\":{\"a\":1}}";
    assert_true(subset("{}", got));
    assert_true(subset("{\"n\":1.50,\"s\":\"x\",\"t\":true,\"f\":false}", got));
    assert_false(subset("{\"n\":1.5}", got)); /* the numbers differ */
    assert_false(subset("{\"s\":\"y\"}", got));
    assert_false(subset("{\"s\":1}", got));
    assert_false(subset("{\"t\":false}", got));
    assert_false(subset("{\"missing\":1}", got));
}

static void null_matches_any_value(void **state)
{
    (void)state;
    assert_true(subset("{\"a\":null}", "{\"a\":{\"b\":[1]}}"));
    assert_true(subset("{\"a\":null}", "{\"a\":null}"));
    assert_false(subset("{\"a\":null}", "{\"b\":1}"));
}

static void only_objects_are_compared(void **state)
{
    (void)state;
    assert_false(subset("[1]", "[1]"));
    assert_false(subset("{}", "[]"));
    assert_false(subset("{}", "{"));
    assert_false(subset("", ""));
    assert_false(subset("{\"a\":{}}", "{\"a\":{}}")); /* only scalar members are compared */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_must_be_present_and_equal),
        cmocka_unit_test(null_matches_any_value),
        cmocka_unit_test(only_objects_are_compared),
    };
    return cmocka_run_group_tests_name("json_subset", tests, NULL, NULL);
}
