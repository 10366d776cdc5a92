/* SPDX-License-Identifier: MIT */
/* Tests of broker/broker.h: topics, subscriptions, delivery and timers of all channels, and random
 * use of the whole model against a second, simple one. */
#include "broker/broker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/broker_model.h"
#include "support/broker_world.h"

/* --- topics ----------------------------------------------------------------------------------- */

static void a_new_broker_is_empty(void **state)
{
    struct broker_world *w = *state;
    struct delivery d;
    assert_int_equal(w->broker.core.budget.used, 0);
    assert_false(broker_deliver(&w->broker, w->now, &d));
    assert_false(broker_can_deliver(&w->broker));
    assert_true(broker_next_deadline(&w->broker) == TIME_NEVER);
    assert_false(broker_expire(&w->broker, w->now));
    assert_false(broker_expire(&w->broker, INT64_MAX));
    broker_log_lost(&w->broker);
    bw_expect_no_log(w);
    bw_check(w);
}

static void a_topic_is_made_once(void **state)
{
    struct broker_world *w = *state;
    assert_null(broker_find_topic(&w->broker, SPAN("t")));
    struct topic *topic = broker_topic(&w->broker, SPAN("t"), BUDGET_QUEUE);
    bw_expect_log(w, LOG_INFO, "TOPIC(%): created", "|t");
    assert_ptr_equal(broker_topic(&w->broker, SPAN("t"), BUDGET_QUEUE), topic);
    assert_ptr_equal(broker_find_topic(&w->broker, SPAN("t")), topic);
    bw_expect_no_log(w);
    assert_true(span_equal(name_span(&topic->name), SPAN("t")));
    assert_false(topic->ephemeral);
    assert_true(broker_topic(&w->broker, SPAN("t#ephemeral"), BUDGET_QUEUE)->ephemeral);
    assert_null(broker_find_topic(&w->broker, SPAN("T")));
    assert_null(broker_find_topic(&w->broker, SPAN("t#")));
    assert_int_equal(w->broker.core.budget.used, 2 * TOPIC_COST);
    bw_check(w);
}

static void many_topics_are_told_apart(void **state)
{
    struct broker_world *w = *state;
    enum { MANY = 1000 };
    for (int i = 0; i < 2 * MANY; i++) {
        char name[] = {(char)('a' + i % 10), (char)('a' + i / 10 % 10), (char)('a' + i / 100 % 10),
                       '\0'};
        struct topic *topic = bw_topic(w, name);
        assert_int_equal(topic->message_count, i / MANY);
        (void)bw_publish(w, name);
    }
    assert_int_equal(w->broker.topics.count, MANY);
    bw_check(w);
}

