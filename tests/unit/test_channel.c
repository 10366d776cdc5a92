/* SPDX-License-Identifier: MIT */
/* Tests of broker/channel.h: the moves of a message between queue, in flight and deferred. */
#include "broker/channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/broker_world.h"

/* --- moves ------------------------------------------------------------------------------------ */

static void a_finished_message_is_gone(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    uint64_t id = bw_publish(w, "t");
    bw_expect_places(w, 1, 0, 0);
    assert_true(bw_receive(w, &c) == id);
    bw_expect_places(w, 0, 1, 0);
    assert_int_equal(bw_finish(w, &c, id), CHANNEL_OK);
    bw_expect_places(w, 0, 0, 0);
    assert_int_equal(bw_finish(w, &c, id), CHANNEL_NOT_IN_FLIGHT);
    assert_true(broker_next_deadline(&w->broker) == TIME_NEVER);
    assert_int_equal(c.message_count, 1);
    assert_int_equal(c.finish_count, 1);
    assert_int_equal(c.requeue_count, 0);
    assert_int_equal(c.in_flight_count, 0);
    assert_int_equal(c.channel->message_count, 1);
    bw_leave(w, &c);
}

static void a_delivery_says_what_is_delivered_to_whom(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    struct delivery d;
    bw_join(w, &c, "t", "c", 2);
    for (uint16_t attempts = 1; attempts <= 3; attempts++) {
        if (attempts == 1) {
            (void)bw_publish_body(w, "t", SPAN("text"), 0, BW_WALL + 5);
        }
        assert_true(broker_deliver(&w->broker, w->now, &d));
        assert_ptr_equal(d.consumer, &c);
        assert_int_equal(d.attempts, attempts);
        assert_true(span_equal(body_span(d.body), SPAN("text")));
        assert_true(d.body->timestamp == BW_WALL + 5);
        assert_int_equal(bw_requeue(w, &c, d.body->id, 0), CHANNEL_OK);
    }
    bw_leave(w, &c);
}

static void messages_are_delivered_in_order(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    uint64_t id[5];
    bw_join(w, &c, "t", "c", 5);
    for (size_t i = 0; i < 5; i++) {
        id[i] = bw_publish(w, "t");
    }
    for (size_t i = 0; i < 5; i++) {
        assert_true(bw_receive(w, &c) == id[i]);
    }
    bw_expect_silence(w);
    for (size_t i = 5; i-- > 0;) { /* in any order */
        assert_int_equal(bw_finish(w, &c, id[i]), CHANNEL_OK);
    }
    bw_leave(w, &c);
}

static void requeue_0_puts_a_message_behind_the_others(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    uint64_t first = bw_publish(w, "t");
    uint64_t second = bw_publish(w, "t");
    assert_true(bw_receive(w, &c) == first);
    assert_int_equal(bw_requeue(w, &c, first, 0), CHANNEL_OK);
    bw_expect_places(w, 2, 0, 0);
    assert_int_equal(bw_requeue(w, &c, first, 0), CHANNEL_NOT_IN_FLIGHT);
    assert_true(bw_receive(w, &c) == second);
    assert_int_equal(bw_finish(w, &c, second), CHANNEL_OK);
    assert_true(bw_receive(w, &c) == first);
    assert_int_equal(c.requeue_count, 1);
    assert_int_equal(c.channel->requeue_count, 1);
    assert_int_equal(c.channel->timeout_count, 0);
    assert_int_equal(c.channel->message_count, 2); /* it counts arrivals, not moves */
    bw_leave(w, &c);
}

