/* SPDX-License-Identifier: MIT */
/*
 * Tests of api/statsd.h in a whole engine on virtual time. The texts are those that upstream's nsqd
 * 1.3.0 sent in the same situations (tests/interop/statsd.py compares both servers).
 */
#include "api/statsd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/world.h"

/* Reports each 10 s, without memory, in one datagram. */
static struct engine_config config_with(const char *prefix)
{
    struct engine_config config = world_config();
    config.statsd = (struct statsd_config){.address = SPAN("stats.host:8125"),
                                           .interval = 10 * TIME_SECOND,
                                           .prefix = text_span(prefix),
                                           .host = SPAN("h.ost"),
                                           .port = 4151,
                                           .packet_size = 60000};
    return config;
}

static struct world *begin(void)
{
    struct engine_config config = config_with("p");
    return world_new(&config);
}

static struct topic *topic(struct world *w, const char *name)
{
    return broker_topic(&w->engine->broker, text_span(name), BUDGET_CLIENT);
}

static void channel(struct world *w, const char *of, const char *name)
{
    topic_channel(topic(w, of), text_span(name), w->now);
}

static void remove_topic(struct world *w, const char *name)
{
    assert_int_equal(broker_delete_topic(&w->engine->broker, text_span(name)), TOPOLOGY_OK);
    world_settle(w);
}

#define EXPECT(w, text) assert_string_equal(world_udp(w), text)

#define TOPIC(name, count, bytes, depth)                                                           \
    "p.topic." name ".message_count:" count "|c\np.topic." name ".message_bytes:" bytes            \
    "|c\np.topic." name ".depth:" depth "|g\np.topic." name ".backend_depth:0|g\n"
#define CHANNEL(topic, name, count, depth, clients)                                                \
    "p.topic." topic ".channel." name ".message_count:" count "|c\n"                               \
    "p.topic." topic ".channel." name ".depth:" depth "|g\n"                                       \
    "p.topic." topic ".channel." name ".backend_depth:0|g\n"                                       \
    "p.topic." topic ".channel." name ".in_flight_count:0|g\n"                                     \
    "p.topic." topic ".channel." name ".deferred_count:0|g\n"                                      \
    "p.topic." topic ".channel." name ".requeue_count:0|c\n"                                       \
    "p.topic." topic ".channel." name ".timeout_count:0|c\n"                                       \
    "p.topic." topic ".channel." name ".clients:" clients "|g\n"
#define OPEN(at) "@" at " OPEN stats.host:8125\n"
#define REPORT(at) OPEN(at) "@" at "\n"

/* --- what a report tells ---------------------------------------------------------------------- */

static void topics_and_channels_are_in_the_order_of_their_names(void **state)
{
    (void)state;
    struct world *w = begin();
    struct client *c = world_connect(w);
    SEND(c, "PUB beta\n\0\0\0\5helloSUB alpha two\n");
    channel(w, "alpha", "one");
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, REPORT("10000") TOPIC("alpha", "0", "0", "0") CHANNEL("alpha", "one", "0", "0", "0")
                  CHANNEL("alpha", "two", "0", "0", "1") TOPIC("beta", "1", "5", "1"));
    world_expect_log(w, "INFO STATSD: pushing stats to stats.host:8125");
    world_free(w);
}

