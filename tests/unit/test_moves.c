/* SPDX-License-Identifier: MIT */
/*
 * Checks that messages go from a topic to its channels, and that deleted messages are freed, in
 * slices: no call does more than its allowance, nothing is lost or seen twice, and the result is
 * the same as if all had been done at once.
 */
#include "support/broker_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Publishes `count` messages at once. Returns the id of the first one; the others follow it. */
static uint64_t publish_many(struct broker_world *w, const char *topic, size_t count, int64_t delay)
{
    struct publish p = {.topic = name_make(bw_span(topic)), .delay = delay};
    for (size_t i = 0; i < count; i++) {
        bw_add(w, &p, SPAN("body"));
    }
    uint64_t first = p.messages.first->body->id;
    assert_int_equal(broker_publish(&w->broker, &p, w->now, NULL), PUBLISH_DONE);
    assert_int_equal(p.messages.n, 0);
    return first;
}

/* Does the work that is left, `units` at a time. Returns the number of calls. */
static size_t finish(struct broker_world *w, size_t units)
{
    size_t calls = 0;
    while (broker_can_move(&w->broker) || broker_can_collect(&w->broker)) {
        bw_allow(w, units);
        broker_move(&w->broker, w->now);
        broker_collect(&w->broker);
        bw_check(w);
        calls++;
    }
    return calls;
}

static void expect_queue(const struct channel *channel, uint64_t first, size_t count)
{
    assert_int_equal(channel->queue.n, count);
    assert_int_equal(channel->message_count, count);
    for (const struct message *m = channel->queue.first; m != NULL; m = m->next) {
        assert_true(m->body->id == first++);
    }
}

/* --- moves ------------------------------------------------------------------------------------ */

static void a_call_moves_what_its_allowance_permits(void **state)
{
    struct broker_world *w = *state;
    struct channel *c = bw_channel(w, "t", "c");
    struct channel *d = bw_channel(w, "t", "d");
    struct channel *e = bw_channel(w, "t", "e");
    bw_allow(w, 4);
    uint64_t first = publish_many(w, "t", 5, 0);
    bw_check(w);
    assert_int_equal(c->queue.n, 2); /* one message to all three, the next one to the first */
    assert_int_equal(d->queue.n, 1);
    assert_int_equal(e->queue.n, 1);
    assert_int_equal(topic_moves_to(c->topic, c), 3);
    assert_int_equal(topic_moves_to(c->topic, d), 4);
    assert_int_equal(finish(w, 1), 11);
    expect_queue(c, first, 5);
    expect_queue(d, first, 5);
    expect_queue(e, first, 5);
}

static void memory_for_all_moves_is_reserved(void **state)
{
    struct broker_world *w = *state;
    (void)bw_channel(w, "t", "c");
    (void)bw_channel(w, "t", "d");
    struct budget *budget = &w->broker.core.budget;
    bw_allow(w, 0);
    (void)publish_many(w, "t", 10, 5);
    size_t after = budget->used;
    (void)finish(w, 1);
    assert_int_equal(budget->used, after);
}

static void a_refusal_does_not_depend_on_what_is_moved(void **state)
{
    struct broker_world *w = *state;
    struct budget *budget = &w->broker.core.budget;
    (void)bw_channel(w, "t", "c");
    (void)bw_channel(w, "t", "d");
    for (size_t units = 0; units < 20; units++) {
        bw_allow(w, SIZE_MAX);
        struct publish p = {.topic = name_make(SPAN("t"))};
        bw_add(w, &p, SPAN("body"));
        bw_allow(w, units);
        (void)publish_many(w, "t", 10, 0);
        budget->cap = budget->used + MESSAGE_COST - 1;
        assert_int_equal(broker_publish(&w->broker, &p, w->now, NULL), PUBLISH_REFUSED);
        budget->cap = budget->used + MESSAGE_COST;
        assert_int_equal(broker_publish(&w->broker, &p, w->now, NULL), PUBLISH_DONE);
        budget->cap = (size_t)1 << 30;
        (void)finish(w, SIZE_MAX);
    }
}