static void requeue_n_defers_for_n(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    uint64_t id = bw_publish(w, "t");
    assert_true(bw_receive(w, &c) == id);
    w->now += 7;
    assert_int_equal(bw_requeue(w, &c, id, TIME_SECOND), CHANNEL_OK);
    bw_expect_places(w, 0, 0, 1);
    assert_true(broker_next_deadline(&w->broker) == w->now + TIME_SECOND);
    assert_int_equal(bw_finish(w, &c, id), CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(bw_pass(w, TIME_SECOND - 1), 0);
    bw_expect_places(w, 0, 0, 1);
    assert_int_equal(bw_pass(w, 1), 1);
    bw_expect_places(w, 1, 0, 0);
    assert_true(bw_receive(w, &c) == id);
    assert_int_equal(c.requeue_count, 1);
    assert_int_equal(c.channel->requeue_count, 1);
    assert_int_equal(c.channel->timeout_count, 0);
    bw_leave(w, &c);
}

static void requeue_1_is_not_requeue_0(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    uint64_t id = bw_publish(w, "t");
    assert_true(bw_receive(w, &c) == id);
    assert_int_equal(bw_requeue(w, &c, id, 1), CHANNEL_OK);
    bw_expect_silence(w);
    assert_int_equal(bw_pass(w, 0), 0);
    assert_int_equal(bw_pass(w, 1), 1);
    assert_true(bw_receive(w, &c) == id);
    bw_leave(w, &c);
}

static void a_message_times_out_at_its_deadline(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    uint64_t first = bw_publish(w, "t");
    uint64_t second = bw_publish(w, "t");
    assert_true(bw_receive(w, &c) == first);
    assert_true(broker_next_deadline(&w->broker) == w->now + BW_TIMEOUT);
    assert_int_equal(bw_pass(w, BW_TIMEOUT - 1), 0);
    bw_expect_places(w, 1, 1, 0);
    bw_expect_silence(w); /* because RDY is 1 */
    assert_int_equal(bw_pass(w, 1), 1);
    bw_expect_places(w, 2, 0, 0);
    assert_int_equal(c.channel->timeout_count, 1);
    assert_int_equal(c.channel->requeue_count, 0);
    assert_int_equal(c.requeue_count, 0);
    assert_int_equal(c.in_flight_count, 0);
    assert_true(bw_receive(w, &c) == second); /* the one that timed out is behind it */
    assert_int_equal(bw_finish(w, &c, second), CHANNEL_OK);
    assert_true(bw_receive(w, &c) == first);
    bw_leave(w, &c);
}

static void each_consumer_has_its_own_timeout(void **state)
{
    struct broker_world *w = *state;
    struct consumer fast;
    struct consumer slow;
    bw_join(w, &fast, "t", "c", 1);
    bw_join(w, &slow, "t", "c", 1);
    fast.msg_timeout = TIME_SECOND;
    uint64_t first = bw_publish(w, "t");
    uint64_t second = bw_publish(w, "t");
    assert_true(bw_receive(w, &fast) == first);
    assert_true(bw_receive(w, &slow) == second);
    assert_int_equal(bw_pass(w, TIME_SECOND), 1);
    assert_int_equal(bw_finish(w, &fast, first), CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(bw_finish(w, &slow, second), CHANNEL_OK);
    bw_leave(w, &fast);
    bw_leave(w, &slow);
}

static void a_timeout_past_the_end_of_time_is_never(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    c.msg_timeout = INT64_MAX;
    uint64_t id = bw_publish(w, "t");
    assert_true(bw_receive(w, &c) == id);
    assert_true(broker_next_deadline(&w->broker) == TIME_NEVER);
    assert_int_equal(bw_touch(w, &c, id, INT64_MAX), CHANNEL_OK);
    assert_true(broker_next_deadline(&w->broker) == w->now + bw_config(w)->max_msg_timeout);
    assert_int_equal(bw_requeue(w, &c, id, INT64_MAX), CHANNEL_OK);
    assert_int_equal(bw_pass(w, INT64_MAX - 1 - w->now), 0);
    bw_leave(w, &c);
}

static void touch_starts_the_timeout_again(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    uint64_t id = bw_publish(w, "t");
    assert_true(bw_receive(w, &c) == id);
    assert_int_equal(bw_pass(w, BW_TIMEOUT - 1), 0);
    assert_int_equal(bw_touch(w, &c, id, 3 * TIME_SECOND), CHANNEL_OK);
    bw_expect_places(w, 0, 1, 0);
    assert_int_equal(c.in_flight_count, 1);
    assert_int_equal(bw_pass(w, 3 * TIME_SECOND - 1), 0);
    assert_int_equal(bw_pass(w, 1), 1);
    assert_int_equal(bw_touch(w, &c, id, BW_TIMEOUT), CHANNEL_NOT_IN_FLIGHT);
    bw_leave(w, &c);
}

static void touch_can_shorten_the_timeout(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    uint64_t id = bw_publish(w, "t");
    assert_true(bw_receive(w, &c) == id);
    assert_int_equal(bw_touch(w, &c, id, 1), CHANNEL_OK);
    assert_int_equal(bw_pass(w, 0), 0);
    assert_int_equal(bw_pass(w, 1), 1);
    bw_leave(w, &c);
}

/* Delivered at D with max_msg_timeout M: a touch extends to D + M and no further. */
static void touch_is_capped_after_the_delivery(void **state)
{
    struct broker_world *w = *state;
    const int64_t most = bw_config(w)->max_msg_timeout;
    const int64_t later = 5 * TIME_SECOND; /* when the touch comes */
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    uint64_t id = bw_publish(w, "t");
    for (int64_t over = -1; over <= 1; over++) {
        assert_true(bw_receive(w, &c) == id);
        int64_t delivered = w->now;
        w->now += later;
        assert_int_equal(bw_touch(w, &c, id, most - later + over), CHANNEL_OK);
        int64_t deadline = delivered + most + (over < 0 ? over : 0);
        assert_true(broker_next_deadline(&w->broker) == deadline);
        assert_int_equal(bw_pass(w, deadline - 1 - w->now), 0);
        assert_int_equal(bw_pass(w, 1), 1);
    }
    bw_leave(w, &c);
}

static void touching_on_and_on_ends_at_the_cap(void **state)
{
    struct broker_world *w = *state;
    const int64_t most = bw_config(w)->max_msg_timeout;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    uint64_t id = bw_publish(w, "t");
    assert_true(bw_receive(w, &c) == id);
    int64_t delivered = w->now;
    while (bw_touch(w, &c, id, BW_TIMEOUT) == CHANNEL_OK) {
        (void)bw_pass(w, BW_TIMEOUT - 1);
    }
    assert_true(w->now >= delivered + most && w->now < delivered + most + BW_TIMEOUT);
    bw_leave(w, &c);
}

/* A delivery is not capped, so a touch may bring a longer timeout down to the cap. */
static void a_delivery_is_not_capped(void **state)
{
    struct broker_world *w = *state;
    const int64_t most = bw_config(w)->max_msg_timeout;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    c.msg_timeout = 2 * most;
    uint64_t id = bw_publish(w, "t");
    assert_true(bw_receive(w, &c) == id);
    assert_true(broker_next_deadline(&w->broker) == w->now + 2 * most);
    assert_int_equal(bw_touch(w, &c, id, c.msg_timeout), CHANNEL_OK);
    assert_true(broker_next_deadline(&w->broker) == w->now + most);
    bw_leave(w, &c);
}

static void a_deferred_message_waits_in_the_channel(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    uint64_t late = bw_publish_later(w, "t", 10);
    bw_expect_places(w, 0, 0, 1);
    assert_int_equal(c.channel->message_count, 1); /* a message counts when it arrives */
    uint64_t early = bw_publish(w, "t");
    assert_true(bw_receive(w, &c) == early);
    assert_int_equal(bw_finish(w, &c, early), CHANNEL_OK);
    assert_int_equal(bw_finish(w, &c, late), CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(bw_pass(w, 9), 0);
    bw_expect_silence(w);
    assert_int_equal(bw_pass(w, 1), 1);
    bw_expect_places(w, 1, 0, 0);
    assert_true(bw_receive(w, &c) == late);
    assert_int_equal(c.channel->message_count, 2);
    assert_int_equal(c.channel->timeout_count, 0);
    assert_int_equal(c.channel->requeue_count, 0);
    bw_leave(w, &c);
}

static void attempts_wrap_after_65535(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    struct delivery d;
    bw_join(w, &c, "t", "c", 1);
    uint64_t id = bw_publish(w, "t");
    uint8_t digits[NSQ_MESSAGE_ID_SIZE];
    guid_print(id, digits);
    for (unsigned i = 1; i <= 65537; i++) {
        assert_true(broker_deliver(&w->broker, w->now, &d));
        assert_int_equal(d.attempts, (uint16_t)i);
        assert_int_equal(consumer_requeue(&c, span_make(digits, sizeof digits), 0, w->now),
                         CHANNEL_OK);
    }
    assert_int_equal(d.attempts, 1);
    assert_int_equal(c.channel->requeue_count, 65537);
    bw_leave(w, &c);
}

/* --- many ------------------------------------------------------------------------------------- */

/* A consumer sees ids and chooses which of them stay in flight. It must not be able to choose some
 * that all fall into one bucket of the table. */
static void ids_that_stay_in_flight_are_spread(void **state)
{
    struct broker_world *w = *state;
    enum { N = 400, BITS = 12 };
    struct consumer c;
    bw_join(w, &c, "t", "c", N);
    int64_t wall = BW_WALL;
    for (int n = 0; n < N; wall += 1 << 20) {
        struct guid_clock clock = {0};
        uint64_t id = guid_next(&clock, bw_config(w)->node_id, wall);
        uint64_t product = id * 0x9e3779b97f4a7c15U; /* a hash that anybody can compute */
        if ((product >> 32 & ((1 << BITS) - 1)) == 0) {
            (void)bw_publish_body(w, "t", SPAN("x"), 0, wall);
            struct delivery d;
            assert_true(broker_deliver(&w->broker, w->now, &d));
            assert_true(d.body->id == id);
            n++;
        }
    }
    const UT_hash_table *table = c.channel->timed->in_flight.one->hh.tbl;
    unsigned longest = 0;
    for (unsigned i = 0; i < table->num_buckets; i++) {
        unsigned count = table->buckets[i].count;
        longest = count > longest ? count : longest;
    }
    assert_in_range(longest, 1, 20);
    bw_leave(w, &c);
}

static void a_channel_ends_with_all_that_it_holds(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 40);
    for (int i = 0; i < 100; i++) {
        (void)bw_publish(w, "t");
        (void)bw_publish_later(w, "t", i + 1);
    }
    for (int i = 0; i < 40; i++) {
        (void)bw_receive(w, &c);
    }
    bw_expect_places(w, 60, 40, 100);
    bw_leave(w, &c);
    assert_int_equal(broker_delete_channel(&w->broker, SPAN("t"), SPAN("c")), TOPOLOGY_OK);
    bw_check(w);
    assert_int_equal(w->broker.core.timers.n, 0);
    assert_int_equal(w->broker.core.budget.used, TOPIC_COST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BW_TEST(a_finished_message_is_gone),
        BW_TEST(a_delivery_says_what_is_delivered_to_whom),
        BW_TEST(messages_are_delivered_in_order),
        BW_TEST(requeue_0_puts_a_message_behind_the_others),
        BW_TEST(requeue_n_defers_for_n),
        BW_TEST(requeue_1_is_not_requeue_0),
        BW_TEST(a_message_times_out_at_its_deadline),
        BW_TEST(each_consumer_has_its_own_timeout),
        BW_TEST(a_timeout_past_the_end_of_time_is_never),
        BW_TEST(touch_starts_the_timeout_again),
        BW_TEST(touch_can_shorten_the_timeout),
        BW_TEST(touch_is_capped_after_the_delivery),
        BW_TEST(touching_on_and_on_ends_at_the_cap),
        BW_TEST(a_delivery_is_not_capped),
        BW_TEST(a_deferred_message_waits_in_the_channel),
        BW_TEST(attempts_wrap_after_65535),
        BW_TEST(ids_that_stay_in_flight_are_spread),
        BW_TEST(a_channel_ends_with_all_that_it_holds),
    };
    return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
