/* SPDX-License-Identifier: MIT */
/* Tests of broker/topic.h: how messages move from a topic to its channels. */
#include "broker/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/broker_world.h"

/* --- channels --------------------------------------------------------------------------------- */

static void a_channel_is_made_once(void **state)
{
    struct broker_world *w = *state;
    struct topic *topic = bw_topic(w, "t");
    bw_drop_log(w);
    assert_null(topic_find_channel(topic, SPAN("c")));
    struct channel *channel = topic_channel(topic, SPAN("c"), w->now);
    bw_expect_log(w, LOG_INFO, "TOPIC(%): new channel(%)", "|t|c");
    assert_ptr_equal(topic_channel(topic, SPAN("c"), w->now), channel);
    assert_ptr_equal(topic_find_channel(topic, SPAN("c")), channel);
    bw_expect_no_log(w);
    assert_true(span_equal(name_span(&channel->name), SPAN("c")));
    assert_false(channel->ephemeral);
    assert_null(topic_find_channel(topic, SPAN("C")));
    assert_null(topic_find_channel(topic, SPAN("c1")));
    assert_ptr_not_equal(bw_channel(w, "u", "c"), channel); /* of another topic */
    bw_check(w);
}

static void names_of_any_length_are_kept(void **state)
{
    struct broker_world *w = *state;
    struct topic *topic = bw_topic(w, "t");
    static const char longest[NSQ_NAME_MAX + 1] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01#ephemeral";
    for (size_t n = 1; n <= NSQ_NAME_MAX; n++) {
        struct span name = span_make(longest, n);
        struct channel *channel = topic_channel(topic, name, w->now);
        assert_true(span_equal(name_span(&channel->name), name));
        assert_true(channel->ephemeral == (n == NSQ_NAME_MAX));
    }
    for (size_t n = 1; n <= NSQ_NAME_MAX; n++) {
        struct span name = span_make(longest, n);
        assert_true(span_equal(name_span(&topic_find_channel(topic, name)->name), name));
    }
    bw_check(w);
}

static void a_channel_needs_room_in_the_budget(void **state)
{
    struct broker_world *w = *state;
    struct topic *topic = bw_topic(w, "t");
    struct budget *budget = &w->broker.core.budget;
    for (size_t missing = 2; missing-- > 0;) {
        bw_drop_log(w);
        budget->cap = budget->used; /* queues are full, and a consumer comes */
        budget->reserve = CHANNEL_COST - missing;
        struct channel *channel = topic_channel(topic, SPAN("c"), w->now);
        assert_true((channel == NULL) == (missing > 0));
        assert_ptr_equal(topic_find_channel(topic, SPAN("c")), channel);
        assert_true(list_empty(&w->log.waiting) == (channel == NULL));
        bw_check(w);
    }
    assert_int_equal(budget->used, budget->cap + budget->reserve);
    assert_null(topic_channel(topic, SPAN("d"), w->now));
    assert_non_null(
        topic_channel(topic, SPAN("c"), w->now)); /* a channel that is there needs no room */
}

static void a_deleted_channel_is_made_anew(void **state)
{
    struct broker_world *w = *state;
    struct topic *topic = bw_topic(w, "t");
    (void)bw_channel(w, "t", "c");
    (void)bw_channel(w, "t", "d");
    (void)bw_publish(w, "t");
    bw_drop_log(w);
    assert_int_equal(broker_delete_channel(&w->broker, SPAN("t"), SPAN("c")), TOPOLOGY_OK);
    bw_expect_log(w, LOG_INFO, "TOPIC(%): deleting channel %", "|t|c");
    bw_expect_log(w, LOG_INFO, "CHANNEL(%): deleting", "|c");
    bw_expect_no_log(w);
    bw_check(w);
    assert_null(topic_find_channel(topic, SPAN("c")));
    assert_int_equal(bw_channel(w, "t", "c")->queue.n, 0);
    assert_int_equal(bw_channel(w, "t", "d")->queue.n, 1);
}

