/* SPDX-License-Identifier: MIT */
/* Tests of broker/publish.h: what is published, refused, and waits for the disk. */
#include "broker/publish.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/broker_world.h"

#define SIZE 4 /* bytes of each body */

/* `count` messages for a topic. */
static struct publish publish_of(struct broker_world *w, const char *topic, size_t count,
                                 int64_t delay)
{
    struct publish p = {.topic = name_make(span_make(topic, strlen(topic))), .delay = delay};
    for (size_t i = 0; i < count; i++) {
        bw_add(w, &p, SPAN("body"));
    }
    return p;
}

static enum publish_outcome publish(struct broker_world *w, struct publish *p, uint64_t *ticket)
{
    return broker_publish(&w->broker, p, w->now, ticket);
}

/* Publishes `count` messages that wait; returns their ticket. */
static uint64_t post(struct broker_world *w, const char *topic, size_t count, int64_t delay)
{
    struct publish p = publish_of(w, topic, count, delay);
    uint64_t ticket = 0;
    assert_int_equal(publish(w, &p, &ticket), PUBLISH_WAITS);
    assert_int_equal(p.messages.n, 0);
    assert_true(ticket != 0);
    bw_check(w);
    return ticket;
}

static bool settle(struct broker_world *w, uint64_t ticket, bool safe)
{
    bool published = broker_publish_settle(&w->broker, ticket, safe, w->now);
    bw_check(w);
    return published;
}

/* --- done ------------------------------------------------------------------------------------- */

static void messages_are_published_in_order(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 5);
    struct publish p = publish_of(w, "t", 3, 0);
    uint64_t ticket = 7;
    assert_int_equal(publish(w, &p, &ticket), PUBLISH_DONE);
    assert_int_equal(ticket, 7);
    assert_int_equal(p.messages.n, 0);
    assert_null(p.messages.first);
    bw_check(w);
    uint64_t first = bw_receive(w, &c);
    assert_true(bw_receive(w, &c) == first + 1);
    assert_true(bw_receive(w, &c) == first + 2);
    assert_int_equal(bw_topic(w, "t")->message_count, 3);
    assert_int_equal(broker_next_ticket(&w->broker), 0);
    bw_leave(w, &c);
}

static void a_missing_topic_is_made(void **state)
{
    struct broker_world *w = *state;
    struct publish p = publish_of(w, "t", 1, 0);
    assert_int_equal(publish(w, &p, NULL), PUBLISH_DONE);
    assert_int_equal(bw_find_topic(w, "t")->queue.n, 1);
    p = publish_of(w, "u", 0, 0); /* an MPUB over HTTP may have no message */
    assert_int_equal(publish(w, &p, NULL), PUBLISH_DONE);
    assert_int_equal(bw_find_topic(w, "u")->queue.n, 0);
    bw_check(w);
}

static void all_messages_have_the_delay(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 5);
    struct publish p = publish_of(w, "t", 2, 10);
    assert_int_equal(publish(w, &p, NULL), PUBLISH_DONE);
    bw_expect_silence(w);
    assert_int_equal(bw_pass(w, 9), 0);
    assert_int_equal(bw_pass(w, 1), 2);
    (void)bw_receive(w, &c);
    (void)bw_receive(w, &c);
    bw_leave(w, &c);
}

/* --- refused ---------------------------------------------------------------------------------- */

/* Publishes with exactly `needed` bytes of room and one byte less. */
static void expect_room(struct broker_world *w, const char *topic, size_t count, int64_t delay,
                        size_t needed)
{
    struct budget *budget = &w->broker.core.budget;
    struct publish p = publish_of(w, topic, count, delay);
    uint64_t ticket;
    size_t used = budget->used;
    budget->cap = used + needed - 1;
    assert_int_equal(publish(w, &p, &ticket), PUBLISH_REFUSED);
    assert_int_equal(p.messages.n, count); /* they are still the caller's */
    assert_int_equal(budget->used, used);
    budget->cap++;
    assert_true(publish(w, &p, &ticket) != PUBLISH_REFUSED);
    assert_int_equal(budget->used, budget->cap);
    budget->cap = (size_t)1 << 30;
    bw_check(w);
}