/* One message each: finished, in flight, deferred, timed out and requeued, queued. */
static void a_channel_tells_what_became_of_its_messages(void **state)
{
    (void)state;
    struct world *w = begin();
    struct message_id id;
    struct client *c = world_connect(w);
    client_identify(c, "{\"msg_timeout\":1000}");
    SEND(c, "SUB t c\n");
    client_expect(c, "R OK; R OK");
    struct client *p = world_connect(w);
    SEND(p, "MPUB t\n\0\0\0\x18\0\0\0\4\0\0\0\1a\0\0\0\1b\0\0\0\1c\0\0\0\1d");
    SEND(c, "RDY 1\n");
    client_expect_message(c, 1, "a", &id);
    client_fin(c, &id);
    client_expect_message(c, 1, "b", &id);
    client_req(c, &id, 3600000);
    client_expect_message(c, 1, "c", &id);
    SEND(c, "RDY 0\n");
    world_advance(w, 2 * TIME_SECOND); /* c times out */
    SEND(c, "RDY 1\n");
    client_expect_message(c, 1, "d", &id);
    world_advance(w, 7500 * TIME_MS);
    client_heard(c);
    world_advance(w, 500 * TIME_MS);
    const char *text = world_udp(w);
    assert_non_null(strstr(text, "p.topic.t.message_count:4|c\np.topic.t.message_bytes:4|c\n"));
    assert_non_null(strstr(text, "p.topic.t.channel.c.message_count:4|c\n"));
    assert_non_null(strstr(text, ".depth:1|g\np.topic.t.channel.c.backend_depth:0|g\n"
                                 "p.topic.t.channel.c.in_flight_count:1|g\n"
                                 "p.topic.t.channel.c.deferred_count:1|g\n"
                                 "p.topic.t.channel.c.requeue_count:1|c\n"));
    assert_null(strstr(text, "timeout_count:0|c\n"));
    world_free(w);
}

static void counts_tell_what_has_changed(void **state)
{
    (void)state;
    struct world *w = begin();
    struct client *c = world_connect(w);
    SEND(c, "PUB t\n\0\0\0\5helloPUB t\n\0\0\0\1x");
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, REPORT("10000") TOPIC("t", "2", "6", "2"));
    SEND(c, "PUB t\n\0\0\0\3abc");
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, REPORT("20000") TOPIC("t", "1", "3", "3"));
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, REPORT("30000") TOPIC("t", "0", "0", "3"));
    world_free(w);
}

/* As in nsqd, which knows topics by their names. */
static void what_is_made_again_goes_back(void **state)
{
    (void)state;
    struct world *w = begin();
    struct client *c = world_connect(w);
    channel(w, "t", "c");
    SEND(c, "PUB t\n\0\0\0\5helloPUB t\n\0\0\0\1x");
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, REPORT("10000") TOPIC("t", "2", "6", "0") CHANNEL("t", "c", "2", "2", "0"));
    remove_topic(w, "t");
    channel(w, "t", "c");
    SEND(c, "PUB t\n\0\0\0\3abc");
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, REPORT("20000") TOPIC("t", "-1", "-3", "0") CHANNEL("t", "c", "-1", "1", "0"));
    world_free(w);
}

static void what_a_report_has_missed_begins_from_zero(void **state)
{
    (void)state;
    struct world *w = begin();
    struct client *c = world_connect(w);
    channel(w, "b", "c");
    topic(w, "a");
    SEND(c, "PUB b\n\0\0\0\5hello");
    world_advance(w, 10 * TIME_SECOND);
    remove_topic(w, "b");
    remove_topic(w, "a");
    world_udp(w);
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, OPEN("20000")); /* nothing to send */
    channel(w, "b", "c");
    SEND(c, "PUB b\n\0\0\0\3abc");
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, REPORT("30000") TOPIC("b", "1", "3", "0") CHANNEL("b", "c", "1", "1", "0"));
    world_free(w);
}

/* Topics and channels that come and go between, before and behind others. */
static void neighbours_keep_their_counts(void **state)
{
    (void)state;
    struct world *w = begin();
    struct client *c = world_connect(w);
    channel(w, "m", "m");
    channel(w, "b", "z");
    SEND(c, "PUB m\n\0\0\0\1x");
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, REPORT("10000") TOPIC("b", "0", "0", "0") CHANNEL("b", "z", "0", "0", "0")
                  TOPIC("m", "1", "1", "0") CHANNEL("m", "m", "1", "1", "0"));
    remove_topic(w, "b");
    topic(w, "a");
    topic(w, "m1");
    channel(w, "m", "a");
    channel(w, "m", "z");
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, REPORT("20000") TOPIC("a", "0", "0", "0") TOPIC("m", "0", "0", "0")
                  CHANNEL("m", "a", "0", "0", "0") CHANNEL("m", "m", "0", "1", "0")
                      CHANNEL("m", "z", "0", "0", "0") TOPIC("m1", "0", "0", "0"));
    world_free(w);
}