/* --- publishing ------------------------------------------------------------------------------- */

static void publishing_gives_id_and_timestamp(void **state)
{
    struct broker_world *w = *state;
    bw_config(w)->node_id = 637;
    const int64_t wall = 1795398054536282017;
    const struct body *body = bw_publish_body(w, "t", SPAN("x"), 5, wall);
    assert_true(body->id == 0x18a500d20827d000);
    assert_true(body->timestamp == wall);
    assert_true(body->deferred == 5);
    body = bw_publish_body(w, "t", SPAN("x"), 0, wall - TIME_SECOND);
    assert_true(body->id == 0x18a500d20827d001);        /* ids do not go back */
    assert_true(body->timestamp == wall - TIME_SECOND); /* timestamps do */
}

static void topics_share_one_id_clock(void **state)
{
    struct broker_world *w = *state;
    uint64_t first = bw_publish(w, "t");
    assert_true(bw_publish(w, "u") == first + 1);
    assert_true(bw_publish(w, "t") == first + 2);
}

static void a_topic_counts_what_is_published(void **state)
{
    struct broker_world *w = *state;
    struct topic *topic = bw_topic(w, "t");
    (void)bw_channel(w, "t", "c");
    (void)bw_channel(w, "t", "d");
    (void)bw_publish_body(w, "t", SPAN("12345"), 0, BW_WALL);
    (void)bw_publish_body(w, "t", SPAN("1"), 5, BW_WALL);
    assert_int_equal(topic->message_count, 2);
    assert_int_equal(topic->message_bytes, 6);
    bw_check(w);
}

static void every_channel_gets_every_message(void **state)
{
    struct broker_world *w = *state;
    static const char *const names[] = {"a", "b", "c"};
    struct consumer c[3];
    for (size_t i = 0; i < 3; i++) {
        bw_join(w, &c[i], "t", names[i], 1);
    }
    uint64_t id = bw_publish(w, "t");
    for (size_t i = 0; i < 3; i++) {
        assert_true(bw_receive(w, &c[i]) == id);
    }
    bw_expect_silence(w);
    assert_int_equal(bw_finish(w, &c[0], id), CHANNEL_OK);
    assert_int_equal(bw_requeue(w, &c[1], id, 0), CHANNEL_OK);
    assert_true(bw_receive(w, &c[1]) == id);
    bw_expect_silence(w);
    assert_int_equal(c[1].channel->requeue_count, 1); /* each channel counts for itself */
    assert_int_equal(c[2].channel->requeue_count, 0);
    for (size_t i = 0; i < 3; i++) {
        bw_leave(w, &c[i]);
    }
}

static void channels_share_one_body(void **state)
{
    struct broker_world *w = *state;
    struct budget *budget = &w->broker.core.budget;
    struct consumer c[3];
    bw_join(w, &c[0], "t", "a", 1);
    bw_join(w, &c[1], "t", "b", 1);
    bw_join(w, &c[2], "t", "c", 1);
    size_t before = budget->used;
    const struct body *body = bw_publish_body(w, "t", SPAN("a body"), 0, BW_WALL);
    assert_int_equal(body->refs, 3);
    assert_int_equal(budget->used, before + body_cost(6) + 2 * MESSAGE_COST);
    struct delivery d;
    for (size_t i = 0; i < 3; i++) {
        assert_true(broker_deliver(&w->broker, w->now, &d));
        assert_ptr_equal(d.body, body);
        assert_int_equal(d.attempts, 1);
    }
    uint64_t id = body->id;
    assert_int_equal(bw_finish(w, &c[1], id), CHANNEL_OK);
    assert_int_equal(body->refs, 2);
    assert_int_equal(bw_finish(w, &c[0], id), CHANNEL_OK);
    assert_int_equal(body->refs, 1);
    assert_true(span_equal(body_span(body), SPAN("a body")));
    assert_int_equal(bw_finish(w, &c[2], id), CHANNEL_OK);
    assert_int_equal(budget->used, before);
    for (size_t i = 0; i < 3; i++) {
        bw_leave(w, &c[i]);
    }
}

