/* SPDX-License-Identifier: MIT */
/* Tests of broker/channel.h: the messages that a channel drops, because it is ephemeral and full,
 * or by sampling. */
#include "broker/channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/broker_world.h"

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
            assert_int_equal(channel->message_count, i); /* nsqd counts dropped messages too */
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

/* Messages that consumers will get before the next command do not fill the channel. */
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

static void a_consumer_that_is_not_ready_makes_no_room(void **state)
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
    bw_leave(w, &other); /* a consumer that has left makes no room */
    (void)bw_publish(w, "t");
    assert_int_equal(channel->drop_count, 5);
    bw_leave(w, &c);
}

/* A message that comes back to a full ephemeral channel is dropped too, as in nsqd. */
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
    (void)bw_publish_later(w, "t", 1); /* deferred messages are not bounded */
    assert_int_equal(channel->timed->deferred_count, 2);
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

/* How many of n messages are delivered at a sample rate. */
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
        assert_int_equal(c.channel->queue.n, 0); /* each was delivered or dropped */
    }
    assert_int_equal(c.message_count, delivered);
    assert_int_equal(c.finish_count, delivered);
    assert_int_equal(c.channel->message_count, n);
    assert_int_equal(c.channel->drop_count, 0);
    bw_leave(w, &c);
    return delivered;
}

/* Within four standard deviations. nsqd delivers one percent more (a numbered departure). */
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

/* Peers see which messages sampling drops. The seed keeps them from choosing names that collide, so
 * it must not show. */
static void sampling_does_not_start_from_the_seed_itself(void **state)
{
    struct broker_world *w = *state;
    const struct broker_core *core = &w->broker.core;
    for (size_t i = 0; i < 2; i++) {
        assert_true((core->random | 1) != (core->config.seed.k[i] | 1));
    }
}

/* A message that sampling drops has had its turn. Otherwise a consumer that takes one percent would
 * use up a hundred messages for each that the others get. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        BW_TEST(a_full_ephemeral_channel_drops),
        BW_TEST(other_channels_do_not_drop),
        BW_TEST(ready_consumers_make_room_in_an_ephemeral_channel),
        BW_TEST(a_consumer_that_is_not_ready_makes_no_room),
        BW_TEST(what_comes_back_to_a_full_ephemeral_channel_is_dropped),
        BW_TEST(the_largest_numbers_do_not_overflow),
        BW_TEST(sample_rate_is_the_percentage_that_is_delivered),
        BW_TEST(sampling_is_replayed_from_the_seed),
        BW_TEST(sampling_is_the_generator_that_it_says),
        BW_TEST(sampling_does_not_start_from_the_seed_itself),
        BW_TEST(a_sampled_consumer_uses_its_own_turns_only),
    };
    return cmocka_run_group_tests_name("channel_drops", tests, NULL, NULL);
}
