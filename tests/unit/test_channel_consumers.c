/* SPDX-License-Identifier: MIT */
/* Tests of broker/channel.h: which consumer is ready, whose turn it is, and which consumer owns
 * what is in flight.
 */
#include "broker/channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/broker_world.h"

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
        if (ready > 0) { /* each end of a flight frees one place, without another RDY */
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
    bw_expect_silence(w); /* a touch frees none */
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
    consumer_set_ready(&c, 3); /* the same RDY again changes nothing */
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

static void a_blocked_consumer_is_not_ready(void **state)
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
    consumer_set_blocked(&c, true); /* the second call changes nothing */
    (void)bw_publish(w, "t");
    assert_int_equal(bw_finish(w, &c, id), CHANNEL_OK); /* it may finish what it has */
    bw_expect_silence(w);
    consumer_set_blocked(&c, false);
    (void)bw_receive(w, &c);
    bw_leave(w, &c);
}

static void a_blocked_consumer_leaves_its_turn_to_others(void **state)
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
    bw_expect_places(w, 2, 1, 0);
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
    bw_expect_places(w, 3, 0, 0);
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
    for (size_t i = 0; i < 9; i++) { /* the same when many messages wait */
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

/* A consumer that finishes first is not preferred: it comes after those that have waited. */
static void a_consumer_that_becomes_ready_is_last(void **state)
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
    assert_int_equal(consumer_finish(&c, span_make(id, NSQ_MESSAGE_ID_SIZE - 1), 0, 0),
                     CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(consumer_finish(&c, span_make(id, sizeof id), 0, 0), CHANNEL_NOT_IN_FLIGHT);
    uint8_t upper[NSQ_MESSAGE_ID_SIZE];
    bool letters = false;
    for (size_t i = 0; i < sizeof upper; i++) {
        bool letter = id[i] >= 'a';
        upper[i] = letter ? (uint8_t)(id[i] - 'a' + 'A') : id[i];
        letters = letters || letter;
    }
    assert_true(letters);
    struct span wrong = span_make(upper, sizeof upper);
    assert_int_equal(consumer_finish(&c, wrong, 0, 0), CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(consumer_requeue(&c, wrong, 0, w->now), CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(consumer_touch(&c, wrong, 1, w->now), CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(consumer_finish(&c, span_make(id, NSQ_MESSAGE_ID_SIZE), 0, 0), CHANNEL_OK);
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
    bw_expect_places(w, 0, 2, 0);
    consumer_set_ready(&other, 2);
    bw_expect_silence(w);
    assert_int_equal(bw_finish(w, &other, first), CHANNEL_NOT_OWNER);
    bw_join(w, &gone, "t", "c", 0); /* a consumer that comes back does not own them either */
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

static void a_message_belongs_to_the_last_that_got_it(void **state)
{
    struct broker_world *w = *state;
    struct consumer first;
    struct consumer second;
    bw_join(w, &first, "t", "c", 1);
    uint64_t id = bw_publish(w, "t");
    assert_true(bw_receive(w, &first) == id);
    assert_int_equal(bw_pass(w, BW_TIMEOUT), 1);
    assert_true(bw_receive(w, &first) == id); /* to the same consumer again, which may finish it */
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

static void a_consumer_that_has_left_gets_nothing(void **state)
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
    bw_expect_places(w, 1, 1, 0);
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
        assert_true(c.ready_count == 3); /* a consumer keeps its settings */
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
    broker_unsubscribe(&w->broker, &c[2]); /* it is not subscribed */
    assert_int_equal(channel_join(bw_channel(w, "t", "d"), &c[2]),
                     CHANNEL_OK); /* the bound is of one channel */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        BW_TEST(ready_is_a_level),
        BW_TEST(each_end_of_a_flight_frees_a_place),
        BW_TEST(raising_ready_gives_more_at_once),
        BW_TEST(lowering_ready_below_what_is_in_flight_waits),
        BW_TEST(a_blocked_consumer_is_not_ready),
        BW_TEST(a_blocked_consumer_leaves_its_turn_to_others),
        BW_TEST(a_paused_channel_delivers_nothing),
        BW_TEST(what_is_in_flight_goes_on_in_a_paused_channel),
        BW_TEST(consumers_take_turns),
        BW_TEST(a_consumer_that_becomes_ready_is_last),
        BW_TEST(only_the_owner_can_end_a_flight),
        BW_TEST(another_channel_has_another_flight),
        BW_TEST(an_id_that_was_not_printed_is_not_in_flight),
        BW_TEST(what_a_consumer_leaves_in_flight_times_out),
        BW_TEST(a_message_belongs_to_the_last_that_got_it),
        BW_TEST(a_consumer_that_has_left_gets_nothing),
        BW_TEST(the_same_consumer_may_join_again),
        BW_TEST(a_channel_has_at_most_max_consumers),
        BW_TEST(max_consumers_0_is_no_bound),
    };
    return cmocka_run_group_tests_name("channel_consumers", tests, NULL, NULL);
}
