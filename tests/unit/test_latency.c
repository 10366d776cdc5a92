/* SPDX-License-Identifier: MIT */
/* Tests of broker/latency.h: the window, the samples of a FIN, and the figures of a topic. */
#include "broker/latency.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support/broker_world.h"

#define WINDOW (10 * TIME_MINUTE)

static const double percentiles[2] = {0.99, 0.5};
static const struct latency_config config = {percentiles, 2, WINDOW};

struct stage {
    struct budget budget;
    struct effort effort;
    struct latency_setting setting;
    struct latency *latency;
    int64_t now;
    double values[2];
};

static void open_with(struct stage *s, const struct latency_config *with)
{
    *s = (struct stage){.budget = budget_of_cap((size_t)64 << 20), .effort = {.left = SIZE_MAX}};
    s->setting = latency_setting(with, &s->budget, &s->effort);
    s->now = TIME_SECOND;
    s->latency = latency_new(&s->setting, s->now);
    assert_int_equal(s->budget.used, LATENCY_COST);
}

static void stage_open(struct stage *s)
{
    open_with(s, &config);
}

static void stage_close(struct stage *s)
{
    assert_int_equal(s->budget.used, latency_cost(s->latency));
    latency_free(s->latency);
    assert_int_equal(s->budget.used, 0);
}

static void note(struct stage *s, int64_t sample)
{
    latency_note(s->latency, sample, s->now);
}

static uint64_t read(struct stage *s)
{
    return latency_read(s->latency, s->values, s->now);
}

/* --- the window ------------------------------------------------------------------------------- */

static void nothing_was_noted(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    s.values[0] = s.values[1] = 7;
    assert_int_equal(read(&s), 0);
    assert_true(s.values[0] == 0 && s.values[1] == 0);
    assert_int_equal(latency_cost(NULL), 0);
    latency_free(NULL);
    stage_close(&s);
}

/* Samples of the current half and of the half before it count. */
static void a_sample_counts_for_two_halves(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    note(&s, 10);
    s.now += WINDOW / 2; /* the half is over when more than its length has passed */
    note(&s, 20);
    assert_int_equal(read(&s), 2);
    s.now++;
    note(&s, 30);
    assert_int_equal(read(&s), 3);
    assert_true(s.values[0] == 30 && s.values[1] == 30);
    s.now += WINDOW / 2; /* the halves begin at their own times, not when somebody looks */
    assert_int_equal(read(&s), 1);
    assert_true(s.values[0] == 30 && s.values[1] == 30);
    stage_close(&s);
}

static void after_a_pause_all_is_gone(void **state)
{
    (void)state;
    for (int64_t halves = 2; halves < 6; halves++) {
        struct stage s;
        stage_open(&s);
        int64_t began = s.now;
        note(&s, 10);
        s.now += WINDOW / 2 + 1;
        note(&s, 20);
        s.now = began + (halves + 1) * (WINDOW / 2); /* the last moment of a half */
        assert_int_equal(read(&s), halves == 2 ? 1 : 0);
        note(&s, 40);
        s.now++; /* the half of this sample is the one before the current one now */
        assert_int_equal(read(&s), 1);
        assert_true(s.values[0] == 40);
        stage_close(&s);
    }
}

static void a_very_short_window_costs_nothing(void **state)
{
    (void)state;
    struct stage s;
    const struct latency_config shortest = {percentiles, 2, 2};
    open_with(&s, &shortest);
    latency_note(s.latency, 1, s.now);
    s.now += INT64_C(100) * 365 * 24 * 60 * TIME_MINUTE; /* nsqd moves the window 3e18 times */
    assert_int_equal(latency_read(s.latency, s.values, s.now), 0);
    stage_close(&s);
}

static void a_wall_clock_that_was_set_back(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    note(&s, -5);
    assert_int_equal(read(&s), 1);
    assert_true(s.values[0] == -5);
    stage_close(&s);
}

static void a_channel_needs_bounded_memory(void **state)
{
    (void)state;
    struct stage s;
    const double half = 0.5;
    const struct latency_config one = {&half, 1, WINDOW};
    open_with(&s, &one);
    for (int64_t i = 0; i < 200000; i++) {
        s.now += i == 100000 ? WINDOW / 2 + 1 : 0;
        latency_note(s.latency, 200000 - i, s.now);
        assert_true(latency_cost(s.latency) <= LATENCY_MOST);
    }
    assert_int_equal(latency_read(s.latency, s.values, s.now), 200000);
    assert_true(s.values[0] > 90000 && s.values[0] < 110000);
    stage_close(&s);
}

