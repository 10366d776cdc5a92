/* SPDX-License-Identifier: MIT */
/* Tests of broker/topology.h: topics and channels are deleted, emptied and paused while consumers
 * are on them and messages are in flight. */
#include "broker/topology.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/broker_world.h"

static enum topology_result delete_topic(struct broker_world *w, const char *topic)
{
    enum topology_result result = broker_delete_topic(&w->broker, bw_span(topic));
    bw_check(w);
    return result;
}

static enum topology_result delete_channel(struct broker_world *w, const char *topic,
                                           const char *channel)
{
    enum topology_result result =
        broker_delete_channel(&w->broker, bw_span(topic), bw_span(channel));
    bw_check(w);
    return result;
}

static enum topology_result empty_channel(struct broker_world *w, const char *topic,
                                          const char *channel)
{
    enum topology_result result =
        broker_empty_channel(&w->broker, bw_span(topic), bw_span(channel));
    bw_check(w);
    return result;
}

/* Two consumers on channel "c" of topic "t" and one on "other". In "c": one message of each
 * consumer in flight, two queued, one deferred. In "other": all five. */
struct busy {
    struct consumer a;
    struct consumer b;
    struct consumer other;
    uint64_t of_a; /* in flight */
    uint64_t of_b;
};

static void make_busy(struct broker_world *w, struct busy *busy)
{
    bw_join(w, &busy->a, "t", "c", 1);
    bw_join(w, &busy->b, "t", "c", 1);
    bw_join(w, &busy->other, "t", "other", 0);
    busy->of_a = bw_publish(w, "t");
    busy->of_b = bw_publish(w, "t");
    (void)bw_publish(w, "t");
    (void)bw_publish(w, "t");
    (void)bw_publish_later(w, "t", 5);
    assert_true(bw_receive(w, &busy->a) == busy->of_a);
    assert_true(bw_receive(w, &busy->b) == busy->of_b);
    bw_drop_log(w);
}

static void expect_orphan(struct broker_world *w, const struct consumer *c)
{
    assert_ptr_equal(broker_next_orphan(&w->broker), c);
    assert_null(c->channel);
    assert_int_equal(c->in_flight_count, 0);
    bw_check(w);
}

/* --- names ------------------------------------------------------------------------------------ */

static void what_does_not_exist_is_not_found(void **state)
{
    struct broker_world *w = *state;
    struct broker *b = &w->broker;
    struct span t = SPAN("t");
    struct span x = SPAN("x");
    (void)bw_channel(w, "t", "c");
    bw_drop_log(w);
    assert_int_equal(broker_delete_topic(b, x), TOPOLOGY_NO_TOPIC);
    assert_int_equal(broker_empty_topic(b, x), TOPOLOGY_NO_TOPIC);
    assert_int_equal(broker_pause_topic(b, x, true, w->now), TOPOLOGY_NO_TOPIC);
    assert_int_equal(broker_delete_channel(b, x, SPAN("c")), TOPOLOGY_NO_TOPIC);
    assert_int_equal(broker_empty_channel(b, x, SPAN("c")), TOPOLOGY_NO_TOPIC);
    assert_int_equal(broker_pause_channel(b, x, SPAN("c"), true), TOPOLOGY_NO_TOPIC);
    assert_int_equal(broker_delete_channel(b, t, x), TOPOLOGY_NO_CHANNEL);
    assert_int_equal(broker_empty_channel(b, t, x), TOPOLOGY_NO_CHANNEL);
    assert_int_equal(broker_pause_channel(b, t, x, true), TOPOLOGY_NO_CHANNEL);
    assert_int_equal(broker_delete_topic(b, SPAN("")), TOPOLOGY_NO_TOPIC); /* no valid name */
    assert_null(bw_find_topic(w, "x"));
    assert_false(bw_channel(w, "t", "c")->paused);
    assert_null(broker_next_orphan(b));
    bw_expect_no_log(w);
    bw_check(w);
}

/* --- deleting --------------------------------------------------------------------------------- */

/* Thousands of consumers may be subscribed to one channel. They become orphans in slices. Meanwhile
 * they are subscribed to a channel that delivers nothing and has no messages. */
