/* SPDX-License-Identifier: MIT */
/*
 * Tests of http_target: paths, queries and the Location of redirects, by Go's rules.
 */
#include "http/http_target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

static void expect_path(const char *target, const char *path, const char *query)
{
    struct http_target t;
    assert_true(http_target_parse(&t, text_span(target), false));
    assert_true(span_equal(buf_span(&t.path), text_span(path)));
    assert_true(span_equal(t.query, text_span(query)));
    http_target_free(&t);
}

static void targets_are_split(void **state)
{
    (void)state;
    expect_path("/a/b?c=d?e", "/a/b", "c=d?e");
    expect_path("/%41%2f+?", "/A/+", "");
    expect_path("*", "*", "");
    expect_path("http://host/a?b", "/a", "b");
    expect_path("http://host", "", "");
    struct http_target t;
    assert_false(http_target_parse(&t, SPAN("a"), false));
    assert_false(http_target_parse(&t, SPAN("http:a"), false));
    assert_false(http_target_parse(&t, SPAN("/%4"), false));
    assert_false(http_target_parse(&t, SPAN("/%4g"), false));
    assert_true(http_target_parse(&t, SPAN("host:80"), true));
    assert_int_equal(t.path.n, 0);
}

static void expect_param(const char *query, const char *name, const char *value)
{
    struct buf found = {0};
    assert_true(http_query_valid(text_span(query)));
    assert_int_equal(http_query_find(text_span(query), text_span(name), &found), value != NULL);
    if (value != NULL) {
        assert_true(span_equal(buf_span(&found), text_span(value)));
    }
    buf_free(&found);
}

static void parameters_are_found(void **state)
{
    (void)state;
    expect_param("a=1&b=2&a=3", "a", "1");
    expect_param("a=1&b=2", "b", "2");
    expect_param("a=1", "b", NULL);
    expect_param("", "b", NULL);
    expect_param("&&b", "b", "");
    expect_param("b=x+y%2B=z", "b", "x y+=z");
    expect_param("t%6fpic=1", "topic", "1");
    expect_param("topics=1", "topic", NULL);
    expect_param("=1", "a", NULL);
}

static void some_queries_are_bad(void **state)
{
    (void)state;
    assert_false(http_query_valid(SPAN("a=1;b=2")));
    assert_false(http_query_valid(SPAN("a=%")));
    assert_false(http_query_valid(SPAN("%zz=1")));
}

static void paths_are_cleaned(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", "/"},       {"/", "/"},        {"//", "/"},     {"/a//b", "/a/b"},
        {"/./a", "/a"},  {"/x/../a", "/a"}, {"/../a", "/a"}, {"/a/", "/a/"},
        {"/a/.", "/a/"}, {"/a/..", "/"},    {"a", "/a"},     {"/a/b/../../..", "/"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = {0};
        http_path_clean(&out, text_span(rows[i][0]));
        assert_true(span_equal(buf_span(&out), text_span(rows[i][1])));
        buf_free(&out);
    }
}

static void expect_location(const char *target, const char *path, const char *location)
{
    struct http_target t;
    struct buf out = {0};
    assert_true(http_target_parse(&t, text_span(target), false));
    http_target_location(&out, &t, text_span(path));
    assert_true(span_equal(buf_span(&out), text_span(location)));
    buf_free(&out);
    http_target_free(&t);
}

static void locations_are_escaped(void **state)
{
    (void)state;
    expect_location("/X?a=%20", "/x", "/x?a=%20");
    expect_location("/X", "/x/a b?\"\xff", "/x/a%20b%3F%22%FF");
    expect_location("/X?", "/config/", "/config/?");
    expect_location("http://h/X", "/x", "http://h/x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_split),     cmocka_unit_test(parameters_are_found),
        cmocka_unit_test(some_queries_are_bad),  cmocka_unit_test(paths_are_cleaned),
        cmocka_unit_test(locations_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