static void ephemeral_ones_are_told_unless_they_are_excluded(void **state)
{
    (void)state;
    for (int excluded = 0; excluded < 2; excluded++) {
        struct engine_config config = config_with("p");
        config.statsd.exclude_ephemeral = excluded;
        struct world *w = world_new(&config);
        channel(w, "a#ephemeral", "c");
        channel(w, "t", "c#ephemeral");
        channel(w, "t", "d");
        world_advance(w, 10 * TIME_SECOND);
        EXPECT(w, excluded
                      ? REPORT("10000") TOPIC("t", "0", "0", "0") CHANNEL("t", "d", "0", "0", "0")
                      : REPORT("10000") TOPIC("a#ephemeral", "0", "0", "0")
                            CHANNEL("a#ephemeral", "c", "0", "0", "0") TOPIC("t", "0", "0", "0")
                                CHANNEL("t", "c#ephemeral", "0", "0", "0")
                                    CHANNEL("t", "d", "0", "0", "0"));
        world_free(w);
    }
}

static void the_memory_is_told_last(void **state)
{
    (void)state;
    struct engine_config config = config_with("");
    config.statsd.memory = true;
    struct world *w = world_new(&config);
    w->handler.resident(w->handler.self, 12345678);
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, REPORT("10000") "mem.heap_objects:0|g\nmem.heap_idle_bytes:0|g\n"
                              "mem.heap_in_use_bytes:12345678|g\nmem.heap_released_bytes:0|g\n"
                              "mem.gc_pause_usec_100:0|g\nmem.gc_pause_usec_99:0|g\n"
                              "mem.gc_pause_usec_95:0|g\nmem.next_gc_bytes:0|g\n"
                              "mem.gc_runs:0|c\n");
    world_free(w);
}

static void latencies_have_the_percentile_in_their_names(void **state)
{
    (void)state;
    static const double percentiles[] = {0.999, 0.5};
    struct engine_config config = config_with("");
    config.broker.latency.percentiles = percentiles;
    config.broker.latency.percentile_count = 2;
    struct world *w = world_new(&config);
    struct message_id id;
    struct client *c = world_connect(w);
    topic(w, "none");
    SEND(c, "SUB t c\nRDY 1\nPUB t\n\0\0\0\1x");
    client_expect_ok(c);
    client_expect_ok(c);
    client_expect_message(c, 1, "x", &id);
    world_advance(w, 5 * TIME_MS);
    client_fin(c, &id);
    world_advance(w, 10 * TIME_SECOND);
    const char *text = world_udp(w);
    assert_non_null(strstr(text, "topic.none.backend_depth:0|g\ntopic.t.message_count"));
    assert_non_null(strstr(text, "topic.t.backend_depth:0|g\n"
                                 "topic.t.e2e_processing_latency_100:5000000|g\n"
                                 "topic.t.e2e_processing_latency_50:5000000|g\n"));
    assert_non_null(strstr(text, "topic.t.channel.c.clients:1|g\n"
                                 "topic.t.channel.c.e2e_processing_latency_100:5000000|g\n"
                                 "topic.t.channel.c.e2e_processing_latency_50:5000000|g\n"));
    world_free(w);
}

/* --- when ------------------------------------------------------------------------------------- */

static void without_an_address_nothing_happens(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    topic(w, "t");
    assert_true(w->handler.next_deadline(w->handler.self) == TIME_NEVER);
    world_advance(w, 200 * TIME_SECOND);
    EXPECT(w, "");
    world_stop(w);
    world_expect_no_log(w, "INFO STATSD: closing");
    world_free(w);
}