static void the_first_channel_gets_the_backlog(void **state)
{
    struct broker_world *w = *state;
    const struct topic *topic = bw_topic(w, "t");
    uint64_t id[3];
    for (size_t i = 0; i < 3; i++) {
        id[i] = bw_publish(w, "t");
    }
    assert_int_equal(topic->queue.n, 3);
    bw_check(w);
    struct consumer first;
    struct consumer second;
    bw_join(w, &first, "t", "c", 5);
    assert_int_equal(topic->queue.n, 0);
    bw_join(w, &second, "t", "d", 5);
    for (size_t i = 0; i < 3; i++) {
        assert_true(bw_receive(w, &first) == id[i]);
    }
    bw_expect_silence(w); /* a later channel gets only later messages */
    uint64_t later = bw_publish(w, "t");
    assert_true(bw_receive(w, &first) == later);
    assert_true(bw_receive(w, &second) == later);
    bw_leave(w, &first);
    bw_leave(w, &second);
}

static void a_topic_that_lost_its_channels_keeps_messages_again(void **state)
{
    struct broker_world *w = *state;
    struct topic *topic = bw_topic(w, "t");
    (void)bw_channel(w, "t", "c");
    assert_int_equal(broker_delete_channel(&w->broker, SPAN("t"), SPAN("c")), TOPOLOGY_OK);
    (void)bw_publish(w, "t");
    assert_int_equal(topic->queue.n, 1);
    assert_int_equal(bw_channel(w, "t", "d")->queue.n, 1);
    bw_check(w);
}

/* --- deferral --------------------------------------------------------------------------------- */

static void every_channel_waits_for_a_deferred_message(void **state)
{
    struct broker_world *w = *state;
    struct consumer a;
    struct consumer b;
    bw_join(w, &a, "t", "a", 1);
    bw_join(w, &b, "t", "b", 1);
    uint64_t id = bw_publish_later(w, "t", 10);
    assert_int_equal(a.channel->timed->deferred_count, 1);
    assert_int_equal(b.channel->timed->deferred_count, 1);
    assert_int_equal(bw_pass(w, 9), 0);
    bw_expect_silence(w);
    assert_int_equal(bw_pass(w, 1), 2);
    assert_true(bw_receive(w, &a) == id);
    assert_true(bw_receive(w, &b) == id);
    bw_leave(w, &a);
    bw_leave(w, &b);
}

static void a_delay_begins_when_there_is_a_channel(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    uint64_t id = bw_publish_later(w, "t", 10);
    assert_true(broker_next_deadline(&w->broker) == TIME_NEVER);
    assert_int_equal(bw_pass(w, 1000), 0);
    bw_join(w, &c, "t", "c", 1);
    assert_true(broker_next_deadline(&w->broker) == w->now + 10);
    assert_int_equal(bw_pass(w, 9), 0);
    assert_int_equal(bw_pass(w, 1), 1);
    assert_true(bw_receive(w, &c) == id);
    bw_leave(w, &c);
}

static void a_delay_begins_when_a_pause_ends(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1);
    topic_pause(bw_topic(w, "t"), true, w->now);
    uint64_t id = bw_publish_later(w, "t", 10);
    assert_int_equal(bw_pass(w, 1000), 0);
    assert_int_equal(c.channel->timed->deferred_count, 0);
    topic_pause(bw_topic(w, "t"), false, w->now);
    assert_int_equal(c.channel->timed->deferred_count, 1);
    assert_int_equal(bw_pass(w, 9), 0);
    assert_int_equal(bw_pass(w, 1), 1);
    assert_true(bw_receive(w, &c) == id);
    bw_leave(w, &c);
}

/* --- pause ------------------------------------------------------------------------------------ */