static void a_new_topic_needs_room(void **state)
{
    struct broker_world *w = *state;
    expect_room(w, "t", 1, 0, TOPIC_COST);
    assert_int_equal(bw_topic(w, "t")->message_count, 1);
}

/* With many channels a client makes many messages of one body. */
static void the_shares_of_all_channels_need_room(void **state)
{
    struct broker_world *w = *state;
    char name[] = "a";
    for (size_t channels = 1; channels <= 3; channels++, name[0]++) {
        (void)bw_channel(w, "t", name);
        for (size_t count = 1; count <= 100; count *= 10) {
            size_t shares = (channels - 1) * MESSAGE_COST;
            if (channels > 1) {
                expect_room(w, "t", count, 0, count * shares);
            }
            expect_room(w, "t", count, 1, count * (shares + channels * DEFERRED_COST));
        }
    }
}

static void a_refusal_uses_no_ids(void **state)
{
    struct broker_world *w = *state;
    (void)bw_channel(w, "t", "a");
    (void)bw_channel(w, "t", "b");
    uint64_t before = bw_publish(w, "t");
    expect_room(w, "t", 2, 0, 2 * MESSAGE_COST);
    assert_true(bw_publish(w, "t") == before + 3);
}

/* The messages themselves were charged before; publishing adds nothing. */
static void what_at_most_one_channel_gets_needs_no_room(void **state)
{
    struct broker_world *w = *state;
    for (int channels = 0; channels <= 1; channels++) {
        struct publish p = publish_of(w, "t", 10, 0);
        (void)bw_topic(w, "t");
        w->broker.core.budget.cap = 0;
        assert_int_equal(publish(w, &p, NULL), PUBLISH_DONE);
        w->broker.core.budget.cap = (size_t)1 << 30;
        (void)bw_channel(w, "t", "a");
        topic_pause(bw_topic(w, "t"), true, w->now);
        bw_check(w);
    }
}

/* The topic will give them to its channels, and cannot be refused then. */
static void what_stays_in_the_topic_needs_room_for_its_channels(void **state)
{
    struct broker_world *w = *state;
    (void)bw_topic(w, "t");
    expect_room(w, "t", 10, 1, 10 * DEFERRED_COST);
    (void)bw_channel(w, "t", "a");
    (void)bw_channel(w, "t", "b");
    topic_pause(bw_topic(w, "t"), true, w->now);
    expect_room(w, "t", 10, 0, 10 * MESSAGE_COST);
    expect_room(w, "t", 10, 1, 10 * (MESSAGE_COST + 2 * DEFERRED_COST));
    bw_check(w);
}

/* --- waits ------------------------------------------------------------------------------------ */

static void a_publish_can_wait(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_config(w)->wait_publishes = true;
    bw_join(w, &c, "t", "c", 5);
    uint64_t ticket = post(w, "t", 2, 0);
    bw_expect_silence(w);
    assert_int_equal(bw_topic(w, "t")->message_count, 0);
    assert_true(settle(w, ticket, true));
    uint64_t first = bw_receive(w, &c);
    assert_true(bw_receive(w, &c) == first + 1);
    bw_expect_silence(w);
    assert_int_equal(bw_topic(w, "t")->message_count, 2);
    bw_leave(w, &c);
}

static void nothing_to_write_does_not_wait(void **state)
{
    struct broker_world *w = *state;
    bw_config(w)->wait_publishes = true;
    struct publish p = publish_of(w, "t", 0, 0);
    assert_int_equal(publish(w, &p, NULL), PUBLISH_DONE);
    assert_non_null(bw_find_topic(w, "t"));
}