/* Five datagrams in nine seconds. */
static void datagrams_are_spread(void **state)
{
    (void)state;
    struct engine_config config = config_with("p");
    config.statsd.packet_size = 120;
    struct world *w = world_new(&config);
    channel(w, "top", "chan");
    world_advance(w, 20 * TIME_SECOND - 1);
    EXPECT(w, OPEN("10000") //
           "@10000\np.topic.top.message_count:0|c\np.topic.top.message_bytes:0|c\n"
           "p.topic.top.depth:0|g\np.topic.top.backend_depth:0|g\n"
           "@11800\np.topic.top.channel.chan.message_count:0|c\n"
           "p.topic.top.channel.chan.depth:0|g\n"
           "@13600\np.topic.top.channel.chan.backend_depth:0|g\n"
           "p.topic.top.channel.chan.in_flight_count:0|g\n"
           "@15400\np.topic.top.channel.chan.deferred_count:0|g\n"
           "p.topic.top.channel.chan.requeue_count:0|c\n"
           "@17200\np.topic.top.channel.chan.timeout_count:0|c\n"
           "p.topic.top.channel.chan.clients:0|g\n");
    world_free(w);
}

/* A report tells the figures of its beginning, whatever happens while it is sent. */
static void a_report_that_is_sent_does_not_change(void **state)
{
    (void)state;
    struct engine_config config = config_with("p");
    config.statsd.packet_size = 1;
    struct world *w = world_new(&config);
    struct client *c = world_connect(w);
    topic(w, "b");
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, REPORT("10000") "p.topic.b.message_count:0|c\n");
    SEND(c, "PUB b\n\0\0\0\5hello");
    topic(w, "a");
    remove_topic(w, "b");
    world_advance(w, 9 * TIME_SECOND);
    EXPECT(w, "@12250\np.topic.b.message_bytes:0|c\n@14500\np.topic.b.depth:0|g\n"
              "@16750\np.topic.b.backend_depth:0|g\n");
    world_free(w);
}

static void a_server_that_was_behind_keeps_the_beat(void **state)
{
    (void)state;
    struct world *w = begin();
    topic(w, "t");
    world_advance(w, 3 * TIME_SECOND);
    world_jump(w, 52 * TIME_SECOND);
    EXPECT(w, REPORT("55000") TOPIC("t", "0", "0", "0"));
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, REPORT("60000") TOPIC("t", "0", "0", "0"));
    world_free(w);
}

/* Of forty datagrams one is sent in time. The others are due at once: each step asks for 16. */
static void a_server_that_was_behind_sends_in_pieces(void **state)
{
    (void)state;
    struct engine_config config = config_with("p");
    config.statsd.packet_size = 1;
    struct world *w = world_new(&config);
    for (int i = 0; i < 10; i++) {
        char name[24];
        snprintf(name, sizeof name, "t%d", i);
        topic(w, name);
    }
    world_advance(w, 10 * TIME_SECOND);
    world_udp(w);
    w->now += 9 * TIME_SECOND;
    size_t sent = 1;
    for (int round = 0; round < 3; round++) {
        world_round(w);
        const char *text = world_udp(w);
        size_t n = 0;
        for (; (text = strchr(text, '@')) != NULL; text++) {
            n++;
        }
        assert_int_equal(n, round < 2 ? 16 : 7);
        sent += n;
    }
    assert_int_equal(sent, 40);
    world_free(w);
}

/* --- the socket ------------------------------------------------------------------------------- */

