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
    return json_subset(span_make(wanted, strlen(wanted)), span_make(got, strlen(got)),
                       JSON_ARRAYS_HAVE_ORDER);
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
}

static void values_inside_are_compared(void **state)
{
    (void)state;
    const char *got = "{\"o\":{\"a\":1,\"b\":[]},\"l\":[{\"a\":1,\"b\":2},[3]]}";
    assert_true(subset("{\"o\":{}}", got));
    assert_true(subset("{\"o\":{\"b\":[],\"a\":1},\"l\":[{\"b\":2},null]}", got));
    assert_true(subset("{\"l\":[null,[3]]}", got));
    assert_false(subset("{\"o\":{\"a\":2}}", got));
    assert_false(subset("{\"o\":{\"c\":null}}", got));
    assert_false(subset("{\"o\":[]}", got));
    assert_false(subset("{\"l\":{}}", got));
    assert_false(subset("{\"l\":[null]}", got));
    assert_false(subset("{\"l\":[null,[3,4]]}", got));
    assert_false(subset("{\"l\":[[3],{\"a\":1}]}", got));
}

static void assert_differs(const char *wanted, const char *got, const char *lines)
{
    struct buf out = {0};
    json_differences(span_make(wanted, strlen(wanted)), span_make(got, strlen(got)),
                     JSON_ARRAYS_HAVE_ORDER, &out);
    buf_append(&out, span_make("", 1));
    assert_string_equal((const char *)buf_span(&out).p, lines);
    buf_free(&out);
}

static void each_member_that_differs_has_its_line(void **state)
{
    (void)state;
    assert_differs("{\"l\":[null,{\"x\":{\"d\":1}}],\"m\":[]}",
                   "{\"l\":[0,{\"x\":{\"d\":2}}],\"m\":[1]}",
                   "l[1].x.d: expected 1, came 2\nm: expected an array of 0, came an array of 1\n");
    assert_differs("{\"max_rdy_count\":2500,\"a\":1}", "{\"a\":1,\"max_rdy_count\":2000}",
                   "max_rdy_count: expected 2500, came 2000\n");
    assert_differs("{\"s\":\"x\",\"t\":true,\"z\":null}", "{\"s\":\"y\\n\",\"t\":{\"u\":[1]}}",
                   "s: expected \"x\", came \"y\\n\"\n"
                   "t: expected true, came an object\n"
                   "z: expected any value, but this member is missing\n");
    assert_differs("{\"f\":false,\"l\":1.5}", "{\"f\":null,\"l\":[]}",
                   "f: expected false, came null\nl: expected 1.5, came an array of 0\n");
    assert_differs("{\"a\":1}", "{\"a\":1}", "");
    assert_differs("{\"a\":1}", "OK", "this is not a JSON object\n");
    assert_differs("{\"a\":1}", "[1]", "this is not a JSON object\n");
}

static void a_long_value_is_cut(void **state)
{
    (void)state;
    char got[1024] = "{\"a\":\"";
    size_t n = strlen(got);
    memset(got + n, 'x', 500);
    memcpy(got + n + 500, "\"}", 3);
    struct buf out = {0};
    json_differences(SPAN("{\"a\":1}"), span_make(got, strlen(got)), JSON_ARRAYS_HAVE_ORDER, &out);
    assert_true(out.n < 200);
    buf_free(&out);
}

/* As sets, in which the order of an array does not count. */
static bool subset_of_sets(const char *wanted, const char *got)
{
    return json_subset(span_make(wanted, strlen(wanted)), span_make(got, strlen(got)),
                       JSON_ARRAYS_ARE_SETS);
}

static void arrays_may_be_sets(void **state)
{
    (void)state;
    assert_true(subset_of_sets("{\"a\":[1,2,3]}", "{\"a\":[3,1,2]}"));
    assert_true(subset_of_sets("{\"a\":[{\"b\":[1,2]},{\"b\":[]}]}",
                               "{\"a\":[{\"b\":[],\"c\":1},{\"b\":[2,1]}]}"));
    assert_true(subset_of_sets("{\"a\":[1,null]}", "{\"a\":[2,1]}"));
    assert_false(subset("{\"a\":[1,2]}", "{\"a\":[2,1]}"));
    assert_false(subset_of_sets("{\"a\":[1,1]}", "{\"a\":[1,2]}")); /* each value counts once */
    assert_false(subset_of_sets("{\"a\":[1]}", "{\"a\":[1,1]}"));
    assert_false(subset_of_sets("{\"a\":[1]}", "{\"a\":1}"));
}

static void a_very_long_set_does_not_match(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_append(&text, SPAN("{\"a\":[0"));
    for (size_t i = 0; i < JSON_SET_MAX; i++) {
        buf_append(&text, SPAN(",0"));
    }
    buf_append(&text, SPAN("]}"));
    assert_false(json_subset(buf_span(&text), buf_span(&text), JSON_ARRAYS_ARE_SETS));
    assert_true(json_subset(buf_span(&text), buf_span(&text), JSON_ARRAYS_HAVE_ORDER));
    buf_free(&text);
}

static void missing_values_of_a_set_are_named(void **state)
{
    (void)state;
    struct buf out = {0};
    json_differences(SPAN("{\"a\":[1,\"x\",2],\"b\":[1]}"), SPAN("{\"a\":[2,1,3],\"b\":[2]}"),
                     JSON_ARRAYS_ARE_SETS, &out);
    buf_append(&out, span_make("", 1));
    assert_string_equal((const char *)buf_span(&out).p,
                        "a[1]: expected \"x\", but this member is missing\n"
                        "b[0]: expected 1, came 2\n");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_must_be_present_and_equal),
        cmocka_unit_test(null_matches_any_value),
        cmocka_unit_test(only_objects_are_compared),
        cmocka_unit_test(values_inside_are_compared),
        cmocka_unit_test(each_member_that_differs_has_its_line),
        cmocka_unit_test(a_long_value_is_cut),
        cmocka_unit_test(arrays_may_be_sets),
        cmocka_unit_test(a_very_long_set_does_not_match),
        cmocka_unit_test(missing_values_of_a_set_are_named),
    };
    return cmocka_run_group_tests_name("json_subset", tests, NULL, NULL);
}