static void a_deleted_channel_hands_out_many_consumers_in_slices(void **state)
{
    (void)state;
    enum { COUNT = 100, EFFORT = 20 };
    static struct consumer consumers[COUNT];
    struct broker_world w;
    struct broker_config config = bw_defaults();
    config.effort_a_call = EFFORT;
    bw_open(&w, &config);
    for (size_t i = 0; i < COUNT; i++) {
        bw_join(&w, &consumers[i], "t", "c", 1);
    }
    broker_begin_call(&w.broker);
    assert_int_equal(delete_channel(&w, "t", "c"), TOPOLOGY_OK);
    assert_null(topic_find_channel(bw_find_topic(&w, "t"), SPAN("c")));
    size_t orphans = 0;
    for (size_t calls = 1; orphans < COUNT; calls++) {
        size_t before = orphans;
        while (broker_next_orphan(&w.broker) == &consumers[orphans]) {
            orphans++;
        }
        assert_in_range(orphans - before, 1, EFFORT / EFFORT_ORPHAN);
        bw_check(&w);
        if (calls == 2) { /* some leave by themselves, and a new channel may have the name */
            consumer_set_ready(&consumers[COUNT - 1], 5);
            consumer_set_blocked(&consumers[COUNT - 1], true);
            assert_int_equal(consumer_finish(&consumers[COUNT - 1], SPAN("0123456789abcdef"), 0, 0),
                             CHANNEL_NOT_IN_FLIGHT);
            (void)bw_channel(&w, "t", "c");
            (void)bw_publish(&w, "t");
            assert_int_equal(broker_delete_topic(&w.broker, SPAN("t")), TOPOLOGY_OK);
        }
        broker_begin_call(&w.broker);
        broker_collect(&w.broker);
    }
    while (broker_can_collect(&w.broker)) {
        broker_begin_call(&w.broker);
        broker_collect(&w.broker);
    }
    bw_check(&w);
    bw_close(&w);
}

static void a_deleted_channel_hands_out_its_consumers(void **state)
{
    struct broker_world *w = *state;
    struct busy busy;
    make_busy(w, &busy);
    assert_int_equal(delete_channel(w, "t", "c"), TOPOLOGY_OK);
    bw_expect_log(w, LOG_INFO, "TOPIC(%): deleting channel %", "|t|c");
    bw_expect_log(w, LOG_INFO, "CHANNEL(%): deleting", "|c");
    bw_expect_no_log(w);
    assert_null(topic_find_channel(bw_find_topic(w, "t"), SPAN("c")));
    expect_orphan(w, &busy.a);
    expect_orphan(w, &busy.b);
    assert_null(broker_next_orphan(&w->broker));
    assert_ptr_equal(busy.other.channel, bw_channel(w, "t", "other")); /* it was not touched */
    assert_int_equal(busy.other.channel->queue.n, 4);
    assert_int_equal(busy.other.channel->timed->deferred_count, 1);
    assert_int_equal(bw_channel(w, "t", "c")->queue.n, 0); /* made anew, and empty */
    bw_expect_silence(w);
    bw_leave(w, &busy.other);
}

/* Until its connection is closed, a client may send commands. They find nothing. */
static void an_orphan_owns_nothing(void **state)
{
    struct broker_world *w = *state;
    struct busy busy;
    make_busy(w, &busy);
    assert_int_equal(delete_channel(w, "t", "c"), TOPOLOGY_OK);
    struct consumer later;
    bw_join(w, &later, "t", "c", 5); /* the same name, another channel */
    for (int handed_out = 0; handed_out <= 1; handed_out++) {
        assert_int_equal(bw_finish(w, &busy.a, busy.of_a), CHANNEL_NOT_IN_FLIGHT);
        assert_int_equal(bw_requeue(w, &busy.a, busy.of_a, 0), CHANNEL_NOT_IN_FLIGHT);
        assert_int_equal(bw_touch(w, &busy.a, busy.of_a, 1), CHANNEL_NOT_IN_FLIGHT);
        consumer_set_ready(&busy.a, 5);
        consumer_set_blocked(&busy.a, true);
        consumer_set_blocked(&busy.a, false);
        uint64_t id = bw_publish(w, "t");
        assert_true(bw_receive(w, &later) == id);
        bw_expect_silence(w);
        if (handed_out == 0) {
            expect_orphan(w, &busy.a);
        }
    }
    bw_leave(w, &later);
    bw_leave(w, &busy.other);
}

/* Its connection may end by itself before it is closed. */
static void an_orphan_that_leaves_is_not_handed_out(void **state)
{
    struct broker_world *w = *state;
    struct busy busy;
    make_busy(w, &busy);
    assert_int_equal(delete_channel(w, "t", "c"), TOPOLOGY_OK);
    bw_leave(w, &busy.a);
    bw_check(w);
    expect_orphan(w, &busy.b);
    assert_null(broker_next_orphan(&w->broker));
    bw_leave(w, &busy.a); /* this changes nothing */
    bw_leave(w, &busy.b);
    bw_leave(w, &busy.other);
}

