/* SPDX-License-Identifier: MIT */
/* Tests of broker/channel.h: the moves of a message, its consumers, and who is ready. */
#include "broker/channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/broker_world.h"

static void expect_places(struct broker_world *w, size_t queued, size_t in_flight, size_t deferred)
{
    const struct channel *channel = bw_channel(w, "t", "c");
    assert_int_equal(channel->queue.n, queued);
    assert_int_equal(channel_in_flight_count(channel), in_flight);
    assert_int_equal(channel->deferred_count, deferred);
    bw_check(w);
}

/* --- moves ------------------------------------------------------------------------------------ */

static void a_finished_message_is_gone(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    uint64_t id = bw_publish(w, "t");
    expect_places(w, 1, 0, 0);
    assert_true(bw_receive(w, &c) == id);
    expect_places(w, 0, 1, 0);
    assert_int_equal(bw_finish(w, &c, id), CHANNEL_OK);
    expect_places(w, 0, 0, 0);
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
    expect_places(w, 2, 0, 0);
    assert_int_equal(bw_requeue(w, &c, first, 0), CHANNEL_NOT_IN_FLIGHT);
    assert_true(bw_receive(w, &c) == second);
    assert_int_equal(bw_finish(w, &c, second), CHANNEL_OK);
    assert_true(bw_receive(w, &c) == first);
    assert_int_equal(c.requeue_count, 1);
    assert_int_equal(c.channel->requeue_count, 1);
    assert_int_equal(c.channel->timeout_count, 0);
    assert_int_equal(c.channel->message_count, 2); /* arrivals, not moves */
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
    expect_places(w, 0, 0, 1);
    assert_true(broker_next_deadline(&w->broker) == w->now + TIME_SECOND);
    assert_int_equal(bw_finish(w, &c, id), CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(bw_pass(w, TIME_SECOND - 1), 0);
    expect_places(w, 0, 0, 1);
    assert_int_equal(bw_pass(w, 1), 1);
    expect_places(w, 1, 0, 0);
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
    expect_places(w, 1, 1, 0);
    bw_expect_silence(w); /* RDY is 1 */
    assert_int_equal(bw_pass(w, 1), 1);
    expect_places(w, 2, 0, 0);
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
    expect_places(w, 0, 1, 0);
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

/* A delivery is not capped, so a touch of a message with a longer timeout brings it down. */
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
    expect_places(w, 0, 0, 1);
    assert_int_equal(c.channel->message_count, 1); /* it counts when it arrives */
    uint64_t early = bw_publish(w, "t");
    assert_true(bw_receive(w, &c) == early);
    assert_int_equal(bw_finish(w, &c, early), CHANNEL_OK);
    assert_int_equal(bw_finish(w, &c, late), CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(bw_pass(w, 9), 0);
    bw_expect_silence(w);
    assert_int_equal(bw_pass(w, 1), 1);
    expect_places(w, 1, 0, 0);
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

/* --- RDY -------------------------------------------------------------------------------------- */

static void ready_is_a_level(void **state)
{
    struct broker_world *w = *state;
    for (int64_t ready = 0; ready <= 3; ready++) {
        struct consumer c;
        uint64_t id[4];
        size_t got = 0;
        bw_join(w, &c, "t", "c#ephemeral", ready);
        for (size_t i = 0; i < 4; i++) {
            (void)bw_publish(w, "t");
        }
        for (; broker_can_deliver(&w->broker); got++) {
            id[got] = bw_receive(w, &c);
        }
        assert_int_equal(got, ready);
        bw_expect_silence(w);
        if (ready > 0) { /* each end of a flight frees one place, and RDY need not be said again */
            assert_int_equal(bw_finish(w, &c, id[0]), CHANNEL_OK);
            (void)bw_receive(w, &c);
            bw_expect_silence(w);
            assert_int_equal(c.ready_count, ready);
        }
        bw_leave(w, &c);
    }
}

static void each_end_of_a_flight_frees_a_place(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    for (int i = 0; i < 5; i++) {
        (void)bw_publish(w, "t");
    }
    assert_int_equal(bw_finish(w, &c, bw_receive(w, &c)), CHANNEL_OK);
    assert_int_equal(bw_requeue(w, &c, bw_receive(w, &c), 0), CHANNEL_OK);
    assert_int_equal(bw_requeue(w, &c, bw_receive(w, &c), 1), CHANNEL_OK);
    uint64_t id = bw_receive(w, &c);
    bw_expect_silence(w);
    assert_int_equal(bw_touch(w, &c, id, BW_TIMEOUT), CHANNEL_OK);
    bw_expect_silence(w); /* a touch does not */
    assert_int_equal(bw_pass(w, BW_TIMEOUT), 2);
    (void)bw_receive(w, &c);
    bw_expect_silence(w);
    bw_leave(w, &c);
}

static void raising_ready_gives_more_at_once(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 0);
    for (int i = 0; i < 4; i++) {
        (void)bw_publish(w, "t");
    }
    bw_expect_silence(w);
    consumer_set_ready(&c, 1);
    (void)bw_receive(w, &c);
    bw_expect_silence(w);
    consumer_set_ready(&c, 3);
    (void)bw_receive(w, &c);
    (void)bw_receive(w, &c);
    bw_expect_silence(w);
    consumer_set_ready(&c, 3); /* saying it again is nothing new */
    bw_expect_silence(w);
    bw_leave(w, &c);
}

static void lowering_ready_below_what_is_in_flight_waits(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    uint64_t id[3];
    bw_join(w, &c, "t", "c", 3);
    for (size_t i = 0; i < 5; i++) {
        (void)bw_publish(w, "t");
    }
    for (size_t i = 0; i < 3; i++) {
        id[i] = bw_receive(w, &c);
    }
    consumer_set_ready(&c, 1);
    bw_expect_silence(w);
    assert_int_equal(bw_finish(w, &c, id[0]), CHANNEL_OK); /* 2 in flight */
    bw_expect_silence(w);
    assert_int_equal(bw_finish(w, &c, id[1]), CHANNEL_OK); /* 1 in flight */
    bw_expect_silence(w);
    assert_int_equal(bw_finish(w, &c, id[2]), CHANNEL_OK); /* 0 in flight */
    (void)bw_receive(w, &c);
    bw_expect_silence(w);
    consumer_set_ready(&c, 0);
    assert_int_equal(bw_pass(w, BW_TIMEOUT), 1);
    bw_expect_silence(w);
    bw_leave(w, &c);
}

static void a_held_consumer_is_not_ready(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 2);
    uint64_t id = bw_publish(w, "t");
    consumer_set_blocked(&c, true);
    bw_expect_silence(w);
    consumer_set_ready(&c, 5);
    bw_expect_silence(w);
    consumer_set_blocked(&c, false);
    assert_true(bw_receive(w, &c) == id);
    consumer_set_blocked(&c, true);
    consumer_set_blocked(&c, true); /* twice is once */
    (void)bw_publish(w, "t");
    assert_int_equal(bw_finish(w, &c, id), CHANNEL_OK); /* what it has goes on */
    bw_expect_silence(w);
    consumer_set_blocked(&c, false);
    (void)bw_receive(w, &c);
    bw_leave(w, &c);
}

static void a_held_consumer_leaves_its_turn_to_others(void **state)
{
    struct broker_world *w = *state;
    struct consumer a;
    struct consumer b;
    bw_join(w, &a, "t", "c", 5);
    bw_join(w, &b, "t", "c", 5);
    consumer_set_blocked(&a, true);
    for (int i = 0; i < 3; i++) {
        (void)bw_publish(w, "t");
        (void)bw_receive(w, &b);
    }
    consumer_set_blocked(&a, false);
    (void)bw_publish(w, "t");
    (void)bw_publish(w, "t");
    (void)bw_receive(w, &b); /* it has waited longer */
    (void)bw_receive(w, &a);
    bw_leave(w, &a);
    bw_leave(w, &b);
}

/* --- pause ------------------------------------------------------------------------------------ */

static void a_paused_channel_delivers_nothing(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 5);
    uint64_t first = bw_publish(w, "t");
    uint64_t second = bw_publish(w, "t");
    assert_true(bw_receive(w, &c) == first);
    channel_pause(c.channel, true);
    bw_expect_silence(w);
    uint64_t third = bw_publish(w, "t");
    bw_expect_silence(w);
    expect_places(w, 2, 1, 0);
    channel_pause(c.channel, true);
    channel_pause(c.channel, false);
    assert_true(bw_receive(w, &c) == second);
    assert_true(bw_receive(w, &c) == third);
    channel_pause(c.channel, false);
    bw_expect_silence(w);
    bw_leave(w, &c);
}

