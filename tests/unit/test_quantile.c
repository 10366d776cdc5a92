/* SPDX-License-Identifier: MIT */
/*
 * The summary of a stream, from which percentiles are read. The expected figures are those of the
 * quantile package that nsqd 1.3.0 links, for the same numbers in the same order.
 */
#include "broker/quantile.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/alloc.h"

#define TARGETS 5

static const double targets[TARGETS] = {1, 0.99, 0.95, 0.5, 0.01};
static const double half[1] = {0.5};

struct stage {
    struct budget budget;
    struct effort effort;
    struct quantile_setting setting;
};

static void stage_open(struct stage *s, const double *of, size_t n)
{
    *s = (struct stage){.budget = budget_of_cap((size_t)64 << 20), .effort = {.left = SIZE_MAX}};
    s->setting = (struct quantile_setting){of, n, &s->budget, &s->effort};
}

/* The orders in which the numbers come. */
enum order { RISING, FALLING, RANDOM, SPREADING };

static double number_at(enum order order, size_t i, size_t n, uint64_t *random)
{
    switch (order) {
    case RISING:
        return (double)i;
    case FALLING:
        return (double)(n - i);
    case RANDOM:
        *random = *random * 6364136223846793005U + 1442695040888963407U;
        return (double)(*random >> 33);
    case SPREADING:
        break;
    }
    return i % 2 == 0 ? (double)i : -(double)i;
}

/* Two thirds of the numbers go to one stream and one third to another; both are merged. */
static struct quantile merged(struct stage *s, enum order order, size_t n)
{
    struct quantile parts[2] = {{0}, {0}};
    struct quantile both = {0};
    uint64_t random = 12345;
    for (size_t i = 0; i < n; i++) {
        double number = number_at(order, i, n, &random);
        assert_true(quantile_insert(&s->setting, &parts[i * 3 / (2 * n) % 2], number));
    }
    for (size_t i = 0; i < 2; i++) {
        assert_true(quantile_merge(&s->setting, &both, &parts[i]));
        quantile_reset(&s->budget, &parts[i]);
    }
    return both;
}

static const struct {
    size_t n;
    enum order order;
    double values[TARGETS];
} rows[] = {
    {3, RISING, {2, 2, 2, 2, 2}},
    {3, FALLING, {3, 3, 3, 3, 3}},
    {3, RANDOM, {1901863042, 1901863042, 1901863042, 1901863042, 1901863042}},
    {3, SPREADING, {2, 2, 2, 2, 2}},
    {499, RISING, {498, 498, 480, 255, 10}},
    {499, FALLING, {499, 499, 481, 256, 6}},
    {499, RANDOM, {2125998359, 2118800660, 2049520754, 1043174722, 24293469}},
    {499, SPREADING, {498, 498, 462, 12, -487}},
    {501, RISING, {500, 500, 482, 257, 12}},
    {501, FALLING, {501, 501, 483, 258, 8}},
    {501, RANDOM, {2125998359, 2118800660, 2049520754, 1043174722, 24293469}},
    {501, SPREADING, {500, 500, 464, 14, -485}},
    {2000, RISING, {1999, 1999, 1933, 1025, 39}},
    {2000, FALLING, {2000, 2000, 1950, 1027, 10}},
    {2000, RANDOM, {2147373217, 2112997844, 2072646266, 1058839120, 31464722}},
    {2000, SPREADING, {1998, 1998, 1866, 48, -1979}},
    {60000, RISING, {59999, 59999, 57999, 30999, 898}},
    {60000, FALLING, {60000, 60000, 58019, 31024, 295}},
    {60000, RANDOM, {2147434930, 2111159677, 2072646266, 1093651753, 37098947}},
    {60000, SPREADING, {59998, 59998, 55998, 2396, -59295}},
};

static void the_figures_are_those_of_nsqd(void **state)
{
    (void)state;
    struct stage s;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        stage_open(&s, targets, TARGETS);
        struct quantile q = merged(&s, rows[i].order, rows[i].n);
        assert_int_equal(quantile_count(&q), rows[i].n);
        for (size_t t = 0; t < TARGETS; t++) {
            double found = quantile_query(&s.setting, &q, targets[t]);
            if (found != rows[i].values[t]) {
                fail_msg("row %zu, target %zu: %.0f, expected %.0f", i, t, found,
                         rows[i].values[t]);
            }
        }
        quantile_reset(&s.budget, &q);
        assert_int_equal(s.budget.used, 0);
    }
}

/* The true rank of each number is known: the rank of each percentile is wrong by at most 2.5
 * percent of the count. */
static void the_error_is_bounded(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s, targets, TARGETS);
    for (size_t n = 1000; n <= 100000; n *= 10) {
        for (enum order order = RISING; order <= FALLING; order++) {
            struct quantile q = merged(&s, order, n);
            for (size_t t = 0; t < TARGETS; t++) {
                double wrong = quantile_query(&s.setting, &q, targets[t]) / (double)n - targets[t];
                assert_true(wrong > -0.025 && wrong < 0.025);
            }
            quantile_reset(&s.budget, &q);
        }
    }
}

