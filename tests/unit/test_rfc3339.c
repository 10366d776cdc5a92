/* SPDX-License-Identifier: MIT */
/* Tests of auth/rfc3339.h. */
#include "auth/rfc3339.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool is_time(const char *text)
{
    return rfc3339_is_time(span_make(text, strlen(text)));
}

static void times_are_accepted(void **state)
{
    (void)state;
    static const char *const times[] = {
        "2006-01-02T15:04:05Z",           "2020-02-29T23:59:59.25+01:30",
        "2000-02-29T00:00:00,123456789Z", "0000-12-31T00:00:00-23:59",
        "9999-04-30T23:59:59.0Z",
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        assert_true(is_time(times[i]));
    }
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2021-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2021-00-01T00:00:00Z",
        "2021-13-01T00:00:00Z",
        "2021-01-00T00:00:00Z",
        "2021-01-32T00:00:00Z",
        "2021-04-31T00:00:00Z",
        "2021-02-28T24:00:00Z",
        "2021-02-28T00:60:00Z",
        "2021-02-28T00:00:60Z",
        "2021-02-28T00:00:00",
        "2021-02-28T00:00:00.Z",
        "2021-02-28T00:00:00.1",
        "2021-02-28t00:00:00Z",
        "2021-02-28T00:00:00z",
        "2021-02-28T00:00:00+24:00",
        "2021-02-28T00:00:00+00:60",
        "2021-02-28T00:00:00+0000",
        "2021-02-28T00:00:00 00:00",
        "2021-02-28T00:00:00Zx",
        "2021-2-28T00:00:00.00Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(is_time(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_accepted),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