static void what_is_in_flight_goes_on_in_a_paused_channel(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    uint64_t id[4];
    bw_join(w, &c, "t", "c", 5);
    for (size_t i = 0; i < 4; i++) {
        (void)bw_publish(w, "t");
        id[i] = bw_receive(w, &c);
    }
    channel_pause(c.channel, true);
    assert_int_equal(bw_finish(w, &c, id[0]), CHANNEL_OK);
    assert_int_equal(bw_requeue(w, &c, id[1], 0), CHANNEL_OK);
    assert_int_equal(bw_requeue(w, &c, id[2], 1), CHANNEL_OK);
    assert_int_equal(bw_touch(w, &c, id[3], TIME_SECOND), CHANNEL_OK);
    assert_int_equal(bw_pass(w, TIME_SECOND), 2);
    expect_places(w, 3, 0, 0);
    bw_expect_silence(w);
    channel_pause(c.channel, false);
    assert_true(bw_receive(w, &c) == id[1]);
    assert_true(bw_receive(w, &c) == id[2]);
    assert_true(bw_receive(w, &c) == id[3]);
    bw_leave(w, &c);
}

/* --- consumers -------------------------------------------------------------------------------- */

static void consumers_take_turns(void **state)
{
    struct broker_world *w = *state;
    struct consumer c[3];
    for (size_t i = 0; i < 3; i++) {
        bw_join(w, &c[i], "t", "c", 100);
    }
    for (size_t i = 0; i < 9; i++) {
        (void)bw_publish(w, "t");
        (void)bw_receive(w, &c[i % 3]);
    }
    for (size_t i = 0; i < 9; i++) { /* also when many wait */
        (void)bw_publish(w, "t");
    }
    for (size_t i = 0; i < 9; i++) {
        (void)bw_receive(w, &c[i % 3]);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(c[i].message_count, 6);
        bw_leave(w, &c[i]);
    }
}