static void a_report_without_a_socket_is_left_out(void **state)
{
    (void)state;
    struct world *w = begin();
    struct client *c = world_connect(w);
    w->udp_answers = ANSWER_WITH_FAILURE;
    SEND(c, "PUB t\n\0\0\0\5hello");
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, OPEN("10000"));
    world_expect_log(w, "ERROR failed to create UDP socket to statsd(stats.host:8125)");
    world_expect_no_log(w, "INFO STATSD: pushing stats to stats.host:8125");
    w->udp_answers = ANSWER_AT_ONCE;
    SEND(c, "PUB t\n\0\0\0\1x");
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, REPORT("20000") TOPIC("t", "2", "6", "2"));
    world_free(w);
}

static void a_socket_may_take_a_second(void **state)
{
    (void)state;
    struct world *w = begin();
    topic(w, "t");
    w->udp_answers = ANSWER_WHEN_TOLD;
    world_advance(w, 11 * TIME_SECOND - 1);
    EXPECT(w, OPEN("10000"));
    world_udp_answer(w, true);
    EXPECT(w, "@10999\n" TOPIC("t", "0", "0", "0"));
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, OPEN("20000"));
    uint64_t ticket = w->udp_ticket;
    world_advance(w, 1);
    EXPECT(w, "@21000 CLOSE\n");
    assert_int_equal(w->udp_ticket, 0);
    world_expect_log(w, "ERROR failed to create UDP socket to statsd(stats.host:8125)");
    const struct answer late = {.why = SPAN("")}; /* was made before the shell heard of the end */
    w->handler.answer(w->handler.self, ticket, &late, w->now);
    world_settle(w);
    EXPECT(w, "");
    world_advance(w, 9 * TIME_SECOND);
    EXPECT(w, OPEN("30000"));
    world_udp_answer(w, false);
    assert_int_equal(
        world_logged(w, "ERROR failed to create UDP socket to statsd(stats.host:8125)"), 2);
    world_free(w);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void the_end_sends_the_rest_at_once(void **state)
{
    (void)state;
    struct engine_config config = config_with("p");
    config.statsd.packet_size = 50;
    struct world *w = world_new(&config);
    topic(w, "t");
    world_advance(w, 10 * TIME_SECOND);
    EXPECT(w, REPORT("10000") "p.topic.t.message_count:0|c\n");
    w->handler.stop(w->handler.self, w->now);
    assert_false(w->handler.stopped(w->handler.self));
    world_settle(w);
    assert_true(w->handler.stopped(w->handler.self));
    EXPECT(w, "@10000\np.topic.t.message_bytes:0|c\np.topic.t.depth:0|g\n"
              "@10000\np.topic.t.backend_depth:0|g\n");
    assert_int_equal(world_logged(w, "INFO STATSD: closing"), 1);
    world_advance(w, 30 * TIME_SECOND);
    EXPECT(w, "");
    world_free(w);
}

static void the_end_waits_for_no_report(void **state)
{
    (void)state;
    for (int opening = 0; opening < 2; opening++) {
        struct world *w = begin();
        topic(w, "t");
        w->udp_answers = ANSWER_WHEN_TOLD;
        world_advance(w, (9 + opening) * TIME_SECOND);
        world_stop(w);
        assert_true(w->handler.stopped(w->handler.self));
        EXPECT(w, opening ? OPEN("10000") "@10000 CLOSE\n" : "");
        world_expect_log(w, "INFO STATSD: closing");
        world_free(w);
    }
}

/* --- bounds ----------------------------------------------------------------------------------- */

