/* SPDX-License-Identifier: MIT */
/*
 * Tests of http_routes: the results of httprouter, as seen on upstream's nsqd.
 */
#include "http/http_routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

#define ROW(method_, path_, param_)                                                                \
    {                                                                                              \
        .method = SPAN_LITERAL(method_), .path = SPAN_LITERAL(path_), .has_param = (param_)        \
    }

static const struct http_route rows[] = {
    ROW("GET", "/ping", false),   ROW("POST", "/topic/create", false), ROW("POST", "/pub", false),
    ROW("GET", "/config/", true), ROW("PUT", "/config/", true),
};
static const struct http_routes routes = {rows, sizeof rows / sizeof rows[0]};

static void expect(const char *method, const char *path, enum http_match match, const char *text)
{
    struct http_found found;
    assert_int_equal(http_routes_find(&routes, text_span(method), text_span(path), &found), match);
    assert_true(span_equal(match == HTTP_MATCH_FOUND ? found.param : buf_span(&found.text),
                           text_span(text)));
    buf_free(&found.text);
}

static void routes_are_found(void **state)
{
    (void)state;
    expect("GET", "/ping", HTTP_MATCH_FOUND, "");
    expect("PUT", "/config/a b", HTTP_MATCH_FOUND, "a b");
    expect("GET", "/pong", HTTP_MATCH_NONE, "");
    expect("GET", "/config/", HTTP_MATCH_NONE, "");
    expect("GET", "/config", HTTP_MATCH_NONE, "");
    expect("GET", "/config/a/b", HTTP_MATCH_NONE, "");
    expect("GET", "/", HTTP_MATCH_NONE, "");
    expect("GET", "", HTTP_MATCH_NONE, "");
    expect("GET", "//", HTTP_MATCH_NONE, "");
}

static void paths_are_redirected(void **state)
{
    (void)state;
    expect("GET", "/ping/", HTTP_MATCH_REDIRECT, "/ping");
    expect("GET", "/PING", HTTP_MATCH_REDIRECT, "/ping");
    expect("GET", "//ping", HTTP_MATCH_REDIRECT, "/ping");
    expect("GET", "/x/../ping//", HTTP_MATCH_REDIRECT, "/ping");
    expect("POST", "/Topic/CREATE/", HTTP_MATCH_REDIRECT, "/topic/create");
    expect("GET", "/CONFIG/Ab", HTTP_MATCH_REDIRECT, "/config/Ab");
    expect("GET", "/config/Ab/", HTTP_MATCH_REDIRECT, "/config/Ab");
    expect("GET", "/config//", HTTP_MATCH_REDIRECT, "/config/");
    expect("GET", "/config//x", HTTP_MATCH_REDIRECT, "/config/x");
    expect("POST", "/ping/", HTTP_MATCH_NONE, ""); /* not for another method */
}

static void methods_are_named(void **state)
{
    (void)state;
    expect("POST", "/ping", HTTP_MATCH_NOT_ALLOWED, "GET, OPTIONS");
    expect("POST", "/config/x", HTTP_MATCH_NOT_ALLOWED, "GET, OPTIONS, PUT");
    expect("OPTIONS", "/config/x", HTTP_MATCH_OPTIONS, "GET, OPTIONS, PUT");
    expect("OPTIONS", "/x", HTTP_MATCH_NONE, "");
    expect("GET", "*", HTTP_MATCH_NOT_ALLOWED, "GET, OPTIONS, POST, PUT");
}

static void a_table_has_few_methods(void **state)
{
    (void)state;
    static const struct http_route many[] = {
        ROW("A", "/", false), ROW("B", "/", false),  ROW("C", "/", false),
        ROW("D", "/", false), ROW("E", "/", false),  ROW("F", "/", false),
        ROW("G", "/", false), ROW("AA", "/", false), ROW("I", "/", false),
    };
    struct http_found found;
    assert_int_equal(http_routes_find(&(struct http_routes){many, 9}, SPAN("X"), SPAN("/"), &found),
                     HTTP_MATCH_NOT_ALLOWED);
    assert_true(span_equal(buf_span(&found.text), SPAN("A, AA, B, C, D, E, F, G")));
    buf_free(&found.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_are_found),
        cmocka_unit_test(paths_are_redirected),
        cmocka_unit_test(methods_are_named),
        cmocka_unit_test(a_table_has_few_methods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