static void an_ephemeral_topic_is_deleted_with_its_last_channel(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    (void)bw_channel(w, "t#ephemeral", "a");
    bw_join(w, &c, "t#ephemeral", "b", 1);
    assert_int_equal(delete_channel(w, "t#ephemeral", "a"), TOPOLOGY_OK);
    assert_non_null(bw_find_topic(w, "t#ephemeral"));
    bw_drop_log(w);
    assert_int_equal(delete_channel(w, "t#ephemeral", "b"), TOPOLOGY_OK);
    bw_expect_log(w, LOG_INFO, "TOPIC(%): deleting channel %", "|t#ephemeral|b");
    bw_expect_log(w, LOG_INFO, "CHANNEL(%): deleting", "|b");
    bw_expect_log(w, LOG_INFO, "TOPIC(%): deleting", "|t#ephemeral");
    bw_expect_no_log(w);
    assert_null(bw_find_topic(w, "t#ephemeral"));
    assert_int_equal(w->broker.core.budget.used, 0);
    expect_orphan(w, &c);
}

static void a_deleted_topic_hands_out_the_consumers_of_all_channels(void **state)
{
    struct broker_world *w = *state;
    struct busy busy;
    make_busy(w, &busy);
    topic_pause(bw_topic(w, "t"), true, w->now);
    (void)bw_publish(w, "t");
    uint64_t last = bw_topic(w, "t")->serial;
    assert_int_equal(delete_topic(w, "t"), TOPOLOGY_OK);
    bw_expect_log(w, LOG_INFO, "TOPIC(%): deleting", "|t");
    bw_expect_log(w, LOG_INFO, "CHANNEL(%): deleting", "|c");
    bw_expect_log(w, LOG_INFO, "CHANNEL(%): deleting", "|other");
    bw_expect_no_log(w);
    assert_null(bw_find_topic(w, "t"));
    assert_int_equal(w->broker.core.budget.used, 0);
    assert_true(broker_next_deadline(&w->broker) == TIME_NEVER);
    expect_orphan(w, &busy.a);
    expect_orphan(w, &busy.b);
    expect_orphan(w, &busy.other);
    assert_null(broker_next_orphan(&w->broker));
    (void)bw_publish(w, "t"); /* makes another topic */
    assert_true(bw_topic(w, "t")->serial > last);
    assert_int_equal(bw_topic(w, "t")->message_count, 1);
    assert_false(bw_topic(w, "t")->paused);
}

static void an_ephemeral_topic_can_be_deleted(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t#ephemeral", "c#ephemeral", 1);
    (void)bw_topic(w, "u#ephemeral");
    assert_int_equal(delete_topic(w, "t#ephemeral"), TOPOLOGY_OK);
    assert_int_equal(delete_topic(w, "u#ephemeral"), TOPOLOGY_OK);
    assert_int_equal(w->broker.core.budget.used, 0);
    expect_orphan(w, &c);
    bw_leave(w, &c);
}

/* --- emptying --------------------------------------------------------------------------------- */