/* With little effort a call, a report takes many rounds, and its text is the same. */
static void a_report_is_collected_in_steps(void **state)
{
    (void)state;
    static const double percentiles[] = {0.9};
    char *texts[2];
    for (int little = 0; little < 2; little++) {
        struct engine_config config = config_with("p");
        config.broker.latency.percentiles = percentiles;
        config.broker.latency.percentile_count = 1;
        config.broker.effort_a_call = little ? 1 : config.broker.effort_a_call;
        struct world *w = world_new(&config);
        world_make_topics(w, 20, "ab");
        world_advance(w, 10 * TIME_SECOND - 1);
        w->now++;
        int rounds = 0;
        while (w->engine->statsd.state != STATSD_SENDING) {
            world_round(w);
            rounds++;
        }
        assert_in_range(rounds, little ? 160 : 2, little ? 300 : 10);
        world_settle(w);
        texts[little] = strdup(world_udp(w));
        for (int i = 0; i < 20; i++) { /* the rows are dropped in steps too */
            char name[24];
            snprintf(name, sizeof name, "t%05d", i);
            remove_topic(w, name);
        }
        size_t before = world_used(w);
        world_advance(w, 10 * TIME_SECOND - 1);
        w->now++;
        rounds = 0;
        do {
            world_round(w);
            rounds++;
        } while (w->engine->statsd.state != STATSD_WAITING);
        assert_in_range(rounds, little ? 60 : 2, little ? 100 : 10);
        assert_true(world_used(w) < before);
        world_free(w);
    }
    assert_string_equal(texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
}

/* Topics and channels come and go between the steps of a report. All lines fit in the number of
 * datagrams that was counted, and no datagram is empty (otherwise an assert fails). */
static void topics_come_and_go_while_a_report_is_collected(void **state)
{
    (void)state;
    struct engine_config config = config_with("p");
    config.broker.effort_a_call = 1;
    config.statsd.packet_size = 100;
    struct world *w = world_new(&config);
    uint32_t random = 1;
    world_make_topics(w, 12, "ab");
    world_advance(w, 9 * TIME_SECOND);
    for (int step = 0; step < 3000; step++) {
        char topic_name[24];
        random = random * 1664525 + 1013904223;
        snprintf(topic_name, sizeof topic_name, "t%05u", (random >> 16) % 12);
        switch (random >> 28 & 3) {
        case 0:
            broker_delete_topic(&w->engine->broker, text_span(topic_name));
            break;
        case 1:
            channel(w, topic_name, random >> 27 & 1 ? "a" : "b");
            break;
        case 2:
            broker_delete_channel(&w->engine->broker, text_span(topic_name),
                                  random >> 27 & 1 ? SPAN("a") : SPAN("b"));
            break;
        default:
            w->now += 50 * TIME_MS;
        }
        world_round(w);
    }
    assert_true(world_logged(w, "INFO STATSD: pushing stats to stats.host:8125") > 2);
    assert_non_null(strstr(world_udp(w), ".channel.b.clients:0|g\n"));
    world_stop(w);
    assert_true(w->handler.stopped(w->handler.self));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_and_channels_are_in_the_order_of_their_names),
        cmocka_unit_test(a_channel_tells_what_became_of_its_messages),
        cmocka_unit_test(counts_tell_what_has_changed),
        cmocka_unit_test(what_is_made_again_goes_back),
        cmocka_unit_test(what_a_report_has_missed_begins_from_zero),
        cmocka_unit_test(neighbours_keep_their_counts),
        cmocka_unit_test(ephemeral_ones_are_told_unless_they_are_excluded),
        cmocka_unit_test(the_memory_is_told_last),
        cmocka_unit_test(latencies_have_the_percentile_in_their_names),
        cmocka_unit_test(without_an_address_nothing_happens),
        cmocka_unit_test(datagrams_are_spread),
        cmocka_unit_test(a_report_that_is_sent_does_not_change),
        cmocka_unit_test(a_server_that_was_behind_keeps_the_beat),
        cmocka_unit_test(a_server_that_was_behind_sends_in_pieces),
        cmocka_unit_test(a_report_without_a_socket_is_left_out),
        cmocka_unit_test(a_socket_may_take_a_second),
        cmocka_unit_test(the_end_sends_the_rest_at_once),
        cmocka_unit_test(the_end_waits_for_no_report),
        cmocka_unit_test(a_report_is_collected_in_steps),
        cmocka_unit_test(topics_come_and_go_while_a_report_is_collected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
