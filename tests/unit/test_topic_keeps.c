/* SPDX-License-Identifier: MIT */
/*
 * Tests of broker/topic.h: what a topic that is paused or starting keeps, and the memory that is
 * reserved for it.
 */
#include "broker/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/broker_world.h"

/* Returns a topic that keeps its messages: it is paused, or it is starting. */
static struct topic *keeping_topic(struct broker_world *w, const char *name, bool paused)
{
    w->broker.core.start_topics_later = !paused;
    struct topic *topic = bw_topic(w, name);
    topic_pause(topic, paused, w->now);
    return topic;
}

static void let_flow(const struct broker_world *w, struct topic *topic)
{
    topic_pause(topic, false, w->now);
    topic_start(topic, w->now);
}

/* When the messages flow, nothing can be refused any more. So their memory is charged before. */
static void kept_messages_are_charged_for_all_channels(void **state)
{
    struct broker_world *w = *state;
    const struct budget *budget = &w->broker.core.budget;
    for (int paused = 0; paused <= 1; paused++) {
        struct topic *topic = keeping_topic(w, paused ? "t" : "u", paused);
        const char *name = paused ? "t" : "u";
        (void)bw_publish_later(w, name, 5);
        (void)bw_publish(w, name);
        bw_check(w);
        (void)bw_channel(w, name, "a");
        (void)bw_channel(w, name, "b");
        bw_check(w);
        size_t before = budget->used;
        (void)bw_publish_later(w, name, 5);
        (void)bw_publish(w, name);
        size_t each = 2 * body_cost(4) + 2 * MESSAGE_COST + 2 * DEFERRED_COST;
        assert_int_equal(budget->used, before + each);
        before = budget->used;
        (void)bw_channel(w, name, "c");
        assert_int_equal(budget->used,
                         before + CHANNEL_COST + 4 * MESSAGE_COST + 2 * DEFERRED_COST);
        assert_int_equal(topic->queue.n, 4);
        bw_check(w);
        before = budget->used;
        let_flow(w, topic);
        assert_int_equal(topic->queue.n, 0);
        assert_int_equal(budget->used, before);
        bw_check(w);
    }
}

static void a_deleted_channel_gives_its_share_of_kept_messages_back(void **state)
{
    struct broker_world *w = *state;
    const struct budget *budget = &w->broker.core.budget;
    (void)keeping_topic(w, "t", true);
    (void)bw_channel(w, "t", "a");
    (void)bw_publish_later(w, "t", 5);
    (void)bw_publish(w, "t");
    size_t before = budget->used;
    (void)bw_channel(w, "t", "b");
    assert_int_equal(broker_delete_channel(&w->broker, SPAN("t"), SPAN("a")), TOPOLOGY_OK);
    assert_int_equal(budget->used, before);
    bw_check(w);
    assert_int_equal(broker_delete_channel(&w->broker, SPAN("t"), SPAN("b")), TOPOLOGY_OK);
    bw_check(w);
    (void)bw_channel(w, "t", "c");
    assert_int_equal(broker_empty_topic(&w->broker, SPAN("t")), TOPOLOGY_OK);
    assert_int_equal(budget->used, TOPIC_COST + CHANNEL_COST);
}

/* The messages that the topic keeps may not use the reserve. */
static void a_channel_needs_room_for_what_the_topic_keeps(void **state)
{
    struct broker_world *w = *state;
    struct budget *budget = &w->broker.core.budget;
    for (int paused = 0; paused <= 1; paused++) {
        const char *name = paused ? "t" : "u";
        struct topic *topic = keeping_topic(w, name, paused);
        (void)bw_publish(w, name);
        (void)bw_publish_later(w, name, 5);
        budget->cap = budget->used; /* the first channel needs only its own memory */
        assert_non_null(topic_channel(topic, SPAN("a"), w->now));
        size_t more = CHANNEL_COST + 2 * MESSAGE_COST + DEFERRED_COST;
        for (size_t missing = 2; missing-- > 0;) {
            bw_drop_log(w);
            budget->cap = budget->used + more - missing;
            struct channel *channel = topic_channel(topic, SPAN("b"), w->now);
            assert_true((channel == NULL) == (missing > 0));
            assert_ptr_equal(topic_find_channel(topic, SPAN("b")), channel);
            assert_true(list_empty(&w->log.waiting) == (channel == NULL));
            bw_check(w);
        }
        assert_int_equal(broker_empty_topic(&w->broker, bw_span(name)), TOPOLOGY_OK);
        budget->cap = budget->used; /* there is nothing to keep any more */
        assert_non_null(topic_channel(topic, SPAN("c"), w->now));
        budget->cap = (size_t)1 << 30;
    }
}

/* Its channels, which are not known yet, get what is published before the start. */
static void an_ephemeral_topic_that_is_starting_keeps_everything(void **state)
{
    struct broker_world *w = *state;
    bw_config(w)->mem_queue_size = 2;
    struct topic *topic = keeping_topic(w, "t#ephemeral", false);
    for (int i = 0; i < 3; i++) {
        (void)bw_publish(w, "t#ephemeral");
    }
    struct channel *channel = bw_channel(w, "t#ephemeral", "c");
    (void)bw_publish(w, "t#ephemeral");
    (void)bw_publish_later(w, "t#ephemeral", 5);
    assert_int_equal(topic->queue.n, 5);
    bw_check(w);
    topic_start(topic, w->now);
    assert_int_equal(topic->drop_count, 0);
    assert_int_equal(channel->queue.n, 4);
    assert_int_equal(channel->timed->deferred_count, 1);
    bw_check(w);
}

/* When nobody can get the messages at the start, the topic drops as it does later. */
static void an_ephemeral_topic_drops_when_it_starts(void **state)
{
    struct broker_world *w = *state;
    static const char *const names[] = {"0#ephemeral", "1#ephemeral", "2#ephemeral", "3#ephemeral",
                                        "4#ephemeral"};
    for (int64_t size = 0; size <= 4; size++) {
        bw_config(w)->mem_queue_size = size;
        struct topic *topic = keeping_topic(w, names[size], false);
        (void)bw_channel(w, names[size], "c");
        topic_pause(topic, true, w->now);
        uint64_t first = bw_publish(w, names[size]);
        (void)bw_publish_later(w, names[size], 5);
        (void)bw_publish_later(w, names[size], 5);
        assert_int_equal(topic->queue.n, 3);
        uint64_t dropped = w->broker.core.counts.dropped;
        topic_start(topic, w->now);
        int64_t kept = size < 3 ? size : 3;
        assert_int_equal(topic->queue.n, kept);
        assert_int_equal(topic->drop_count, 3 - kept);
        assert_int_equal(w->broker.core.counts.dropped - dropped, 3 - kept);
        assert_true(kept == 0 || topic->queue.first->body->id == first);
        bw_check(w); /* also the number of those with a delay */
        (void)bw_publish(w, names[size]);
        assert_int_equal(topic->queue.n, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BW_TEST(kept_messages_are_charged_for_all_channels),
        BW_TEST(a_deleted_channel_gives_its_share_of_kept_messages_back),
        BW_TEST(a_channel_needs_room_for_what_the_topic_keeps),
        BW_TEST(an_ephemeral_topic_that_is_starting_keeps_everything),
        BW_TEST(an_ephemeral_topic_drops_when_it_starts),
    };
    return cmocka_run_group_tests_name("topic_keeps", tests, NULL, NULL);
}
