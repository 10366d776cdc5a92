/* SPDX-License-Identifier: MIT */
/* Tests of conform/target_version.h. */
#include "conform/target_version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_version(const char *json, const char *wanted)
{
    struct buf out = {0};
    target_version_of(span_make(json, strlen(json)), &out);
    buf_append(&out, span_make("", 1));
    assert_string_equal((const char *)buf_span(&out).p, wanted);
    buf_free(&out);
}

static void the_version_is_a_string_of_the_answer(void **state)
{
    (void)state;
    assert_version("{\"a\":1,\"version\":\"1.2.0-alpha\"}", "1.2.0-alpha");
    assert_version("{\"version\":1}", "");
    assert_version("{\"a\":{\"version\":\"1\"}}", "");
    assert_version("[\"version\"]", "");
    assert_version("OK", "");
    assert_version("", "");
}

static void a_long_version_is_cut(void **state)
{
    (void)state;
    char json[512] = "{\"version\":\"";
    size_t n = strlen(json);
    memset(json + n, 'v', 300);
    memcpy(json + n + 300, "\"}", 3);
    struct buf out = {0};
    target_version_of(span_make(json, strlen(json)), &out);
    assert_int_equal(out.n, 64);
    buf_free(&out);
}

static void a_server_that_is_not_there_has_no_version(void **state)
{
    (void)state;
    struct buf out = {0};
    target_version("/no/such/socket", SERVER_NSQD, &out);
    assert_int_equal(out.n, 0);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_is_a_string_of_the_answer),
        cmocka_unit_test(a_long_version_is_cut),
        cmocka_unit_test(a_server_that_is_not_there_has_no_version),
    };
    return cmocka_run_group_tests_name("target_version", tests, NULL, NULL);
}
