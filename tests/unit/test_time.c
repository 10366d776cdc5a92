/* SPDX-License-Identifier: MIT */
/* Tests of base/time.h: arithmetic on points in time. */
#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void later_is_at_most_the_end_of_time(void **state)
{
    (void)state;
    static const struct {
        int64_t now, d, then;
    } rows[] = {
        {0, 0, 0},
        {0, 1, 1},
        {5, 7, 12},
        {5, -7, -2},
        {0, INT64_MIN, INT64_MIN},
        {INT64_MAX, -1, INT64_MAX - 1},
        {INT64_MAX, 0, TIME_NEVER},
        {INT64_MAX, 1, TIME_NEVER},
        {INT64_MAX, INT64_MAX, TIME_NEVER},
        {0, INT64_MAX, TIME_NEVER},
        {1, INT64_MAX, TIME_NEVER},
        {1, INT64_MAX - 2, INT64_MAX - 1},
        {1, INT64_MAX - 1, TIME_NEVER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (time_after(rows[i].now, rows[i].d) != rows[i].then) {
            fail_msg("row %zu", i);
        }
    }
}

static void the_earlier_of_two(void **state)
{
    (void)state;
    assert_true(time_earlier(1, 2) == 1);
    assert_true(time_earlier(2, 1) == 1);
    assert_true(time_earlier(-1, 0) == -1);
    assert_true(time_earlier(TIME_NEVER, 3) == 3);
    assert_true(time_earlier(TIME_NEVER, TIME_NEVER) == TIME_NEVER);
}

static void units_are_ns(void **state)
{
    (void)state;
    assert_true(TIME_MS == 1000 * 1000);
    assert_true(TIME_SECOND == 1000 * TIME_MS);
    assert_true(TIME_MINUTE == 60 * TIME_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_is_at_most_the_end_of_time),
        cmocka_unit_test(the_earlier_of_two),
        cmocka_unit_test(units_are_ns),
    };
    return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