static void an_only_channel_takes_the_queue_as_a_whole(void **state)
{
    struct broker_world *w = *state;
    struct channel *c = bw_channel(w, "t", "c");
    bw_allow(w, 1);
    uint64_t first = publish_many(w, "t", 1000, 0);
    expect_queue(c, first, 1000);
    bw_check(w);
}

static void a_first_channel_takes_the_kept_messages_as_a_whole(void **state)
{
    struct broker_world *w = *state;
    uint64_t first = publish_many(w, "t", 1000, 0);
    bw_allow(w, 1);
    struct channel *c = bw_channel(w, "t", "c");
    expect_queue(c, first, 1000);
    bw_check(w);
}

static void kept_messages_with_a_delay_go_one_by_one(void **state)
{
    struct broker_world *w = *state;
    (void)publish_many(w, "t", 10, 5);
    (void)publish_many(w, "t", 10, 0);
    bw_allow(w, 1);
    struct channel *c = bw_channel(w, "t", "c");
    assert_int_equal(c->timed->deferred_count, 1);
    /* The other nine with a delay, and then the rest as a whole. */
    assert_int_equal(finish(w, 1), 10);
    assert_int_equal(c->timed->deferred_count, 10);
    assert_int_equal(c->queue.n, 10);
}

static void a_channel_that_is_made_meanwhile_starts_behind(void **state)
{
    struct broker_world *w = *state;
    struct channel *c = bw_channel(w, "t", "c");
    (void)bw_channel(w, "t", "d");
    bw_allow(w, 3);
    uint64_t first = publish_many(w, "t", 5, 0);
    struct channel *e = bw_channel(w, "t", "e");
    bw_allow(w, 1);
    uint64_t later = publish_many(w, "t", 2, 0);
    (void)finish(w, 1);
    expect_queue(c, first, 7);
    expect_queue(e, later, 2);
}

static void a_pause_does_not_stop_admitted_messages(void **state)
{
    struct broker_world *w = *state;
    struct channel *c = bw_channel(w, "t", "c");
    struct channel *d = bw_channel(w, "t", "d");
    bw_allow(w, 3);
    uint64_t first = publish_many(w, "t", 5, 0);
    topic_pause(c->topic, true, w->now);
    (void)publish_many(w, "t", 2, 0);
    (void)finish(w, 1);
    expect_queue(c, first, 5);
    expect_queue(d, first, 5);
    assert_int_equal(c->topic->queue.n, 2);
    bw_allow(w, 1);
    topic_pause(c->topic, false, w->now);
    assert_int_equal(c->queue.n, 6);
    (void)finish(w, 1);
    expect_queue(c, first, 7);
    expect_queue(d, first, 7);
}

/* Whichever channel is deleted at whichever point, the others get the same messages. */
static void a_channel_can_be_deleted_at_every_point(void **state)
{
    struct broker_world *w = *state;
    static const char *const names[] = {"c", "d", "e"};
    for (int gone = 0; gone < 3; gone++) {
        for (size_t units = 0; units <= 15; units++) {
            for (int64_t delay = 0; delay < 2; delay++) {
                bw_allow(w, SIZE_MAX);
                for (int i = 0; i < 3; i++) {
                    (void)bw_channel(w, "t", names[i]);
                }
                bw_allow(w, units);
                (void)publish_many(w, "t", 5, delay);
                bw_allow(w, 1);
                assert_int_equal(broker_delete_channel(&w->broker, SPAN("t"), bw_span(names[gone])),
                                 TOPOLOGY_OK);
                bw_check(w);
                (void)finish(w, 1);
                for (int i = 0; i < 3; i++) {
                    if (i != gone) {
                        struct channel *c = bw_channel(w, "t", names[i]);
                        assert_int_equal(c->queue.n + c->timed->deferred_count, 5);
                    }
                }
                bw_allow(w, SIZE_MAX);
                assert_int_equal(broker_delete_topic(&w->broker, SPAN("t")), TOPOLOGY_OK);
                assert_int_equal(w->broker.core.budget.used, 0);
            }
        }
    }
}

