/* SPDX-License-Identifier: MIT */
/* Tests of program/bounds.h: the first and the last good value, the order of rows, and conditions.
 */
#include "program/bounds.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct values {
    int64_t size;
    int64_t wait;
    bool waits;
};

static bool waits(const void *values)
{
    return ((const struct values *)values)->waits;
}

static const struct bound rows[] = {
    {"wait", offsetof(struct values, wait), waits, 2, INT64_MAX, "must be at least 2"},
    {"size", offsetof(struct values, size), NULL, -1, 10, "must be [-1,10]"},
};

static const struct bound *broken(int64_t size, int64_t wait, bool does)
{
    const struct values v = {.size = size, .wait = wait, .waits = does};
    return bounds_broken(rows, sizeof rows / sizeof rows[0], &v);
}

static void both_ends_are_good(void **state)
{
    (void)state;
    assert_null(broken(-1, 2, true));
    assert_null(broken(10, INT64_MAX, true));
    assert_ptr_equal(broken(-2, 2, true), &rows[1]);
    assert_ptr_equal(broken(11, 2, true), &rows[1]);
    assert_ptr_equal(broken(INT64_MIN, 2, true), &rows[1]);
    assert_ptr_equal(broken(0, 1, true), &rows[0]);
}

static void the_first_row_counts(void **state)
{
    (void)state;
    assert_ptr_equal(broken(11, 1, true), &rows[0]);
}

static void a_row_may_not_apply(void **state)
{
    (void)state;
    assert_null(broken(0, 1, false));
    assert_ptr_equal(broken(11, 1, false), &rows[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_are_good),
        cmocka_unit_test(the_first_row_counts),
        cmocka_unit_test(a_row_may_not_apply),
    };
    return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