/* Who finishes first is not preferred: it stands behind those that have waited. */
static void who_becomes_ready_stands_at_the_end(void **state)
{
    struct broker_world *w = *state;
    struct consumer c[3];
    for (size_t i = 0; i < 3; i++) {
        bw_join(w, &c[i], "t", "c", 1);
    }
    (void)bw_publish(w, "t");
    assert_int_equal(bw_finish(w, &c[0], bw_receive(w, &c[0])), CHANNEL_OK);
    (void)bw_publish(w, "t");
    assert_int_equal(bw_finish(w, &c[1], bw_receive(w, &c[1])), CHANNEL_OK);
    bw_leave(w, &c[2]);
    (void)bw_publish(w, "t");
    (void)bw_receive(w, &c[0]);
    consumer_set_ready(&c[1], 0);
    (void)bw_publish(w, "t");
    bw_expect_silence(w);
    consumer_set_ready(&c[0], 2);
    consumer_set_ready(&c[1], 1);
    (void)bw_publish(w, "t");
    (void)bw_receive(w, &c[0]);
    (void)bw_receive(w, &c[1]);
    bw_leave(w, &c[0]);
    bw_leave(w, &c[1]);
}

static void only_the_owner_can_end_a_flight(void **state)
{
    struct broker_world *w = *state;
    struct consumer owner;
    struct consumer other;
    bw_join(w, &owner, "t", "c", 1);
    bw_join(w, &other, "t", "c", 1);
    uint64_t id = bw_publish(w, "t");
    assert_true(bw_receive(w, &owner) == id);
    int64_t deadline = broker_next_deadline(&w->broker);
    assert_int_equal(bw_finish(w, &other, id), CHANNEL_NOT_OWNER);
    assert_int_equal(bw_requeue(w, &other, id, 0), CHANNEL_NOT_OWNER);
    assert_int_equal(bw_requeue(w, &other, id, 1), CHANNEL_NOT_OWNER);
    assert_int_equal(bw_touch(w, &other, id, 1), CHANNEL_NOT_OWNER);
    assert_true(broker_next_deadline(&w->broker) == deadline);
    assert_int_equal(other.finish_count + other.requeue_count + w->broker.core.timers.n, 1);
    assert_int_equal(owner.channel->requeue_count, 0);
    assert_int_equal(bw_finish(w, &owner, id), CHANNEL_OK);
    bw_leave(w, &owner);
    bw_leave(w, &other);
}