static void messages_without_a_channel_are_freed_in_slices(void **state)
{
    struct broker_world *w = *state;
    (void)bw_channel(w, "t", "c");
    (void)bw_channel(w, "t", "d");
    bw_allow(w, 3);
    (void)publish_many(w, "t", 5, 0);
    struct channel *e = bw_channel(w, "t", "e");
    bw_allow(w, 0);
    (void)broker_delete_channel(&w->broker, SPAN("t"), SPAN("d"));
    (void)broker_delete_channel(&w->broker, SPAN("t"), SPAN("c"));
    bw_check(w);
    (void)finish(w, 1);
    assert_int_equal(e->queue.n, 0);
    assert_int_equal(w->broker.core.budget.used, TOPIC_COST + CHANNEL_COST);
}

static void topics_take_turns(void **state)
{
    struct broker_world *w = *state;
    const size_t n = 2 * BROKER_MOVES_A_TURN;
    struct channel *channels[2];
    static const char *const topics[] = {"t", "u"};
    for (int i = 0; i < 2; i++) {
        channels[i] = bw_channel(w, topics[i], "c");
        (void)bw_channel(w, topics[i], "d");
    }
    bw_allow(w, 0);
    (void)publish_many(w, "t", n, 0);
    (void)publish_many(w, "u", n, 0);
    bw_allow(w, (size_t)3 * BROKER_MOVES_A_TURN);
    broker_move(&w->broker, w->now);
    assert_int_equal(channels[0]->queue.n, BROKER_MOVES_A_TURN);
    assert_int_equal(channels[1]->queue.n, BROKER_MOVES_A_TURN / 2);
    bw_check(w);
}

static void a_place_is_behind_the_messages_of_a_publish(void **state)
{
    struct broker_world *w = *state;
    struct topic *topic = bw_channel(w, "t", "c")->topic;
    (void)bw_channel(w, "t", "d");
    struct publish p = {.topic = topic->name, .place = broker_place(topic)};
    assert_true(broker_moved(&w->broker, &p, w->now));
    bw_allow(w, 1);
    (void)publish_many(w, "t", 2, 0);
    p.place = broker_place(topic);
    bw_allow(w, 0);
    (void)publish_many(w, "t", 2, 0);
    for (int left = 3; left > 0; left--) {
        bw_allow(w, 0);
        assert_false(broker_moved(&w->broker, &p, w->now));
        bw_allow(w, 1);
        assert_true(broker_moved(&w->broker, &p, w->now) == (left == 1));
    }
    assert_int_equal(p.place.serial, 0);
    assert_true(broker_can_move(&w->broker)); /* the other publish */
    p.place = broker_place(topic);
    struct publish again = p;
    (void)broker_delete_topic(&w->broker, SPAN("t"));
    assert_true(broker_moved(&w->broker, &p, w->now));
    (void)bw_topic(w, "t");
    assert_true(broker_moved(&w->broker, &again, w->now));
}

/* --- what is deleted -------------------------------------------------------------------------- */

enum { MANY = 50 };

/* A channel with MANY messages in each place. */
static void fill(struct broker_world *w, struct consumer *c)
{
    bw_join(w, c, "t", "c", MANY);
    (void)publish_many(w, "t", MANY, 5);
    (void)publish_many(w, "t", (size_t)2 * MANY, 0);
    struct delivery d;
    while (broker_deliver(&w->broker, w->now, &d)) {
    }
    bw_expect_places(w, MANY, MANY, MANY);
}

static void a_deleted_channel_is_freed_in_slices(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    fill(w, &c);
    bw_allow(w, 0);
    assert_int_equal(broker_delete_channel(&w->broker, SPAN("t"), SPAN("c")), TOPOLOGY_OK);
    assert_null(topic_find_channel(bw_topic(w, "t"), SPAN("c")));
    assert_int_equal(w->broker.core.garbage.n, MANY);
    bw_check(w);
    bw_expect_silence(w);
    assert_null(broker_next_orphan(&w->broker)); /* the orphans are made in slices too */
    assert_int_equal(finish(w, 1), 3 * MANY + 2);
    assert_ptr_equal(broker_next_orphan(&w->broker), &c);
    assert_int_equal(w->broker.core.budget.used, TOPIC_COST);
}