/* --- of a topic ------------------------------------------------------------------------------- */

/* The half of each channel goes into the same half of the sum, whatever its number is. */
static void channels_are_merged(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    struct latency *late = latency_new(&s.setting, s.now);
    struct latency *sum;
    note(&s, 10);
    s.now += WINDOW / 2 + 1;
    note(&s, 20);
    latency_note(late, 1000, s.now);
    sum = latency_new(&s.setting, s.now);
    latency_add(sum, s.latency, s.now);
    latency_add(sum, late, s.now);
    assert_int_equal(latency_read(sum, s.values, s.now), 3);
    assert_true(s.values[0] == 1000 && s.values[1] == 1000);
    latency_free(sum);
    s.now += WINDOW / 2; /* the sum shows no old samples either */
    sum = latency_new(&s.setting, s.now);
    latency_add(sum, s.latency, s.now);
    assert_int_equal(latency_read(sum, s.values, s.now), 1);
    latency_free(sum);
    latency_free(late);
    stage_close(&s);
}

/* --- in a broker ------------------------------------------------------------------------------ */

static void open_world(struct broker_world *w, size_t percentile_count)
{
    struct broker_config c = bw_defaults();
    c.latency = (struct latency_config){percentiles, percentile_count, WINDOW};
    bw_open(w, &c);
}

static uint64_t read_channel(struct broker_world *w, const char *name, double *values)
{
    return latency_read(bw_channel(w, "t", name)->latency, values, w->now);
}

/* A FIN counts; a REQ does not, and does not begin the time anew. */
static void a_fin_is_a_sample(void **state)
{
    (void)state;
    struct broker_world w;
    struct consumer c;
    double values[2];
    open_world(&w, 2);
    bw_join(&w, &c, "t", "c", 1);
    uint64_t id = bw_publish(&w, "t");
    bw_receive(&w, &c);
    bw_pass(&w, 30);
    bw_requeue(&w, &c, id, 0);
    assert_int_equal(read_channel(&w, "c", values), 0);
    bw_receive(&w, &c);
    bw_pass(&w, 12);
    assert_int_equal(bw_finish(&w, &c, id), CHANNEL_OK);
    assert_int_equal(read_channel(&w, "c", values), 1);
    assert_true(values[0] == 42 && values[1] == 42);
    assert_int_equal(bw_finish(&w, &c, id), CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(read_channel(&w, "c", values), 1);
    bw_check(&w);
    assert_int_equal(broker_empty_channel(&w.broker, SPAN("t"), SPAN("c")), TOPOLOGY_OK);
    assert_int_equal(read_channel(&w, "c", values), 1); /* as in nsqd */
    assert_int_equal(broker_delete_channel(&w.broker, SPAN("t"), SPAN("c")), TOPOLOGY_OK);
    bw_check(&w);
    bw_leave(&w, &c);
    bw_close(&w);
}

static void nothing_is_measured_without_percentiles(void **state)
{
    (void)state;
    struct broker_world w;
    struct consumer c;
    open_world(&w, 0);
    bw_join(&w, &c, "t", "c", 1);
    uint64_t id = bw_publish(&w, "t");
    bw_receive(&w, &c);
    assert_int_equal(bw_finish(&w, &c, id), CHANNEL_OK);
    assert_null(bw_channel(&w, "t", "c")->latency);
    bw_leave(&w, &c);
    bw_close(&w);
}

/* The memory of a new channel is asked for as a whole. */
static void a_channel_without_room_is_refused(void **state)
{
    (void)state;
    struct broker_world w;
    open_world(&w, 2);
    struct budget *budget = &w.broker.core.budget;
    struct topic *topic = bw_topic(&w, "t");
    budget->cap = budget->used;
    budget->reserve = CHANNEL_COST + LATENCY_COST - 1;
    budget->names_most = budget->cap + budget->reserve + 1;
    assert_null(topic_channel(topic, SPAN("c"), w.now));
    budget->reserve++;
    assert_non_null(topic_channel(topic, SPAN("c"), w.now));
    bw_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_was_noted),
        cmocka_unit_test(a_sample_counts_for_two_halves),
        cmocka_unit_test(after_a_pause_all_is_gone),
        cmocka_unit_test(a_very_short_window_costs_nothing),
        cmocka_unit_test(a_wall_clock_that_was_set_back),
        cmocka_unit_test(a_channel_needs_bounded_memory),
        cmocka_unit_test(channels_are_merged),
        cmocka_unit_test(a_fin_is_a_sample),
        cmocka_unit_test(nothing_is_measured_without_percentiles),
        cmocka_unit_test(a_channel_without_room_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