/* The counts are of all topics and channels, and stay when these are deleted. */
static void counts_never_decrease(void **state)
{
    struct broker_world *w = *state;
    const struct broker_counts *counts = &w->broker.core.counts;
    struct consumer c = {0};
    bw_join(w, &c, "t", "c", 3);
    (void)bw_channel(w, "t", "other");
    uint64_t first = bw_publish(w, "t");
    uint64_t second = bw_publish(w, "t");
    uint64_t third = bw_publish_later(w, "t", TIME_SECOND);
    bw_receive(w, &c);
    bw_receive(w, &c);
    bw_pass(w, TIME_SECOND);
    bw_receive(w, &c);
    assert_int_equal(bw_finish(w, &c, first), CHANNEL_OK);
    assert_int_equal(bw_finish(w, &c, first), CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(bw_requeue(w, &c, second, 0), CHANNEL_OK);
    bw_receive(w, &c);
    assert_int_equal(bw_finish(w, &c, third), CHANNEL_OK);
    bw_pass(w, 2 * BW_TIMEOUT);
    bw_leave(w, &c);
    broker_delete_topic(&w->broker, SPAN("t"));
    bw_config(w)->mem_queue_size = 1;
    bw_publish(w, "e#ephemeral");
    bw_publish(w, "e#ephemeral");
    (void)bw_channel(w, "f", "g#ephemeral");
    bw_publish(w, "f");
    bw_publish(w, "f");
    assert_int_equal(counts->published, 7);
    assert_int_equal(counts->published_bytes, 7 * strlen("body"));
    assert_int_equal(counts->delivered, 4);
    assert_int_equal(counts->finished, 2);
    assert_int_equal(counts->requeued, 1);
    assert_int_equal(counts->timed_out, 1);
    assert_int_equal(counts->dropped, 2);
}

static void a_topic_needs_room_in_the_budget(void **state)
{
    struct broker_world *w = *state;
    struct budget *budget = &w->broker.core.budget;
    (void)bw_topic(w, "first");
    for (size_t missing = 2; missing-- > 0;) {
        bw_drop_log(w);
        budget->cap = budget->used + TOPIC_COST - missing;
        struct topic *topic = broker_topic(&w->broker, SPAN("t"), BUDGET_QUEUE);
        assert_true((topic == NULL) == (missing > 0));
        assert_ptr_equal(broker_find_topic(&w->broker, SPAN("t")), topic);
        assert_true(list_empty(&w->log.waiting) == (topic == NULL));
        bw_check(w);
    }
    assert_int_equal(budget->used, budget->cap);
    assert_null(broker_topic(&w->broker, SPAN("u"), BUDGET_QUEUE));
    budget->reserve = TOPIC_COST;
    assert_null(broker_topic(&w->broker, SPAN("u"), BUDGET_QUEUE));
    assert_non_null(broker_topic(&w->broker, SPAN("u"), BUDGET_CLIENT));
    assert_null(broker_topic(&w->broker, SPAN("v"), BUDGET_CLIENT));
    assert_non_null(broker_topic(&w->broker, SPAN("t"),
                                 BUDGET_QUEUE)); /* a topic that is there needs no room */
}

static void the_cap_is_the_configured_one_and_the_reserve_an_eighth(void **state)
{
    (void)state;
    struct broker_world w;
    struct broker_config config = bw_defaults();
    config.mem_queue_bytes = TOPIC_COST + CHANNEL_COST;
    bw_open(&w, &config);
    w.broker.core.budget.names_most = SIZE_MAX;
    (void)bw_channel(&w, "t", "c");
    assert_null(broker_topic(&w.broker, SPAN("u"), BUDGET_QUEUE));
    assert_int_equal(w.broker.core.budget.reserve, (TOPIC_COST + CHANNEL_COST) / 8);
    bw_close(&w);
}

/* Names have a quarter of the cap, and only a deletion gives their share back. */
static void names_have_a_share_of_their_own(void **state)
{
    (void)state;
    struct broker_world w;
    struct broker_config config = bw_defaults();
    for (size_t missing = 0; missing < 2; missing++) {
        config.mem_queue_bytes = 4 * (2 * TOPIC_COST + CHANNEL_COST - missing);
        bw_open(&w, &config);
        (void)bw_topic(&w, "t");
        (void)bw_topic(&w, "u");
        struct channel *channel = topic_channel(bw_topic(&w, "t"), SPAN("c"), w.now);
        assert_true((channel == NULL) == (missing > 0));
        assert_true(missing > 0 || broker_topic(&w.broker, SPAN("v"), BUDGET_QUEUE) == NULL);
        assert_true(missing > 0 || broker_topic(&w.broker, SPAN("v"), BUDGET_CLIENT) == NULL);
        (void)bw_publish(&w, "u"); /* names that are there have room for messages */
        (void)broker_delete_topic(&w.broker, SPAN("u"));
        assert_non_null(broker_topic(&w.broker, SPAN("v"), BUDGET_QUEUE));
        bw_check(&w);
        bw_close(&w);
    }
}

/* --- delivery and timers ---------------------------------------------------------------------- */

static void every_channel_that_can_deliver_does(void **state)
{
    struct broker_world *w = *state;
    static const char *const topics[] = {"t", "t", "u"};
    static const char *const channels[] = {"a", "b", "a"};
    struct consumer c[3];
    for (size_t i = 0; i < 3; i++) {
        bw_join(w, &c[i], topics[i], channels[i], 2);
        assert_false(broker_can_deliver(&w->broker));
    }
    for (size_t i = 0; i < 4; i++) {
        (void)bw_publish(w, topics[i % 2 + 1]);
        assert_true(broker_can_deliver(&w->broker));
    }
    struct delivery d;
    size_t n = 0;
    while (broker_deliver(&w->broker, w->now, &d)) {
        bw_check(w);
        n++;
    }
    assert_int_equal(n, 6);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(c[i].message_count, 2);
        bw_leave(w, &c[i]);
    }
}