static void an_emptied_channel_is_freed_in_slices(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    fill(w, &c);
    bw_allow(w, 0);
    assert_int_equal(broker_empty_channel(&w->broker, SPAN("t"), SPAN("c")), TOPOLOGY_OK);
    bw_expect_places(w, 0, 0, 0);
    assert_int_equal(c.in_flight_count, 0);
    uint64_t id = bw_publish(w, "t");
    bw_allow(w, SIZE_MAX);
    (void)bw_pass(w, 0); /* the moves are done */
    bw_allow(w, 3);
    broker_move(&w->broker, w->now);
    assert_true(bw_receive(w, &c) == id);
    (void)finish(w, 1);
    bw_expect_places(w, 0, 1, 0);
    bw_allow(w, SIZE_MAX);
    bw_leave(w, &c);
}

static void a_timer_of_a_dropped_message_frees_it(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    fill(w, &c);
    bw_allow(w, 0);
    (void)broker_delete_channel(&w->broker, SPAN("t"), SPAN("c"));
    bw_allow(w, SIZE_MAX);
    assert_int_equal(bw_pass(w, BW_TIMEOUT), 2 * MANY);
    (void)finish(w, 1);
    assert_int_equal(w->broker.core.budget.used, TOPIC_COST);
    (void)broker_next_orphan(&w->broker);
}

static void a_deleted_topic_ends_channel_by_channel(void **state)
{
    struct broker_world *w = *state;
    struct consumer c[3];
    static const char *const names[] = {"c", "d", "e"};
    for (int i = 0; i < 3; i++) {
        bw_join(w, &c[i], "t", names[i], 1);
    }
    (void)publish_many(w, "t", 10, 0);
    uint64_t id = bw_receive(w, &c[0]);
    bw_allow(w, 0);
    assert_int_equal(broker_delete_topic(&w->broker, SPAN("t")), TOPOLOGY_OK);
    bw_check(w);
    assert_null(bw_find_topic(w, "t"));
    assert_null(broker_next_orphan(&w->broker));
    assert_int_equal(bw_finish(w, &c[0], id), CHANNEL_NOT_IN_FLIGHT);
    bw_allow(w, SIZE_MAX);
    bw_expect_silence(w);
    consumer_set_ready(&c[1], 5);
    assert_false(consumer_can_receive(&c[1]));
    bw_expect_silence(w);
    bw_leave(w, &c[2]); /* before its channel has ended */
    bw_check(w);
    (void)bw_channel(w, "t", "c"); /* a new topic with the same name */
    for (int i = 0; i < 2; i++) {  /* the channel ends, and then its consumer is an orphan */
        bw_allow(w, 1);
        assert_null(broker_next_orphan(&w->broker));
        broker_collect(&w->broker);
    }
    assert_ptr_equal(broker_next_orphan(&w->broker), &c[0]);
    assert_null(broker_next_orphan(&w->broker));
    (void)finish(w, 1);
    assert_ptr_equal(broker_next_orphan(&w->broker), &c[1]);
    assert_null(broker_next_orphan(&w->broker));
    assert_int_equal(w->broker.core.budget.used, TOPIC_COST + CHANNEL_COST);
}

static void an_ephemeral_channel_of_a_deleted_topic_ends_once(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c#ephemeral", 1);
    bw_allow(w, 0);
    (void)broker_delete_topic(&w->broker, SPAN("t"));
    bw_leave(w, &c);
    bw_check(w);
    (void)finish(w, 1);
    assert_int_equal(w->broker.core.budget.used, 0);
}

static void a_discarded_queue_is_freed_in_slices(void **state)
{
    struct broker_world *w = *state;
    struct publish p = {.topic = name_make(SPAN("t"))};
    for (int i = 0; i < MANY; i++) {
        bw_add(w, &p, SPAN("body"));
    }
    bw_allow(w, 10);
    broker_discard(&w->broker, &p.messages);
    assert_int_equal(p.messages.n, 0);
    assert_int_equal(w->broker.core.garbage.n, MANY - 10);
    assert_int_equal(finish(w, 10), (MANY - 10) / 10);
}

