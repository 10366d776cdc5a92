/* SPDX-License-Identifier: MIT */
/* Tests of base/budget.h: the account of memory. */
#include "base/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void there_is_room_up_to_the_cap(void **state)
{
    (void)state;
    static const struct {
        size_t used, cap, n;
        bool room;
    } rows[] = {
        {0, 0, 0, true},
        {0, 0, 1, false},
        {0, 10, 9, true},
        {0, 10, 10, true},
        {0, 10, 11, false},
        {4, 10, 5, true},
        {4, 10, 6, true},
        {4, 10, 7, false},
        {10, 10, 0, true},
        {10, 10, 1, false},
        {11, 10, 0, false}, /* passed by bookkeeping */
        {11, 10, 1, false},
        {11, 10, SIZE_MAX, false},
        {1, SIZE_MAX, SIZE_MAX - 1, true},
        {1, SIZE_MAX, SIZE_MAX, false},
        {SIZE_MAX, SIZE_MAX, 0, true},
        {SIZE_MAX, SIZE_MAX, 1, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct budget b = {.used = rows[i].used, .cap = rows[i].cap};
        if (budget_has_room(&b, rows[i].n) != rows[i].room) {
            fail_msg("row %zu", i);
        }
    }
}

static void charges_come_back(void **state)
{
    (void)state;
    struct budget b = {.cap = 10};
    budget_charge(&b, 7);
    assert_int_equal(b.used, 7);
    budget_charge(&b, 7); /* without asking */
    assert_int_equal(b.used, 14);
    budget_release(&b, 4);
    assert_int_equal(b.used, 10);
    budget_release(&b, 10);
    assert_int_equal(b.used, 0);
    budget_release(&b, 0);
    assert_int_equal(b.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_room_up_to_the_cap),
        cmocka_unit_test(charges_come_back),
    };
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