static void a_paused_topic_keeps_its_messages(void **state)
{
    struct broker_world *w = *state;
    struct topic *topic = bw_topic(w, "t");
    struct consumer c;
    bw_join(w, &c, "t", "c", 5);
    uint64_t before = bw_publish(w, "t");
    topic_pause(topic, true, w->now);
    uint64_t first = bw_publish(w, "t");
    uint64_t second = bw_publish(w, "t");
    assert_int_equal(topic->queue.n, 2);
    assert_true(bw_receive(w, &c) == before); /* a channel still delivers what it has */
    bw_expect_silence(w);
    struct consumer later;
    bw_join(w, &later, "t", "later", 5); /* it will get what the topic still has */
    bw_expect_silence(w);
    topic_pause(topic, true, w->now);
    assert_int_equal(topic->queue.n, 2);
    topic_pause(topic, false, w->now);
    assert_int_equal(topic->queue.n, 0);
    assert_true(bw_receive(w, &c) == first);
    assert_true(bw_receive(w, &c) == second);
    assert_true(bw_receive(w, &later) == first);
    assert_true(bw_receive(w, &later) == second);
    uint64_t after = bw_publish(w, "t");
    assert_true(bw_receive(w, &c) == after);
    bw_leave(w, &c);
    bw_leave(w, &later);
}

static void a_topic_without_channels_can_be_paused(void **state)
{
    struct broker_world *w = *state;
    struct topic *topic = bw_topic(w, "t");
    (void)bw_publish(w, "t");
    topic_pause(topic, true, w->now);
    assert_int_equal(bw_channel(w, "t", "c")->queue.n, 0);
    assert_int_equal(topic->queue.n, 1);
    topic_pause(topic, false, w->now);
    assert_int_equal(bw_channel(w, "t", "c")->queue.n, 1);
    bw_check(w);
}

/* --- what is too much ------------------------------------------------------------------------- */

static void a_full_ephemeral_topic_drops(void **state)
{
    struct broker_world *w = *state;
    static const char *const names[] = {"0#ephemeral", "1#ephemeral", "2#ephemeral"};
    for (int64_t size = 0; size <= 2; size++) {
        bw_config(w)->mem_queue_size = size;
        struct topic *topic = bw_topic(w, names[size]);
        assert_true(topic->ephemeral);
        uint64_t last = 0;
        for (int64_t i = 1; i <= size + 2; i++) {
            uint64_t id = i == 2 ? bw_publish_later(w, names[size], 5) : bw_publish(w, names[size]);
            int64_t kept = i < size ? i : size;
            assert_true(id > last); /* a dropped message has an id too */
            last = id;
            assert_int_equal(topic->queue.n, kept);
            assert_int_equal(topic->drop_count, i - kept);
            assert_int_equal(topic->message_count, i);
            assert_int_equal(topic->message_bytes, 4 * i);
            bw_check(w);
        }
        /* With a channel nothing stays in the topic, so nothing is dropped. */
        struct channel *channel = bw_channel(w, names[size], "c");
        int64_t queued = (int64_t)channel->queue.n;
        (void)bw_publish(w, names[size]);
        assert_int_equal(topic->drop_count, 2);
        assert_int_equal(channel->queue.n, queued + 1);
        /* When the topic is paused, messages stay in it again. */
        topic_pause(topic, true, w->now);
        for (int64_t i = 0; i <= size; i++) {
            (void)bw_publish(w, names[size]);
        }
        assert_int_equal(topic->drop_count, 3);
    }
}

static void other_topics_do_not_drop(void **state)
{
    struct broker_world *w = *state;
    bw_config(w)->mem_queue_size = 0;
    struct topic *topic = bw_topic(w, "t");
    assert_false(topic->ephemeral);
    for (int i = 0; i < 5; i++) {
        (void)bw_publish(w, "t");
    }
    assert_int_equal(topic->queue.n, 5);
    assert_int_equal(topic->drop_count, 0);
}