static void tickets_are_handed_out_once_and_in_order(void **state)
{
    struct broker_world *w = *state;
    bw_config(w)->wait_publishes = true;
    assert_true(broker_next_ticket(&w->broker) == 0);
    uint64_t ticket[4];
    for (size_t i = 0; i < 4; i++) {
        ticket[i] = post(w, "t", 1, 0);
    }
    assert_true(broker_next_ticket(&w->broker) == ticket[0]);
    assert_true(settle(w, ticket[2], true)); /* the disk need not be asked about it */
    assert_true(broker_next_ticket(&w->broker) == ticket[1]);
    assert_true(broker_next_ticket(&w->broker) == ticket[3]);
    assert_true(broker_next_ticket(&w->broker) == 0);
    assert_true(settle(w, ticket[3], true));
    assert_true(settle(w, ticket[0], true));
    assert_true(settle(w, ticket[1], true));
    assert_true(post(w, "t", 1, 0) > ticket[3]);
}

/* Both are written to the disk. */
static void id_and_timestamp_are_those_of_the_publish(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    struct delivery d;
    bw_config(w)->wait_publishes = true;
    bw_join(w, &c, "t", "c", 5);
    int64_t at[2];
    uint64_t ticket[2];
    uint64_t id[2];
    for (size_t i = 0; i < 2; i++) {
        w->now += TIME_SECOND;
        at[i] = w->now + BW_WALL;
        ticket[i] = post(w, "t", 1, 0);
    }
    w->now += TIME_MINUTE;
    for (size_t i = 2; i-- > 0;) { /* answered in the other order */
        assert_true(settle(w, ticket[i], true));
        assert_true(broker_deliver(&w->broker, w->now, &d));
        assert_true(d.body->timestamp == at[i]);
        id[i] = d.body->id;
    }
    assert_true(id[0] < id[1]);
    bw_leave(w, &c);
}

static void a_delay_begins_when_the_wait_ends(void **state)
{
    struct broker_world *w = *state;
    (void)bw_channel(w, "t", "c");
    bw_config(w)->wait_publishes = true;
    uint64_t ticket = post(w, "t", 1, 10);
    assert_int_equal(bw_pass(w, 100), 0);
    assert_true(settle(w, ticket, true));
    assert_true(broker_next_deadline(&w->broker) == w->now + 10);
}

static void what_is_not_safe_is_dropped(void **state)
{
    struct broker_world *w = *state;
    (void)bw_channel(w, "t", "c");
    bw_config(w)->wait_publishes = true;
    size_t used = w->broker.core.budget.used;
    uint64_t ticket = post(w, "t", 3, 0);
    assert_false(settle(w, ticket, false));
    assert_int_equal(w->broker.core.budget.used, used);
    assert_int_equal(bw_topic(w, "t")->message_count, 0);
    assert_int_equal(bw_channel(w, "t", "c")->queue.n, 0);
}

static void an_unknown_ticket_is_not_settled(void **state)
{
    struct broker_world *w = *state;
    bw_config(w)->wait_publishes = true;
    uint64_t ticket = post(w, "t", 1, 0);
    assert_false(settle(w, ticket + 1, true));
    assert_false(settle(w, 0, true));
    assert_true(settle(w, ticket, true));
    assert_false(settle(w, ticket, true));
    assert_int_equal(bw_topic(w, "t")->message_count, 1);
}

/* What a publish will take is charged when it begins to wait, because it can no longer be refused
 * when the disk has answered. */
static void a_wait_keeps_its_room(void **state)
{
    struct broker_world *w = *state;
    struct budget *budget = &w->broker.core.budget;
    (void)bw_channel(w, "t", "a");
    (void)bw_channel(w, "t", "b");
    bw_config(w)->wait_publishes = true;
    size_t empty = budget->used;
    uint64_t ticket = post(w, "t", 10, 1);
    size_t used = budget->used;
    size_t published = 10 * (body_cost(SIZE) + MESSAGE_COST + 2 * DEFERRED_COST);
    assert_true(settle(w, ticket, true));
    assert_int_equal(budget->used, empty + published);
    assert_true(used >= budget->used);
    expect_room(w, "t", 10, 1, used - empty - 10 * body_cost(SIZE));
}