/* Numbers that fall make the summary of nsqd grow without a bound: 16657 tuples here. */
static void the_memory_is_bounded(void **state)
{
    (void)state;
    struct stage s;
    struct quantile q = {0};
    struct quantile read = {0};
    stage_open(&s, half, 1);
    size_t n = 200000;
    size_t most = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(quantile_insert(&s.setting, &q, (double)(n - i)));
        assert_true(q.tuple_count <= QUANTILE_TUPLES);
        most = q.tuple_count > most ? q.tuple_count : most;
    }
    assert_true(most > QUANTILE_TUPLES - QUANTILE_FRESH);
    assert_true(s.budget.used <=
                2 * (QUANTILE_TUPLES + QUANTILE_FRESH) * sizeof(struct quantile_tuple) +
                    QUANTILE_FRESH * sizeof(double) + 2 * (size_t)ALLOC_OVERHEAD);
    assert_true(quantile_merge(&s.setting, &read, &q));
    double wrong = quantile_query(&s.setting, &read, 0.5) / (double)n - 0.5;
    assert_true(wrong > -0.05 && wrong < 0.05);
    quantile_reset(&s.budget, &q);
    quantile_reset(&s.budget, &read);
    assert_int_equal(s.budget.used, 0);
}

/* However many streams are merged into one, it has at most QUANTILE_ROOM tuples. */
static void many_streams_are_merged_in_bounded_memory(void **state)
{
    (void)state;
    struct stage s;
    struct quantile sum = {0};
    stage_open(&s, targets, TARGETS);
    for (size_t i = 0; i < 1000; i++) {
        struct quantile one = {0};
        for (size_t k = 0; k < 100; k++) {
            assert_true(quantile_insert(&s.setting, &one, (double)(k * 1000 + i)));
        }
        assert_true(quantile_merge(&s.setting, &sum, &one));
        assert_true(sum.tuple_count <= QUANTILE_ROOM);
        quantile_reset(&s.budget, &one);
    }
    assert_int_equal(quantile_count(&sum), 100000);
    for (size_t t = 0; t < TARGETS; t++) {
        double wrong = quantile_query(&s.setting, &sum, targets[t]) / 100000 - targets[t];
        assert_true(wrong > -0.05 && wrong < 0.05);
    }
    quantile_reset(&s.budget, &sum);
}

static void an_empty_stream_has_no_figures(void **state)
{
    (void)state;
    struct stage s;
    struct quantile q = {0};
    struct quantile into = {0};
    stage_open(&s, half, 1);
    assert_true(quantile_merge(&s.setting, &into, &q));
    assert_int_equal(quantile_count(&into), 0);
    assert_true(quantile_query(&s.setting, &into, 0.5) == 0);
    assert_int_equal(quantile_cost(&into), 0);
}

/* Without memory a number is not counted, and a merge adds nothing; what was counted stays. */
static void without_memory_a_number_is_not_counted(void **state)
{
    (void)state;
    struct stage s;
    struct quantile q = {0};
    struct quantile into = {0};
    stage_open(&s, half, 1);
    s.budget = budget_of_cap(0);
    assert_false(quantile_insert(&s.setting, &q, 1));
    assert_int_equal(quantile_count(&q), 0);
    s.budget = budget_of_cap(QUANTILE_FRESH * sizeof(double));
    for (size_t i = 0; i < QUANTILE_FRESH; i++) {
        assert_true(quantile_insert(&s.setting, &q, (double)i));
    }
    assert_false(quantile_insert(&s.setting, &q, 1)); /* there is no room for a summary */
    assert_int_equal(quantile_count(&q), QUANTILE_FRESH);
    assert_false(quantile_merge(&s.setting, &into, &q));
    assert_int_equal(quantile_count(&into), 0);
    s.budget.cap += 4096 * sizeof(struct quantile_tuple);
    assert_true(quantile_insert(&s.setting, &q, 1)); /* now there is */
    assert_int_equal(quantile_count(&q), QUANTILE_FRESH + 1);
    s.budget.reserve = 0;
    s.budget.cap = s.budget.used;
    for (size_t i = 1; i < QUANTILE_FRESH; i++) {
        quantile_insert(&s.setting, &q, 1);
    }
    q.tuple_room = q.tuple_count; /* as if there were no room */
    assert_false(quantile_merge(&s.setting, &into, &q));
    q.tuple_room = QUANTILE_FRESH;
    quantile_reset(&s.budget, &q);
    assert_int_equal(s.budget.used, 0);
}

/* The work is counted: most insertions cost little, and one of 500 costs the merge. */
static void the_work_is_counted(void **state)
{
    (void)state;
    struct stage s;
    struct quantile q = {0};
    stage_open(&s, targets, TARGETS);
    for (size_t i = 0; i + 1 < QUANTILE_FRESH; i++) {
        assert_true(quantile_insert(&s.setting, &q, (double)i));
    }
    size_t before = s.effort.left;
    assert_true(before == SIZE_MAX);
    assert_true(quantile_insert(&s.setting, &q, 0));
    assert_in_range(before - s.effort.left, QUANTILE_FRESH * TARGETS / 8, QUANTILE_FRESH * TARGETS);
    quantile_reset(&s.budget, &q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_figures_are_those_of_nsqd),
        cmocka_unit_test(the_error_is_bounded),
        cmocka_unit_test(the_memory_is_bounded),
        cmocka_unit_test(many_streams_are_merged_in_bounded_memory),
        cmocka_unit_test(an_empty_stream_has_no_figures),
        cmocka_unit_test(without_memory_a_number_is_not_counted),
        cmocka_unit_test(the_work_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