/* The message itself goes to the last channel. Any channel may drop what it got. */
static void a_full_channel_does_not_take_from_the_others(void **state)
{
    struct broker_world *w = *state;
    bw_config(w)->mem_queue_size = 0;
    static const char *const names[][3] = {
        {"full#ephemeral", "b", "c"}, {"a", "full#ephemeral", "c"}, {"a", "b", "full#ephemeral"}};
    static const char *const topics[] = {"t", "u", "v"};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            (void)bw_channel(w, topics[i], names[i][k]);
        }
        (void)bw_publish(w, topics[i]);
        bw_check(w);
        for (size_t k = 0; k < 3; k++) {
            const struct channel *channel = bw_channel(w, topics[i], names[i][k]);
            assert_int_equal(channel->queue.n, k == i ? 0 : 1);
            assert_int_equal(channel->drop_count, k == i ? 1 : 0);
        }
    }
}

/* One body may become many messages. */
static void publishing_costs_the_shares_of_all_channels(void **state)
{
    struct broker_world *w = *state;
    const struct budget *budget = &w->broker.core.budget;
    const struct topic *topic = bw_topic(w, "t");
    char name[] = "a";
    /* The first channel will defer the message. */
    assert_int_equal(topic_publish_cost(topic, 1000, 0), 0);
    assert_int_equal(topic_publish_cost(topic, 1000, 1), 1000 * DEFERRED_COST);
    for (size_t channels = 1; channels <= 3; channels++, name[0]++) {
        (void)bw_channel(w, "t", name);
        for (int64_t delay = 0; delay <= 1; delay++) {
            size_t each =
                (channels - 1) * MESSAGE_COST + (delay == 0 ? 0 : channels * DEFERRED_COST);
            size_t before = budget->used;
            (void)bw_publish_later(w, "t", delay);
            assert_int_equal(budget->used, before + body_cost(4) + each);
            assert_int_equal(topic_publish_cost(topic, 1, delay), each);
            assert_int_equal(topic_publish_cost(topic, 1000, delay), 1000 * each);
            assert_int_equal(topic_publish_cost(topic, 0, delay), 0);
        }
    }
    size_t all = 1000 * (2 * MESSAGE_COST + 3 * DEFERRED_COST);
    topic_pause(bw_topic(w, "t"), true, w->now);
    assert_int_equal(topic_publish_cost(topic, 1000, 1), all);
    topic_pause(bw_topic(w, "t"), false, w->now);
    bw_topic(w, "t")->starting = true;
    assert_int_equal(topic_publish_cost(topic, 1000, 1), all);
    bw_topic(w, "t")->starting = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BW_TEST(a_channel_is_made_once),
        BW_TEST(names_of_any_length_are_kept),
        BW_TEST(a_channel_needs_room_in_the_budget),
        BW_TEST(a_deleted_channel_is_made_anew),
        BW_TEST(publishing_gives_id_and_timestamp),
        BW_TEST(topics_share_one_id_clock),
        BW_TEST(a_topic_counts_what_is_published),
        BW_TEST(every_channel_gets_every_message),
        BW_TEST(channels_share_one_body),
        BW_TEST(the_first_channel_gets_the_backlog),
        BW_TEST(a_topic_that_lost_its_channels_keeps_messages_again),
        BW_TEST(every_channel_waits_for_a_deferred_message),
        BW_TEST(a_delay_begins_when_there_is_a_channel),
        BW_TEST(a_delay_begins_when_a_pause_ends),
        BW_TEST(a_paused_topic_keeps_its_messages),
        BW_TEST(a_topic_without_channels_can_be_paused),
        BW_TEST(a_full_ephemeral_topic_drops),
        BW_TEST(other_topics_do_not_drop),
        BW_TEST(a_full_channel_does_not_take_from_the_others),
        BW_TEST(publishing_costs_the_shares_of_all_channels),
    };
    return cmocka_run_group_tests_name("topic", tests, NULL, NULL);
}