/* --- a topic that is deleted ------------------------------------------------------------------ */

static void a_deleted_topic_gets_nothing(void **state)
{
    struct broker_world *w = *state;
    bw_config(w)->wait_publishes = true;
    for (int made_anew = 0; made_anew <= 1; made_anew++) {
        (void)bw_channel(w, "t", "c");
        uint64_t before = post(w, "t", 2, 0);
        assert_int_equal(broker_delete_topic(&w->broker, SPAN("t")), TOPOLOGY_OK);
        bw_check(w);
        uint64_t after = made_anew == 1 ? post(w, "t", 1, 0) : 0;
        assert_false(settle(w, before, true));
        assert_true(settle(w, after, true) == (made_anew == 1));
    }
    assert_int_equal(bw_find_topic(w, "t")->queue.n, 1);
}

static void an_ephemeral_topic_that_is_gone_gets_nothing(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_config(w)->wait_publishes = true;
    for (int made_anew = 0; made_anew <= 1; made_anew++) {
        bw_join(w, &c, "t#ephemeral", "c#ephemeral", 5);
        uint64_t ticket = post(w, "t#ephemeral", 2, 0);
        bw_leave(w, &c);
        assert_null(bw_find_topic(w, "t#ephemeral"));
        if (made_anew == 1) { /* another topic with the same name */
            (void)bw_topic(w, "t#ephemeral");
        }
        assert_false(settle(w, ticket, true));
        struct topic *topic = bw_find_topic(w, "t#ephemeral");
        assert_true((topic != NULL) == (made_anew == 1));
        assert_true(topic == NULL || topic->queue.n == 0);
        assert_int_equal(w->broker.core.budget.used, topic == NULL ? 0 : TOPIC_COST);
    }
}

/* bw_close checks the memory budget, ASan the memory. */
static void a_broker_ends_with_publishes_that_wait(void **state)
{
    struct broker_world *w = *state;
    bw_config(w)->wait_publishes = true;
    for (int i = 0; i < 5; i++) {
        (void)post(w, "t", 2, i);
        (void)post(w, "u", 2, i);
    }
    (void)broker_next_ticket(&w->broker);
}

static void waiting_publishes_can_be_dropped(void **state)
{
    struct broker_world *w = *state;
    bw_config(w)->wait_publishes = true;
    uint64_t asked = post(w, "t", 1, 0);
    assert_true(broker_next_ticket(&w->broker) == asked);
    uint64_t not_asked = post(w, "t", 1, 0);
    broker_drop_waiting(&w->broker);
    assert_true(broker_next_ticket(&w->broker) == 0);
    assert_false(settle(w, asked, true));
    assert_false(settle(w, not_asked, true));
    assert_int_equal(w->broker.core.budget.used, TOPIC_COST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BW_TEST(messages_are_published_in_order),
        BW_TEST(a_missing_topic_is_made),
        BW_TEST(all_messages_have_the_delay),
        BW_TEST(a_new_topic_needs_room),
        BW_TEST(the_shares_of_all_channels_need_room),
        BW_TEST(a_refusal_uses_no_ids),
        BW_TEST(what_at_most_one_channel_gets_needs_no_room),
        BW_TEST(what_stays_in_the_topic_needs_room_for_its_channels),
        BW_TEST(a_publish_can_wait),
        BW_TEST(nothing_to_write_does_not_wait),
        BW_TEST(tickets_are_handed_out_once_and_in_order),
        BW_TEST(id_and_timestamp_are_those_of_the_publish),
        BW_TEST(a_delay_begins_when_the_wait_ends),
        BW_TEST(what_is_not_safe_is_dropped),
        BW_TEST(an_unknown_ticket_is_not_settled),
        BW_TEST(a_wait_keeps_its_room),
        BW_TEST(a_deleted_topic_gets_nothing),
        BW_TEST(an_ephemeral_topic_that_is_gone_gets_nothing),
        BW_TEST(a_broker_ends_with_publishes_that_wait),
        BW_TEST(waiting_publishes_can_be_dropped),
    };
    return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}