/* When sampling drops all messages of one channel, the same call delivers from the next channel. */
static void what_sampling_drops_does_not_end_delivery(void **state)
{
    struct broker_world *w = *state;
    struct consumer none;
    struct consumer all;
    bw_join(w, &none, "t", "a", 1);
    none.sample_rate = 1;
    bw_join(w, &all, "t", "b", 100);
    for (int i = 0; i < 20; i++) {
        (void)bw_publish(w, "t");
    }
    struct delivery d;
    while (none.channel->queue.n > 0 && broker_deliver(&w->broker, w->now, &d)) {
    }
    assert_int_equal(none.message_count, 0); /* this seed drops all of them */
    assert_int_equal(all.message_count, 1);
    bw_leave(w, &none);
    bw_leave(w, &all);
}

static void timers_fire_in_order_one_a_call(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    c.msg_timeout = 20;
    int64_t start = w->now;
    uint64_t flying = bw_publish(w, "t");
    assert_true(bw_receive(w, &c) == flying); /* due at 20 */
    uint64_t third = bw_publish_later(w, "t", 30);
    uint64_t first = bw_publish_later(w, "t", 10);
    uint64_t second = bw_publish_later(w, "t", 10); /* due at the same time, but later made */
    consumer_set_ready(&c, 5);
    assert_true(broker_next_deadline(&w->broker) == start + 10);
    assert_false(broker_expire(&w->broker, start + 9));
    assert_true(broker_expire(&w->broker, start + 10));
    assert_true(bw_receive(w, &c) == first);
    assert_true(broker_expire(&w->broker, start + 10));
    assert_true(bw_receive(w, &c) == second);
    assert_true(broker_next_deadline(&w->broker) == start + 20);
    w->now = start + 100;
    assert_true(broker_expire(&w->broker, w->now));
    assert_int_equal(c.channel->queue.n, 1);
    assert_true(broker_next_deadline(&w->broker) == start + 20); /* first and second */
    assert_int_equal(bw_pass(w, 0), 3);
    assert_true(broker_next_deadline(&w->broker) == TIME_NEVER);
    assert_true(bw_receive(w, &c) == flying);
    assert_true(bw_receive(w, &c) == first);
    assert_true(bw_receive(w, &c) == second);
    assert_true(bw_receive(w, &c) == third);
    bw_expect_silence(w);
    bw_leave(w, &c);
}

static void what_is_due_at_the_end_of_time_can_be_waited_for(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    (void)bw_publish_later(w, "t", INT64_MAX);
    assert_true(broker_next_deadline(&w->broker) == INT64_MAX);
    assert_false(broker_expire(&w->broker, INT64_MAX - 1));
    assert_true(broker_expire(&w->broker, INT64_MAX));
    assert_false(broker_expire(&w->broker, INT64_MAX));
    bw_leave(w, &c);
}

/* --- the end ---------------------------------------------------------------------------------- */

#define LOST_TOPIC "TOPIC(%): losing % memory messages, there is no disk yet"
#define LOST_CHANNEL                                                                               \
    "CHANNEL(%): losing % memory % in-flight % deferred messages, there is no disk yet"