static void a_full_ephemeral_topic_discards_the_rest(void **state)
{
    struct broker_world *w = *state;
    bw_config(w)->mem_queue_size = 7;
    bw_allow(w, 0);
    (void)publish_many(w, "t#ephemeral", 5, 9);
    (void)publish_many(w, "t#ephemeral", 5, 9);
    (void)publish_many(w, "t#ephemeral", 5, 9);
    const struct topic *topic = bw_topic(w, "t#ephemeral");
    bw_check(w);
    assert_int_equal(topic->queue.n, 7);
    assert_int_equal(topic->queue_delayed, 7);
    assert_int_equal(topic->drop_count, 8);
    assert_int_equal(w->broker.core.garbage.n, 8);
}

/* --- turns of channels ------------------------------------------------------------------------ */

static void channels_take_turns(void **state)
{
    struct broker_world *w = *state;
    struct consumer a;
    struct consumer b;
    bw_join(w, &a, "t", "c", 1000);
    bw_join(w, &b, "u", "c", 1000);
    (void)publish_many(w, "t", 200, 0);
    (void)publish_many(w, "u", 200, 0);
    struct delivery d;
    for (size_t i = 0; i < 400; i++) {
        assert_true(broker_deliver(&w->broker, w->now, &d));
        bool first = i / BROKER_DELIVERIES_A_TURN % 2 == 0;
        assert_true(i >= (size_t)6 * BROKER_DELIVERIES_A_TURN || d.consumer == (first ? &a : &b));
    }
    bw_leave(w, &a);
    bw_leave(w, &b);
}

static void a_call_delivers_what_its_allowance_permits(void **state)
{
    struct broker_world *w = *state;
    struct consumer c;
    bw_join(w, &c, "t", "c", 1000);
    (void)publish_many(w, "t", 10, 0);
    struct delivery d;
    bw_allow(w, 2 * EFFORT_DELIVERY);
    assert_true(broker_deliver(&w->broker, w->now, &d));
    assert_true(broker_deliver_to(&w->broker, &c, w->now, &d));
    assert_false(broker_deliver(&w->broker, w->now, &d));
    assert_false(broker_deliver_to(&w->broker, &c, w->now, &d));
    assert_true(broker_can_deliver(&w->broker));
    bw_allow(w, SIZE_MAX);
    bw_leave(w, &c);
}

/* The messages in flight of one channel are split over many tables. */
static void many_messages_in_flight_are_found(void **state)
{
    struct broker_world *w = *state;
    enum { N = SPLIT_TABLE_ONE + 1000 };
    struct consumer c;
    bw_join(w, &c, "t", "c", N);
    uint64_t *ids = alloc_zeroed(N * sizeof *ids);
    (void)publish_many(w, "t", N, 0);
    struct delivery d;
    for (size_t i = 0; i < N; i++) {
        assert_true(broker_deliver(&w->broker, w->now, &d));
        ids[i] = d.body->id;
        bool one = i < SPLIT_TABLE_ONE;
        assert_true((c.channel->timed->in_flight.parts == NULL) == one);
    }
    bw_check(w);
    for (size_t i = 0; i < N; i++) {
        uint8_t digits[NSQ_MESSAGE_ID_SIZE];
        guid_print(ids[i], digits);
        assert_int_equal(consumer_finish(&c, span_make(digits, sizeof digits), 0, 0), CHANNEL_OK);
    }
    alloc_free(ids);
    bw_expect_places(w, 0, 0, 0);
    bw_leave(w, &c);
}

/* --- at random -------------------------------------------------------------------------------- */

enum { TRIES = 60, STEPS = 120, CHANNELS = 4, MOST = 1000 };

/* What a channel must have got: the ids in order, from the oldest. */
struct expected {
    bool exists;
    size_t n;
    uint64_t ids[MOST];
};

static unsigned draw(uint64_t *random, unsigned below)
{
    *random = *random * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(*random >> 33) % below;
}

static const char *const some_names[CHANNELS] = {"c", "d", "e", "f"};

struct oracle {
    struct expected channels[CHANNELS];
    size_t kept;
    uint64_t ids[MOST];
    bool paused;
};

static bool any_channel(const struct oracle *o)
{
    for (int i = 0; i < CHANNELS; i++) {
        if (o->channels[i].exists) {
            return true;
        }
    }
    return false;
}