static void another_channel_has_another_flight(void **state)
{
    struct broker_world *w = *state;
    struct consumer here;
    struct consumer there;
    bw_join(w, &here, "t", "c", 1);
    bw_join(w, &there, "t", "d", 0);
    uint64_t id = bw_publish(w, "t");
    assert_true(bw_receive(w, &here) == id);
    assert_int_equal(bw_finish(w, &there, id), CHANNEL_NOT_IN_FLIGHT);
    consumer_set_ready(&there, 1);
    assert_true(bw_receive(w, &there) == id);
    assert_int_equal(bw_finish(w, &here, id), CHANNEL_OK);
    assert_int_equal(bw_finish(w, &there, id), CHANNEL_OK);
    bw_leave(w, &here);
    bw_leave(w, &there);
}

static void an_id_that_was_not_printed_is_not_in_flight(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    uint8_t id[NSQ_MESSAGE_ID_SIZE + 1];
    (void)bw_publish(w, "t");
    guid_print(bw_receive(w, &c), id);
    id[NSQ_MESSAGE_ID_SIZE] = '0';
    assert_int_equal(consumer_finish(&c, span_make(id, NSQ_MESSAGE_ID_SIZE - 1)),
                     CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(consumer_finish(&c, span_make(id, sizeof id)), CHANNEL_NOT_IN_FLIGHT);
    uint8_t upper[NSQ_MESSAGE_ID_SIZE];
    bool letters = false;
    for (size_t i = 0; i < sizeof upper; i++) {
        bool letter = id[i] >= 'a';
        upper[i] = letter ? (uint8_t)(id[i] - 'a' + 'A') : id[i];
        letters = letters || letter;
    }
    assert_true(letters);
    struct span wrong = span_make(upper, sizeof upper);
    assert_int_equal(consumer_finish(&c, wrong), CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(consumer_requeue(&c, wrong, 0, w->now), CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(consumer_touch(&c, wrong, 1, w->now), CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(consumer_finish(&c, span_make(id, NSQ_MESSAGE_ID_SIZE)), CHANNEL_OK);
    bw_leave(w, &c);
}

static void what_a_consumer_leaves_in_flight_times_out(void **state)
{
    struct broker_world *w = *state;
    struct consumer gone;
    struct consumer other;
    bw_join(w, &gone, "t", "c", 2);
    bw_join(w, &other, "t", "c", 0);
    uint64_t first = bw_publish(w, "t");
    uint64_t second = bw_publish(w, "t");
    assert_true(bw_receive(w, &gone) == first);
    assert_true(bw_receive(w, &gone) == second);
    bw_leave(w, &gone);
    assert_int_equal(gone.in_flight_count, 0);
    expect_places(w, 0, 2, 0);
    consumer_set_ready(&other, 2);
    bw_expect_silence(w);
    assert_int_equal(bw_finish(w, &other, first), CHANNEL_NOT_OWNER);
    bw_join(w, &gone, "t", "c", 0); /* who comes back does not own them either */
    assert_int_equal(bw_finish(w, &gone, first), CHANNEL_NOT_OWNER);
    assert_int_equal(bw_requeue(w, &gone, first, 0), CHANNEL_NOT_OWNER);
    assert_int_equal(bw_touch(w, &gone, first, 1), CHANNEL_NOT_OWNER);
    assert_int_equal(bw_pass(w, BW_TIMEOUT - 1), 0);
    assert_int_equal(bw_pass(w, 1), 2);
    assert_int_equal(other.channel->timeout_count, 2);
    assert_true(bw_receive(w, &other) == first);
    assert_true(bw_receive(w, &other) == second);
    assert_int_equal(bw_finish(w, &other, first), CHANNEL_OK);
    bw_leave(w, &gone);
    bw_leave(w, &other);
}

static void a_message_belongs_to_who_got_it_last(void **state)
{
    struct broker_world *w = *state;
    struct consumer first;
    struct consumer second;
    bw_join(w, &first, "t", "c", 1);
    uint64_t id = bw_publish(w, "t");
    assert_true(bw_receive(w, &first) == id);
    assert_int_equal(bw_pass(w, BW_TIMEOUT), 1);
    assert_true(bw_receive(w, &first) == id); /* to the same one again: its FIN is good */
    assert_int_equal(bw_pass(w, BW_TIMEOUT), 1);
    consumer_set_ready(&first, 0);
    bw_join(w, &second, "t", "c", 1);
    assert_true(bw_receive(w, &second) == id);
    assert_int_equal(bw_finish(w, &first, id), CHANNEL_NOT_OWNER);
    assert_int_equal(bw_pass(w, BW_TIMEOUT), 1);
    consumer_set_ready(&second, 0);
    consumer_set_ready(&first, 1);
    assert_true(bw_receive(w, &first) == id);
    assert_int_equal(bw_finish(w, &first, id), CHANNEL_OK);
    bw_leave(w, &first);
    bw_leave(w, &second);
}

static void who_leaves_gets_nothing_more(void **state)
{
    struct broker_world *w = *state;
    struct consumer a;
    struct consumer b;
    bw_join(w, &a, "t", "c", 5);
    bw_join(w, &b, "t", "c", 5);
    uint64_t first = bw_publish(w, "t");
    uint64_t second = bw_publish(w, "t");
    bw_leave(w, &a);
    assert_true(bw_receive(w, &b) == first);
    bw_leave(w, &b);
    bw_expect_silence(w);
    expect_places(w, 1, 1, 0);
    bw_join(w, &a, "t", "c", 1);
    assert_true(bw_receive(w, &a) == second);
    bw_leave(w, &a);
}

static void the_same_consumer_may_join_again(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 3);
    struct channel *channel = c.channel;
    (void)bw_publish(w, "t");
    uint64_t id = bw_receive(w, &c);
    for (int i = 0; i < 2; i++) {
        bw_leave(w, &c);
        bw_check(w);
        assert_int_equal(channel_join(channel, &c), CHANNEL_OK);
        assert_true(c.ready_count == 3); /* its settings are its own */
        bw_check(w);
    }
    assert_int_equal(bw_finish(w, &c, id), CHANNEL_NOT_OWNER);
    bw_leave(w, &c);
}

static void a_channel_has_at_most_max_consumers(void **state)
{
    struct broker_world *w = *state;
    struct consumer c[3] = {{.channel = NULL}, {.channel = NULL}, {.channel = NULL}};
    bw_config(w)->max_consumers = 2;
    struct channel *channel = bw_channel(w, "t", "c");
    assert_int_equal(channel_join(channel, &c[0]), CHANNEL_OK);
    assert_int_equal(channel_join(channel, &c[1]), CHANNEL_OK);
    assert_int_equal(channel_join(channel, &c[2]), CHANNEL_FULL);
    assert_null(c[2].channel);
    assert_int_equal(channel->consumer_count, 2);
    broker_unsubscribe(&w->broker, &c[2]);                                      /* nothing */
    assert_int_equal(channel_join(bw_channel(w, "t", "d"), &c[2]), CHANNEL_OK); /* of a channel */
    bw_leave(w, &c[2]);
    bw_leave(w, &c[0]);
    assert_int_equal(channel_join(channel, &c[2]), CHANNEL_OK);
    assert_int_equal(channel_join(channel, &c[0]), CHANNEL_FULL);
    bw_check(w);
    bw_leave(w, &c[1]);
    bw_leave(w, &c[2]);
}

static void max_consumers_0_is_no_bound(void **state)
{
    struct broker_world *w = *state;
    enum { MANY = 300 };
    static struct consumer c[MANY];
    for (size_t i = 0; i < MANY; i++) {
        bw_join(w, &c[i], "t", "c", 1);
    }
    assert_int_equal(c[0].channel->consumer_count, MANY);
    for (size_t i = 0; i < MANY; i++) {
        bw_leave(w, &c[i]);
    }
}

/* --- ephemeral channels ----------------------------------------------------------------------- */

static void a_full_ephemeral_channel_drops(void **state)
{
    struct broker_world *w = *state;
    static const char *const names[] = {"0#ephemeral", "1#ephemeral", "2#ephemeral"};
    for (int64_t size = 0; size <= 2; size++) {
        bw_config(w)->mem_queue_size = size;
        struct channel *channel = bw_channel(w, "t", names[size]);
        for (int64_t i = 1; i <= size + 2; i++) {
            (void)bw_publish(w, "t");
            int64_t kept = i < size ? i : size;
            assert_int_equal(channel->queue.n, kept);
            assert_int_equal(channel->drop_count, i - kept);
            assert_int_equal(channel->message_count, i); /* nsqd counts those too */
            bw_check(w);
        }
        assert_int_equal(broker_delete_channel(&w->broker, SPAN("t"), name_span(&channel->name)),
                         TOPOLOGY_OK);
    }
}

static void other_channels_do_not_drop(void **state)
{
    struct broker_world *w = *state;
    bw_config(w)->mem_queue_size = 1;
    const struct channel *channel = bw_channel(w, "t", "c");
    for (int i = 0; i < 5; i++) {
        (void)bw_publish(w, "t");
    }
    assert_int_equal(channel->queue.n, 5);
    assert_int_equal(channel->drop_count, 0);
}

/* What consumers will take before the next command does not fill the channel. */
static void ready_consumers_make_room_in_an_ephemeral_channel(void **state)
{
    struct broker_world *w = *state;
    struct consumer a;
    struct consumer b;
    bw_config(w)->mem_queue_size = 1;
    bw_join(w, &a, "t", "c#ephemeral", 2);
    bw_join(w, &b, "t", "c#ephemeral", 1);
    struct channel *channel = a.channel;
    for (size_t i = 1; i <= 5; i++) { /* 1 + 2 + 1 fit */
        (void)bw_publish(w, "t");
        assert_int_equal(channel->queue.n, i < 4 ? i : 4);
        assert_int_equal(channel->drop_count, i < 4 ? 0 : i - 4);
    }
    (void)bw_receive(w, &a);
    (void)bw_receive(w, &b);
    (void)bw_receive(w, &a);
    bw_expect_silence(w);
    (void)bw_publish(w, "t"); /* one is left in the queue, and nobody is ready */
    assert_int_equal(channel->drop_count, 2);
    bw_leave(w, &a);
    bw_leave(w, &b);
}

static void who_is_not_ready_makes_no_room(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_config(w)->mem_queue_size = 0;
    bw_join(w, &c, "t", "c#ephemeral", 1);
    struct channel *channel = c.channel;

    consumer_set_blocked(&c, true);
    (void)bw_publish(w, "t");
    assert_int_equal(channel->drop_count, 1);
    consumer_set_blocked(&c, false);

    channel_pause(channel, true);
    (void)bw_publish(w, "t");
    assert_int_equal(channel->drop_count, 2);
    channel_pause(channel, false);

    consumer_set_ready(&c, 0);
    (void)bw_publish(w, "t");
    assert_int_equal(channel->drop_count, 3);
    consumer_set_ready(&c, 1);

    (void)bw_publish(w, "t");
    assert_int_equal(channel->drop_count, 3);
    (void)bw_receive(w, &c);
    (void)bw_publish(w, "t");
    assert_int_equal(channel->drop_count, 4); /* 1 in flight of RDY 1 */

    struct consumer other;
    bw_join(w, &other, "t", "c#ephemeral", 1);
    bw_leave(w, &other); /* who has left makes none either */
    (void)bw_publish(w, "t");
    assert_int_equal(channel->drop_count, 5);
    bw_leave(w, &c);
}

/* A message that comes back to a full ephemeral channel is lost too, as nsqd's is. */
static void what_comes_back_to_a_full_ephemeral_channel_is_dropped(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_config(w)->mem_queue_size = 1;
    bw_join(w, &c, "t", "c#ephemeral", 3);
    struct channel *channel = c.channel;
    uint64_t id[3];
    for (size_t i = 0; i < 3; i++) {
        (void)bw_publish(w, "t");
        id[i] = bw_receive(w, &c);
    }
    assert_int_equal(bw_requeue(w, &c, id[0], 1), CHANNEL_OK);
    (void)bw_publish_later(w, "t", 1); /* deferred ones are not bounded */
    assert_int_equal(channel->deferred_count, 2);
    consumer_set_ready(&c, 0);
    (void)bw_publish(w, "t");
    assert_int_equal(channel->queue.n, 1);
    assert_int_equal(channel->drop_count, 0);
    assert_int_equal(bw_requeue(w, &c, id[1], 0), CHANNEL_OK);
    assert_int_equal(channel->drop_count, 1);
    assert_int_equal(bw_pass(w, BW_TIMEOUT), 3);
    assert_int_equal(channel->drop_count, 4);
    assert_int_equal(channel->queue.n, 1);
    assert_int_equal(channel->timeout_count, 1);
    assert_int_equal(channel->requeue_count, 2);
    bw_leave(w, &c);
}

static void the_largest_numbers_do_not_overflow(void **state)
{
    struct broker_world *w = *state;
    struct consumer a;
    struct consumer b;
    bw_config(w)->mem_queue_size = 0;
    bw_join(w, &a, "t", "c#ephemeral", INT64_MAX);
    bw_join(w, &b, "t", "c#ephemeral", INT64_MAX);
    (void)bw_publish(w, "t");
    (void)bw_publish(w, "t");
    assert_int_equal(a.channel->drop_count, 0);
    (void)bw_receive(w, &a);
    (void)bw_receive(w, &b);
    bw_config(w)->mem_queue_size = INT64_MAX;
    (void)bw_publish(w, "t");
    assert_int_equal(a.channel->drop_count, 0);
    bw_leave(w, &a);
    bw_leave(w, &b);
}

/* --- sampling --------------------------------------------------------------------------------- */

/* How many of n messages are delivered at a rate. */
static int sampled(struct broker_world *w, int32_t rate, int n)
{
    struct consumer c;
    struct delivery d;
    int delivered = 0;
    bw_join(w, &c, "t", "c#ephemeral", 1);
    c.sample_rate = rate;
    for (int i = 0; i < n; i++) {
        (void)bw_publish(w, "t");
        if (broker_deliver(&w->broker, w->now, &d)) {
            delivered++;
            assert_int_equal(bw_finish(w, &c, d.body->id), CHANNEL_OK);
        }
        assert_int_equal(c.channel->queue.n, 0); /* delivered or lost, but not kept */
    }
    assert_int_equal(c.message_count, delivered);
    assert_int_equal(c.finish_count, delivered);
    assert_int_equal(c.channel->message_count, n);
    assert_int_equal(c.channel->drop_count, 0);
    bw_leave(w, &c);
    return delivered;
}

/* Within four standard deviations. nsqd delivers one percent more: see the departures. */
static void sample_rate_is_the_percentage_that_is_delivered(void **state)
{
    struct broker_world *w = *state;
    assert_int_equal(sampled(w, 0, 1000), 1000);
    assert_in_range(sampled(w, 1, 20000), 200 - 56, 200 + 56);
    assert_in_range(sampled(w, 50, 10000), 5000 - 200, 5000 + 200);
    assert_in_range(sampled(w, 99, 10000), 9900 - 40, 9900 + 40);
}

static void sampling_is_replayed_from_the_seed(void **state)
{
    (void)state;
    int delivered[3];
    for (uint64_t i = 0; i < 3; i++) {
        struct broker_world w;
        struct broker_config config = bw_defaults();
        config.seed.k[0] = i / 2; /* also 0, from which the generator could not start */
        config.seed.k[1] = 0;
        bw_open(&w, &config);
        delivered[i] = sampled(&w, 50, 1000);
        bw_close(&w);
    }
    assert_int_equal(delivered[0], delivered[1]);
    assert_int_not_equal(delivered[0], delivered[2]);
}

/* xorshift64* from 1, whose upper half modulo 100 decides; computed apart from the broker. */
static void sampling_is_the_generator_that_it_says(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    struct delivery d;
    uint64_t delivered = 0;
    bw_join(w, &c, "t", "c", 100);
    c.sample_rate = 50;
    w->broker.core.random = 1;
    for (unsigned i = 0; i < 64; i++) {
        (void)bw_publish(w, "t");
        delivered |= (uint64_t)broker_deliver(&w->broker, w->now, &d) << i;
    }
    assert_true(delivered == 0x250570d1edfa8da8);
    bw_leave(w, &c);
}

/* Peers see who is sampled. The seed keeps them from choosing names that collide, so it must not
 * show. */
static void sampling_does_not_start_from_the_seed_itself(void **state)
{
    struct broker_world *w = *state;
    const struct broker_core *core = &w->broker.core;
    for (size_t i = 0; i < 2; i++) {
        assert_true((core->random | 1) != (core->config.seed.k[i] | 1));
    }
}

/* A message that sampling drops has had its turn. Otherwise who takes one percent would use up a
 * hundred messages for each that the others get. */
static void a_sampled_consumer_uses_its_own_turns_only(void **state)
{
    struct broker_world *w = *state;
    enum { N = 10000 };
    struct consumer sampler;
    struct consumer all;
    bw_join(w, &sampler, "t", "c", N);
    bw_join(w, &all, "t", "c", N);
    sampler.sample_rate = 1;
    for (int i = 0; i < N; i++) {
        (void)bw_publish(w, "t");
    }
    struct delivery d;
    while (broker_deliver(&w->broker, w->now, &d)) {
    }
    assert_int_equal(all.message_count, N / 2);
    assert_in_range(sampler.message_count, 50 - 28, 50 + 28);
    bw_leave(w, &sampler);
    bw_leave(w, &all);
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
    const UT_hash_table *table = c.channel->in_flight->hh.tbl;
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
    expect_places(w, 60, 40, 100);
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
        BW_TEST(ready_is_a_level),
        BW_TEST(each_end_of_a_flight_frees_a_place),
        BW_TEST(raising_ready_gives_more_at_once),
        BW_TEST(lowering_ready_below_what_is_in_flight_waits),
        BW_TEST(a_held_consumer_is_not_ready),
        BW_TEST(a_held_consumer_leaves_its_turn_to_others),
        BW_TEST(a_paused_channel_delivers_nothing),
        BW_TEST(what_is_in_flight_goes_on_in_a_paused_channel),
        BW_TEST(consumers_take_turns),
        BW_TEST(who_becomes_ready_stands_at_the_end),
        BW_TEST(only_the_owner_can_end_a_flight),
        BW_TEST(another_channel_has_another_flight),
        BW_TEST(an_id_that_was_not_printed_is_not_in_flight),
        BW_TEST(what_a_consumer_leaves_in_flight_times_out),
        BW_TEST(a_message_belongs_to_who_got_it_last),
        BW_TEST(who_leaves_gets_nothing_more),
        BW_TEST(the_same_consumer_may_join_again),
        BW_TEST(a_channel_has_at_most_max_consumers),
        BW_TEST(max_consumers_0_is_no_bound),
        BW_TEST(a_full_ephemeral_channel_drops),
        BW_TEST(other_channels_do_not_drop),
        BW_TEST(ready_consumers_make_room_in_an_ephemeral_channel),
        BW_TEST(who_is_not_ready_makes_no_room),
        BW_TEST(what_comes_back_to_a_full_ephemeral_channel_is_dropped),
        BW_TEST(the_largest_numbers_do_not_overflow),
        BW_TEST(sample_rate_is_the_percentage_that_is_delivered),
        BW_TEST(sampling_is_replayed_from_the_seed),
        BW_TEST(sampling_is_the_generator_that_it_says),
        BW_TEST(sampling_does_not_start_from_the_seed_itself),
        BW_TEST(a_sampled_consumer_uses_its_own_turns_only),
        BW_TEST(ids_that_stay_in_flight_are_spread),
        BW_TEST(a_channel_ends_with_all_that_it_holds),
    };
    return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