static void the_log_says_what_a_stop_loses(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    (void)bw_publish(w, "alone");
    (void)bw_topic(w, "empty");
    bw_join(w, &c, "t", "all", 2);
    for (int i = 0; i < 5; i++) {
        (void)bw_publish(w, "t");
    }
    (void)bw_publish_later(w, "t", 1);
    (void)bw_receive(w, &c);
    (void)bw_receive(w, &c);
    (void)bw_channel(w, "t", "none");
    (void)bw_channel(w, "d", "deferred");
    (void)bw_publish_later(w, "d", 1);
    struct consumer f;
    bw_join(w, &f, "f", "flying", 1);
    (void)bw_publish(w, "f");
    (void)bw_publish(w, "f");
    (void)bw_receive(w, &f);
    struct consumer g;
    bw_join(w, &g, "g", "flying", 1);
    (void)bw_publish(w, "g");
    (void)bw_receive(w, &g);
    (void)bw_channel(w, "h", "waiting");
    (void)bw_publish(w, "h");
    (void)bw_publish_later(w, "h", 1);
    (void)bw_channel(w, "q", "queued");
    (void)bw_publish(w, "q");
    topic_pause(bw_topic(w, "q"), true, w->now);
    (void)bw_publish(w, "q");
    (void)bw_publish(w, "q");
    bw_drop_log(w);
    size_t used = w->broker.core.budget.used;

    broker_log_lost(&w->broker);
    bw_expect_log(w, LOG_WARNING, "NSQ: % messages are lost, there is no disk yet", "|16");
    bw_expect_log(w, LOG_INFO, "TOPIC(%): closing", "|alone");
    bw_expect_log(w, LOG_WARNING, LOST_TOPIC, "|alone|1");
    bw_expect_log(w, LOG_INFO, "TOPIC(%): closing", "|empty");
    bw_expect_log(w, LOG_INFO, "TOPIC(%): closing", "|t");
    bw_expect_log(w, LOG_INFO, "CHANNEL(%): closing", "|all");
    bw_expect_log(w, LOG_WARNING, LOST_CHANNEL, "|all|3|2|1");
    bw_expect_log(w, LOG_INFO, "CHANNEL(%): closing", "|none");
    bw_expect_log(w, LOG_INFO, "TOPIC(%): closing", "|d");
    bw_expect_log(w, LOG_INFO, "CHANNEL(%): closing", "|deferred");
    bw_expect_log(w, LOG_WARNING, LOST_CHANNEL, "|deferred|0|0|1");
    bw_expect_log(w, LOG_INFO, "TOPIC(%): closing", "|f");
    bw_expect_log(w, LOG_INFO, "CHANNEL(%): closing", "|flying");
    bw_expect_log(w, LOG_WARNING, LOST_CHANNEL, "|flying|1|1|0");
    bw_expect_log(w, LOG_INFO, "TOPIC(%): closing", "|g");
    bw_expect_log(w, LOG_INFO, "CHANNEL(%): closing", "|flying");
    bw_expect_log(w, LOG_WARNING, LOST_CHANNEL, "|flying|0|1|0");
    bw_expect_log(w, LOG_INFO, "TOPIC(%): closing", "|h");
    bw_expect_log(w, LOG_INFO, "CHANNEL(%): closing", "|waiting");
    bw_expect_log(w, LOG_WARNING, LOST_CHANNEL, "|waiting|1|0|1");
    bw_expect_log(w, LOG_INFO, "TOPIC(%): closing", "|q");
    bw_expect_log(w, LOG_INFO, "CHANNEL(%): closing", "|queued");
    bw_expect_log(w, LOG_WARNING, LOST_CHANNEL, "|queued|1|0|0");
    bw_expect_log(w, LOG_WARNING, LOST_TOPIC, "|q|2");
    bw_expect_no_log(w);
    assert_int_equal(w->broker.core.budget.used, used); /* logging ends nothing */
    bw_check(w);
    bw_leave(w, &c);
    bw_leave(w, &f);
    bw_leave(w, &g);
}

/* The sum is for all topics, but not each of very many topics has its lines. */
static void the_lines_of_a_stop_are_bounded(void **state)
{
    struct broker_world *w = *state;
    char name[16];
    for (unsigned i = 0; i < 2 * BROKER_LOST_ROWS; i++) {
        snprintf(name, sizeof name, "t%u", i);
        (void)bw_publish(w, name);
    }
    bw_drop_log(w);
    broker_log_lost(&w->broker);
    bw_expect_log(w, LOG_WARNING, "NSQ: % messages are lost, there is no disk yet", "|1000");
    for (unsigned i = 0; i < BROKER_LOST_ROWS; i++) {
        snprintf(name, sizeof name, "|t%u", i);
        bw_expect_log(w, LOG_INFO, "TOPIC(%): closing", name);
        snprintf(name, sizeof name, "|t%u|1", i);
        bw_expect_log(w, LOG_WARNING, LOST_TOPIC, name);
    }
    bw_expect_log(w, LOG_INFO, "NSQ: not every topic and channel has its line (% topics)", "|1000");
    bw_expect_no_log(w);
    bw_check(w);
}