/* All kept messages go to all channels, at once. */
static void give(struct oracle *o)
{
    if (o->paused || !any_channel(o)) {
        return;
    }
    for (int i = 0; i < CHANNELS; i++) {
        struct expected *c = &o->channels[i];
        for (size_t k = 0; c->exists && k < o->kept; k++) {
            c->ids[c->n++] = o->ids[k];
        }
    }
    o->kept = 0;
}

static void random_step(struct broker_world *w, struct oracle *o, uint64_t *random)
{
    unsigned kind = draw(random, 12);
    int i = (int)draw(random, CHANNELS);
    bw_allow(w, draw(random, 6));
    if (kind < 4) {
        size_t count = 1 + draw(random, 6);
        uint64_t first = publish_many(w, "t", count, 0);
        for (size_t k = 0; k < count; k++) {
            o->ids[o->kept++] = first + k;
        }
    } else if (kind < 6) {
        (void)bw_channel(w, "t", some_names[i]);
        o->channels[i].exists = true;
    } else if (kind < 7) {
        (void)broker_delete_channel(&w->broker, SPAN("t"), bw_span(some_names[i]));
        o->channels[i].exists = false;
        o->channels[i].n = 0;
    } else if (kind < 8) {
        o->paused = draw(random, 2) == 0;
        (void)broker_pause_topic(&w->broker, SPAN("t"), o->paused, w->now);
    } else {
        broker_move(&w->broker, w->now);
        broker_collect(&w->broker);
    }
    give(o);
    bw_check(w);
}

static void slices_change_nothing(void **state)
{
    struct broker_world *w = *state;
    struct oracle *o = alloc_zeroed(sizeof *o);
    uint64_t random = 1;
    for (int t = 0; t < TRIES; t++) {
        memset(o, 0, sizeof *o);
        (void)bw_topic(w, "t");
        for (int s = 0; s < STEPS; s++) {
            random_step(w, o, &random);
        }
        (void)finish(w, 1 + draw(&random, 50));
        for (int i = 0; i < CHANNELS; i++) {
            const struct expected *c = &o->channels[i];
            const struct channel *real =
                topic_find_channel(bw_topic(w, "t"), bw_span(some_names[i]));
            assert_true((real != NULL) == c->exists);
            size_t n = 0;
            const struct message *m = real == NULL ? NULL : real->queue.first;
            for (; m != NULL; m = m->next) {
                assert_true(n < c->n && m->body->id == c->ids[n]);
                n++;
            }
            assert_int_equal(n, c->n);
        }
        assert_int_equal(bw_topic(w, "t")->queue.n, o->kept);
        bw_allow(w, SIZE_MAX);
        (void)broker_delete_topic(&w->broker, SPAN("t"));
        bw_drop_log(w);
    }
    alloc_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BW_TEST(a_call_moves_what_its_allowance_permits),
        BW_TEST(memory_for_all_moves_is_reserved),
        BW_TEST(a_refusal_does_not_depend_on_what_is_moved),
        BW_TEST(an_only_channel_takes_the_queue_as_a_whole),
        BW_TEST(a_first_channel_takes_the_kept_messages_as_a_whole),
        BW_TEST(kept_messages_with_a_delay_go_one_by_one),
        BW_TEST(a_channel_that_is_made_meanwhile_starts_behind),
        BW_TEST(a_pause_does_not_stop_admitted_messages),
        BW_TEST(a_channel_can_be_deleted_at_every_point),
        BW_TEST(messages_without_a_channel_are_freed_in_slices),
        BW_TEST(topics_take_turns),
        BW_TEST(a_place_is_behind_the_messages_of_a_publish),
        BW_TEST(a_deleted_channel_is_freed_in_slices),
        BW_TEST(an_emptied_channel_is_freed_in_slices),
        BW_TEST(a_timer_of_a_dropped_message_frees_it),
        BW_TEST(a_deleted_topic_ends_channel_by_channel),
        BW_TEST(an_ephemeral_channel_of_a_deleted_topic_ends_once),
        BW_TEST(a_discarded_queue_is_freed_in_slices),
        BW_TEST(a_full_ephemeral_topic_discards_the_rest),
        BW_TEST(channels_take_turns),
        BW_TEST(a_call_delivers_what_its_allowance_permits),
        BW_TEST(many_messages_in_flight_are_found),
        BW_TEST(slices_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