static void an_emptied_channel_holds_nothing(void **state)
{
    struct broker_world *w = *state;
    struct busy busy;
    make_busy(w, &busy);
    const struct channel *channel = busy.a.channel;
    assert_int_equal(empty_channel(w, "t", "c"), TOPOLOGY_OK);
    bw_expect_no_log(w);
    assert_int_equal(channel->queue.n, 0);
    assert_int_equal(channel->timed->deferred_count, 0);
    assert_int_equal(channel_in_flight_count(channel), 0);
    assert_int_equal(busy.a.in_flight_count, 0);
    assert_int_equal(busy.b.in_flight_count, 0);
    assert_int_equal(channel->message_count, 5); /* counters stay */
    assert_int_equal(bw_finish(w, &busy.a, busy.of_a), CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(bw_finish(w, &busy.b, busy.of_a), CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(bw_requeue(w, &busy.b, busy.of_b, 0), CHANNEL_NOT_IN_FLIGHT);
    assert_int_equal(busy.other.channel->queue.n, 4); /* it is another channel */
    assert_int_equal(busy.other.channel->timed->deferred_count, 1);
    assert_null(broker_next_orphan(&w->broker));
    (void)bw_publish(w, "t");
    (void)bw_publish(w, "t");
    assert_int_equal(w->broker.core.active.next == &channel->active_link, 1);
    (void)bw_receive(w, &busy.a); /* both are ready again */
    (void)bw_receive(w, &busy.b);
    bw_expect_silence(w);
    bw_leave(w, &busy.a);
    bw_leave(w, &busy.b);
    bw_leave(w, &busy.other);
}

/* Messages of a consumer that has left are in flight without an owner. */
static void what_nobody_owns_is_emptied_too(void **state)
{
    struct broker_world *w = *state;
    struct busy busy;
    make_busy(w, &busy);
    bw_leave(w, &busy.a);
    assert_int_equal(channel_in_flight_count(busy.b.channel), 2);
    assert_int_equal(empty_channel(w, "t", "c"), TOPOLOGY_OK);
    assert_int_equal(channel_in_flight_count(busy.b.channel), 0);
    bw_leave(w, &busy.b);
    bw_leave(w, &busy.other);
}

static void an_emptied_topic_keeps_what_its_channels_have(void **state)
{
    struct broker_world *w = *state;
    struct busy busy;
    make_busy(w, &busy);
    struct topic *topic = bw_topic(w, "t");
    size_t used = w->broker.core.budget.used;
    topic_pause(topic, true, w->now);
    (void)bw_publish(w, "t");
    (void)bw_publish(w, "t");
    assert_int_equal(broker_empty_topic(&w->broker, SPAN("t")), TOPOLOGY_OK);
    bw_check(w);
    assert_int_equal(topic->queue.n, 0);
    assert_int_equal(topic->message_count, 7);
    assert_int_equal(w->broker.core.budget.used, used);
    topic_pause(topic, false, w->now);
    assert_int_equal(busy.other.channel->queue.n, 4);
    assert_int_equal(bw_finish(w, &busy.a, busy.of_a), CHANNEL_OK);
    bw_leave(w, &busy.a);
    bw_leave(w, &busy.b);
    bw_leave(w, &busy.other);
}

/* --- pausing ---------------------------------------------------------------------------------- */

static void a_paused_channel_delivers_nothing(void **state)
{
    struct broker_world *w = *state;
    struct busy busy;
    make_busy(w, &busy);
    assert_int_equal(broker_pause_channel(&w->broker, SPAN("t"), SPAN("c"), true), TOPOLOGY_OK);
    bw_check(w);
    assert_int_equal(bw_finish(w, &busy.a, busy.of_a),
                     CHANNEL_OK); /* a message in flight can be finished */
    bw_expect_silence(w);
    assert_int_equal(bw_pass(w, BW_TIMEOUT), 3);
    bw_expect_silence(w);
    assert_int_equal(broker_pause_channel(&w->broker, SPAN("t"), SPAN("c"), false), TOPOLOGY_OK);
    bw_check(w);
    (void)bw_receive(w, &busy.a);
    (void)bw_receive(w, &busy.b);
    bw_leave(w, &busy.a);
    bw_leave(w, &busy.b);
    bw_leave(w, &busy.other);
}

static void a_paused_topic_keeps_messages(void **state)
{
    struct broker_world *w = *state;
    const struct channel *channel = bw_channel(w, "t", "c");
    assert_int_equal(broker_pause_topic(&w->broker, SPAN("t"), true, w->now), TOPOLOGY_OK);
    (void)bw_publish(w, "t");
    assert_int_equal(bw_topic(w, "t")->queue.n, 1);
    bw_check(w);
    assert_int_equal(broker_pause_topic(&w->broker, SPAN("t"), false, w->now), TOPOLOGY_OK);
    assert_int_equal(channel->queue.n, 1);
    bw_check(w);
}

/* --- the last consumer leaves --------------------------------------------------------------------
 */

static void a_consumer_that_is_not_subscribed_may_leave(void **state)
{
    struct broker_world *w = *state;
    struct consumer c = {.channel = NULL};
    broker_unsubscribe(&w->broker, &c);
    bw_join(w, &c, "t", "c", 1);
    bw_drop_log(w);
    broker_unsubscribe(&w->broker, &c);
    broker_unsubscribe(&w->broker, &c);
    bw_expect_no_log(w);
    assert_non_null(topic_find_channel(bw_find_topic(w, "t"), SPAN("c"))); /* it stays */
    bw_check(w);
}

static void an_ephemeral_channel_ends_with_its_last_consumer(void **state)
{
    struct broker_world *w = *state;
    struct consumer a;
    struct consumer b;
    bw_join(w, &a, "t", "c#ephemeral", 1);
    bw_join(w, &b, "t", "c#ephemeral", 1);
    (void)bw_publish(w, "t");
    (void)bw_publish(w, "t");
    (void)bw_publish(w, "t");
    (void)bw_publish_later(w, "t", 5);
    (void)bw_receive(w, &a);
    (void)bw_receive(w, &b);
    bw_drop_log(w);
    bw_leave(w, &b);
    bw_expect_no_log(w);
    bw_check(w);
    assert_ptr_equal(topic_find_channel(bw_find_topic(w, "t"), SPAN("c#ephemeral")), a.channel);
    bw_leave(w, &a);
    bw_expect_log(w, LOG_INFO, "TOPIC(%): deleting channel %", "|t|c#ephemeral");
    bw_expect_log(w, LOG_INFO, "CHANNEL(%): deleting", "|c#ephemeral");
    bw_expect_no_log(w);
    assert_null(topic_find_channel(bw_find_topic(w, "t"), SPAN("c#ephemeral")));
    assert_int_equal(w->broker.core.budget.used, TOPIC_COST);
    assert_true(broker_next_deadline(&w->broker) == TIME_NEVER);
    bw_expect_silence(w);
}

static void an_ephemeral_topic_ends_with_its_last_channel(void **state)
{
    struct broker_world *w = *state;
    struct consumer a;
    struct consumer b;
    bw_join(w, &a, "t#ephemeral", "a#ephemeral", 1);
    bw_join(w, &b, "t#ephemeral", "b#ephemeral", 1);
    topic_pause(bw_topic(w, "t#ephemeral"), true, w->now);
    (void)bw_publish(w, "t#ephemeral");
    bw_leave(w, &a);
    bw_drop_log(w);
    bw_check(w);
    assert_non_null(bw_find_topic(w, "t#ephemeral"));
    bw_leave(w, &b);
    bw_expect_log(w, LOG_INFO, "TOPIC(%): deleting channel %", "|t#ephemeral|b#ephemeral");
    bw_expect_log(w, LOG_INFO, "CHANNEL(%): deleting", "|b#ephemeral");
    bw_expect_log(w, LOG_INFO, "TOPIC(%): deleting", "|t#ephemeral");
    bw_expect_no_log(w);
    assert_null(bw_find_topic(w, "t#ephemeral"));
    assert_int_equal(w->broker.core.budget.used, 0);
    bw_join(w, &a, "t#ephemeral", "a#ephemeral", 1); /* and is made anew */
    assert_int_equal(bw_topic(w, "t#ephemeral")->message_count, 0);
    assert_false(bw_topic(w, "t#ephemeral")->paused);
    bw_leave(w, &a);
}

static void what_is_not_ephemeral_keeps_what_is(void **state)
{
    struct broker_world *w = *state;
    struct consumer stays;
    struct consumer ends;
    bw_join(w, &stays, "t#ephemeral", "c", 1);
    bw_join(w, &ends, "t#ephemeral", "c#ephemeral", 1);
    bw_leave(w, &ends);
    bw_leave(w, &stays);
    struct topic *topic = bw_find_topic(w, "t#ephemeral");
    assert_non_null(topic);
    assert_non_null(topic_find_channel(topic, SPAN("c")));
    assert_null(topic_find_channel(topic, SPAN("c#ephemeral")));
    (void)bw_publish(w, "u#ephemeral"); /* a topic that never had a channel stays */
    bw_join(w, &ends, "v", "c#ephemeral", 1);
    bw_leave(w, &ends);
    assert_non_null(bw_find_topic(w, "u#ephemeral"));
    assert_non_null(bw_find_topic(w, "v"));
    bw_check(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BW_TEST(what_does_not_exist_is_not_found),
        BW_TEST(a_deleted_channel_hands_out_its_consumers),
        cmocka_unit_test(a_deleted_channel_hands_out_many_consumers_in_slices),
        BW_TEST(an_orphan_owns_nothing),
        BW_TEST(an_orphan_that_leaves_is_not_handed_out),
        BW_TEST(an_ephemeral_topic_is_deleted_with_its_last_channel),
        BW_TEST(a_deleted_topic_hands_out_the_consumers_of_all_channels),
        BW_TEST(an_ephemeral_topic_can_be_deleted),
        BW_TEST(an_emptied_channel_holds_nothing),
        BW_TEST(what_nobody_owns_is_emptied_too),
        BW_TEST(an_emptied_topic_keeps_what_its_channels_have),
        BW_TEST(a_paused_channel_delivers_nothing),
        BW_TEST(a_paused_topic_keeps_messages),
        BW_TEST(a_consumer_that_is_not_subscribed_may_leave),
        BW_TEST(an_ephemeral_channel_ends_with_its_last_consumer),
        BW_TEST(an_ephemeral_topic_ends_with_its_last_channel),
        BW_TEST(what_is_not_ephemeral_keeps_what_is),
    };
    return cmocka_run_group_tests_name("topology", tests, NULL, NULL);
}