/* Nor has each of very many channels of one topic. */
static void the_lines_of_one_topic_are_bounded(void **state)
{
    struct broker_world *w = *state;
    char name[16];
    for (unsigned i = 0; i < 2 * BROKER_LOST_ROWS; i++) {
        snprintf(name, sizeof name, "c%u", i);
        (void)bw_channel(w, "t", name);
    }
    bw_drop_log(w);
    broker_log_lost(&w->broker);
    assert_int_equal(w->log.count, BROKER_LOST_ROWS + 1);
}

static void a_quiet_log_costs_nothing(void **state)
{
    (void)state;
    struct broker_world w;
    struct broker_config config = bw_defaults();
    struct consumer c;
    bw_open(&w, &config);
    w.log.least = LOG_FATAL;
    bw_join(&w, &c, "t#ephemeral", "c#ephemeral", 1);
    (void)bw_publish(&w, "t#ephemeral");
    broker_log_lost(&w.broker);
    bw_leave(&w, &c);
    bw_expect_no_log(&w);
    assert_int_equal(w.log.dropped, 0);
    bw_close(&w);
}

/* Everything is freed, in whatever place it is: bw_close checks the memory budget, ASan the memory.
 */
static void a_broker_ends_with_all_that_it_holds(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 3);
    (void)bw_channel(w, "t", "d");
    for (int i = 0; i < 10; i++) {
        (void)bw_publish(w, "t");
        (void)bw_publish_later(w, "t", 5);
        (void)bw_publish(w, "u");
    }
    for (int i = 0; i < 3; i++) {
        (void)bw_receive(w, &c);
    }
    topic_pause(bw_topic(w, "t"), true, w->now);
    (void)bw_publish(w, "t");
    bw_leave(w, &c);
    bw_check(w);
}

static void two_brokers_share_nothing(void **state)
{
    struct broker_world *w = *state;
    struct broker_world other;
    struct broker_config config = bw_defaults();
    bw_open(&other, &config);
    struct consumer here;
    struct consumer there;
    bw_join(w, &here, "t", "c", 1);
    bw_join(&other, &there, "t", "c", 1);
    uint64_t id = bw_publish(w, "t");
    bw_expect_silence(&other);
    assert_true(bw_publish(&other, "t") == id);
    assert_true(bw_receive(w, &here) == id);
    assert_true(bw_receive(&other, &there) == id);
    bw_leave(w, &here);
    bw_leave(&other, &there);
    bw_close(&other);
}

/* --- random use ------------------------------------------------------------------------------- */

static void random_use_agrees_with_the_simple_model(void **state)
{
    (void)state;
    enum { STEPS = 3000 };
    static struct broker_model model;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        print_message("seed %u, %d steps\n", (unsigned)seed, STEPS);
        bm_open(&model, seed);
        for (int i = 0; i < STEPS; i++) {
            bm_step(&model);
        }
        assert_in_range(model.delivered, STEPS / 10, STEPS); /* the run was not idle */
        assert_in_range(model.sampled_out, 10, STEPS);
        assert_in_range(model.timed_out, 10, STEPS);
        assert_in_range(model.dropped, 10, STEPS);
        assert_in_range(model.orphaned, 5, STEPS);
        bm_close(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BW_TEST(a_new_broker_is_empty),
        BW_TEST(a_topic_is_made_once),
        BW_TEST(many_topics_are_told_apart),
        BW_TEST(counts_never_decrease),
        BW_TEST(a_topic_needs_room_in_the_budget),
        cmocka_unit_test(the_cap_is_the_configured_one_and_the_reserve_an_eighth),
        cmocka_unit_test(names_have_a_share_of_their_own),
        BW_TEST(every_channel_that_can_deliver_does),
        BW_TEST(what_sampling_drops_does_not_end_delivery),
        BW_TEST(timers_fire_in_order_one_a_call),
        BW_TEST(what_is_due_at_the_end_of_time_can_be_waited_for),
        BW_TEST(the_log_says_what_a_stop_loses),
        BW_TEST(the_lines_of_a_stop_are_bounded),
        BW_TEST(the_lines_of_one_topic_are_bounded),
        cmocka_unit_test(a_quiet_log_costs_nothing),
        BW_TEST(a_broker_ends_with_all_that_it_holds),
        BW_TEST(two_brokers_share_nothing),
        cmocka_unit_test(random_use_agrees_with_the_simple_model),
    };
    return cmocka_run_group_tests_name("broker", tests, NULL, NULL);
}
