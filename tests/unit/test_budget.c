/* SPDX-License-Identifier: MIT */
/* Tests of base/budget.h: the memory budget. */
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
        {11, 10, 0, false}, /* above the bound by bookkeeping */
        {11, 10, 1, false},
        {11, 10, SIZE_MAX, false},
        {1, SIZE_MAX, SIZE_MAX - 1, true},
        {1, SIZE_MAX, SIZE_MAX, false},
        {SIZE_MAX, SIZE_MAX, 0, true},
        {SIZE_MAX, SIZE_MAX, 1, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct budget b = {.used = rows[i].used, .cap = rows[i].cap};
        for (int use = BUDGET_QUEUE; use <= BUDGET_CLIENT; use++) { /* there is no reserve */
            if (budget_has_room(&b, (enum budget_use)use, rows[i].n) != rows[i].room) {
                fail_msg("row %zu", i);
            }
        }
    }
}

static void clients_have_a_reserve_above_the_cap(void **state)
{
    (void)state;
    static const struct {
        size_t used, n;
        bool queue, client;
    } rows[] = {
        {0, 80, true, true},  {0, 81, false, true},  {0, 90, false, true},  {0, 91, false, false},
        {80, 0, true, true},  {80, 1, false, true},  {80, 10, false, true}, {80, 11, false, false},
        {81, 0, false, true}, /* what clients use counts for publishers too */
        {90, 0, false, true}, {90, 1, false, false}, {91, 0, false, false}, /* above the bound by
                                                                             * bookkeeping
                                                                             */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct budget b = budget_of_cap(80);
        b.used = rows[i].used;
        if (budget_has_room(&b, BUDGET_QUEUE, rows[i].n) != rows[i].queue ||
            budget_has_room(&b, BUDGET_CLIENT, rows[i].n) != rows[i].client) {
            fail_msg("row %zu", i);
        }
    }
}

static void the_reserve_is_an_eighth(void **state)
{
    (void)state;
    static const size_t rows[][2] = {
        {0, 0},
        {7, 0},
        {8, 1},
        {80, 10},
        {SIZE_MAX / 9 * 8, SIZE_MAX / 9},
        {SIZE_MAX - 1, 1},
        {SIZE_MAX, 0}, /* cap and reserve together fit a size_t */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct budget b = budget_of_cap(rows[i][0]);
        assert_int_equal(b.used, 0);
        assert_int_equal(budget_bound(&b, BUDGET_QUEUE), rows[i][0]);
        assert_int_equal(budget_bound(&b, BUDGET_CLIENT), rows[i][0] + rows[i][1]);
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

static void names_have_a_quarter(void **state)
{
    (void)state;
    struct budget b = budget_of_cap(83);
    assert_int_equal(b.names_most, 20);
    budget_charge_name(&b, 13);
    assert_int_equal(b.used, 13);
    assert_int_equal(b.names, 13);
    assert_true(budget_has_room_for_name(&b, BUDGET_QUEUE, 7));
    assert_false(budget_has_room_for_name(&b, BUDGET_QUEUE, 8));
    assert_false(budget_has_room_for_name(&b, BUDGET_CLIENT, 8));
    budget_charge(&b, 64); /* 6 are left under the cap, and 10 in the reserve */
    assert_true(budget_has_room_for_name(&b, BUDGET_QUEUE, 6));
    assert_false(budget_has_room_for_name(&b, BUDGET_QUEUE, 7));
    assert_true(budget_has_room_for_name(&b, BUDGET_CLIENT, 7));
    budget_charge_name(&b, 10); /* without asking */
    assert_false(budget_has_room_for_name(&b, BUDGET_CLIENT, 0));
    budget_release_name(&b, 23);
    assert_int_equal(b.names, 0);
    assert_int_equal(b.used, 64);
}

static void too_much_resident_memory_lowers_the_cap_for_publishing(void **state)
{
    (void)state;
    static const size_t fixed = BUDGET_RESIDENT_FIXED;
    static const struct {
        size_t more, conns, lowered; /* more: than one and a half caps and the fixed part */
    } rows[] = {
        {0, 0, 0},      {1, 0, 1},    {500, 0, 500}, {750, 0, 750},    {751, 0, 750},
        {9000, 0, 750}, {2048, 1, 0}, {2049, 1, 1},  {2048 * 3, 3, 0}, {2048 * 3 + 7, 3, 7},
        {0, 5, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct budget b = budget_of_cap(1000);
        budget_note_resident(&b, 1500 + fixed + rows[i].more, rows[i].conns);
        assert_int_equal(budget_bound(&b, BUDGET_QUEUE), 1000 - rows[i].lowered);
        assert_int_equal(budget_bound(&b, BUDGET_CLIENT), 1125);
        budget_note_resident(&b, 0, 0); /* it is less again */
        assert_int_equal(budget_bound(&b, BUDGET_QUEUE), 1000);
    }
    struct budget b = budget_of_cap(SIZE_MAX);
    budget_note_resident(&b, SIZE_MAX, 1);
    assert_true(budget_bound(&b, BUDGET_QUEUE) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_room_up_to_the_cap),
        cmocka_unit_test(clients_have_a_reserve_above_the_cap),
        cmocka_unit_test(the_reserve_is_an_eighth),
        cmocka_unit_test(charges_come_back),
        cmocka_unit_test(names_have_a_quarter),
        cmocka_unit_test(too_much_resident_memory_lowers_the_cap_for_publishing),
    };
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
