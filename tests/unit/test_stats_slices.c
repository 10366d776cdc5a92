/* SPDX-License-Identifier: MIT */
/*
 * Tests of api/stats.h: what a page shows when it is written in slices while topics, channels and
 * clients come and go; how much one slice does; and the latencies, whose sum takes several slices.
 */
#include "api/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/broker_world.h"
#include "support/stats_stage.h"
#include "json/json.h"

static const struct stats_filter as_json = {.json = true, .clients = true};
static const struct stats_filter as_text = {.clients = true};

/* --- a page in slices ------------------------------------------------------------------------- */

static const yajl_callbacks no_callbacks = {0};

/* One slice: one step. */
static bool slice(struct stats_stage *s, struct stats *stats, struct buf *page)
{
    effort_allow(&stage_broker(s)->core.effort, 1);
    return stats_write(stats, page, SIZE_MAX / 2, s->world->now, stage_wall(s));
}

static bool has_text(const struct buf *page, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i + n <= page->n; i++) {
        if (memcmp(buf_span(page).p + i, text, n) == 0) {
            return true;
        }
    }
    return false;
}

/* Writes until the page has this text, or until it is complete. */
static bool write_until(struct stats_stage *s, struct stats *stats, struct buf *page,
                        const char *text)
{
    bool done = false;
    while (!done && !has_text(page, text)) {
        done = slice(s, stats, page);
    }
    return done;
}

/* Writes the rest, ends the page, and checks that it is one document. */
static const char *finish(struct stats_stage *s, struct stats *stats, struct buf *page)
{
    while (!slice(s, stats, page)) {
    }
    stats_end(stats);
    if (stats->json) {
        assert_true(json_read(buf_span(page), &no_callbacks, NULL));
    }
    buf_append(page, span_make("", 1));
    return (const char *)buf_span(page).p;
}

static size_t count(const char *page, const char *text)
{
    size_t n = 0;
    for (const char *at = strstr(page, text); at != NULL; at = strstr(at + 1, text)) {
        n++;
    }
    return n;
}

/* --- what comes and goes ---------------------------------------------------------------------- */

static void a_topic_goes_while_its_channels_are_written(void **state)
{
    (void)state;
    for (int json = 0; json < 2; json++) {
        struct stats_stage s;
        struct stats stats;
        struct buf page = {0};
        stage_open(&s, NULL);
        stage_play(&s);
        stats_begin(&stats, &s.server, json ? &as_json : &as_text);
        write_until(&s, &stats, &page, "one");
        broker_delete_topic(stage_broker(&s), SPAN("alpha"));
        stage_topic(&s, "alpha"); /* another one of this name, which is not shown */
        stage_channel(&s, "alpha", "two");
        const char *text = finish(&s, &stats, &page);
        assert_int_equal(count(text, "alpha") - count(text, "alpha="), json ? 2 : 1);
        assert_int_equal(count(text, "two"), 0);
        assert_int_equal(count(text, json ? "beta\",\"channels" : "[beta "), 1);
        assert_int_equal(count(text, json ? "\"gamma\"" : "[gamma "), 1);
        buf_free(&page);
        stage_close(&s);
    }
}

static void a_channel_goes_while_its_clients_are_written(void **state)
{
    (void)state;
    struct stats_stage s;
    struct stats stats;
    struct buf page = {0};
    stage_open(&s, NULL);
    stage_play(&s);
    stats_begin(&stats, &s.server, &as_json);
    write_until(&s, &stats, &page, "\"c1\"");
    broker_delete_channel(stage_broker(&s), SPAN("alpha"), SPAN("one"));
    const char *text = finish(&s, &stats, &page);
    assert_int_equal(count(text, "127.0.0.1:46090"), 0);
    assert_int_equal(count(text, "\"one\""), 1);
    assert_int_equal(count(text, "\"two\""), 1);
    buf_free(&page);
    stage_close(&s);
}

static void clients_go_while_they_are_written(void **state)
{
    (void)state;
    struct stats_stage s;
    struct stats stats;
    struct buf page = {0};
    struct client *all[20];
    stage_open(&s, NULL);
    for (size_t i = 0; i < 20; i++) {
        char peer[32];
        snprintf(peer, sizeof peer, "10.0.0.%zu:1", i);
        all[i] = world_connect_from(s.world, peer);
        SEND(all[i], "SUB t c\nPUB t\n\0\0\0\1x");
    }
    stats_begin(&stats, &s.server, &as_json);
    write_until(&s, &stats, &page, "10.0.0.4:1");
    for (size_t i = 0; i < 20; i += 2) { /* the one that was written last goes too */
        client_drop(all[i]);
    }
    struct client *late = world_connect_from(s.world, "10.0.0.99:1");
    SEND(late, "SUB t c\n");
    write_until(&s, &stats, &page, "producers\":");
    write_until(&s, &stats, &page,
                "10.0.0.7:1\",\"state\":3,\"ready_count\":0,\"in_flight_count\":"
                "0,\"message_count\":0,\"finish_count\":0,\"requeue_count\":0,"
                "\"connect_ts\":1795929504,\"sample_rate\":0,\"deflate\":false,"
                "\"snappy\":false,\"user_agent\":\"\",\"pub_counts\"");
    const char *text = finish(&s, &stats, &page);
    const char *producers = strstr(text, "\"producers\"");
    assert_non_null(producers);
    for (size_t i = 0; i < 20; i++) {
        char peer[48];
        snprintf(peer, sizeof peer, "\"remote_address\":\"10.0.0.%zu:1\"", i);
        size_t as_producer = count(producers, peer);
        assert_int_equal(count(text, peer) - as_producer, i % 2 == 1 || i <= 4 ? 1 : 0);
        assert_int_equal(as_producer, i % 2);
    }
    assert_int_equal(count(text, "\"remote_address\":\"10.0.0.99:1\""), 1);
    buf_free(&page);
    stage_close(&s);
}

/* What is there all the time is shown once, whatever comes and goes around it. */
static void topics_and_channels_come_and_go(void **state)
{
    (void)state;
    struct stats_stage s;
    struct stats stats;
    struct buf page = {0};
    uint64_t random = 99;
    char name[32];
    stage_open(&s, NULL);
    for (size_t i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "keep%zu", i);
        stage_channel(&s, name, "keep");
    }
    stats_begin(&stats, &s.server, &as_json);
    while (!slice(&s, &stats, &page)) {
        char channel[32];
        random = random * 6364136223846793005U + 1442695040888963407U;
        snprintf(name, sizeof name, random >> 60 < 8 ? "keep%u" : "some%u",
                 (unsigned)(random >> 33) % 100);
        snprintf(channel, sizeof channel, "c%u", (unsigned)(random >> 45) % 10);
        if (random >> 60 == 15) {
            broker_delete_topic(stage_broker(&s), text_span(name));
        } else if ((random >> 40) % 2 == 0) {
            broker_delete_channel(stage_broker(&s), text_span(name), text_span(channel));
        } else {
            stage_channel(&s, name, channel);
        }
    }
    const char *text = finish(&s, &stats, &page);
    for (size_t i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "\"keep%zu\"", i);
        assert_int_equal(count(text, name), 1);
        snprintf(name, sizeof name, "\"some%zu\"", i);
        assert_true(count(text, name) <= 1);
    }
    assert_int_equal(count(text, "\"keep\""), 100);
    buf_free(&page);
    stage_close(&s);
}

/* --- how much a slice does -------------------------------------------------------------------- */

#define MANY 100000

/* A page of 100,000 channels in slices of 8000 units and 64 KiB, as a server writes it. A slice
 * makes a bounded number of bytes, and the page needs no memory but that of the slice. */
static void many_channels(void **state)
{
    (void)state;
    struct stats_stage s;
    struct stats stats;
    struct engine_config config = world_config();
    char name[32];
    size_t slices = 0;
    size_t total = 0;
    bool done = false;
    config.broker.mem_queue_bytes = (size_t)4 << 30;
    stage_open(&s, &config);
    for (size_t i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "c%zu", i);
        stage_channel(&s, i % 2 == 0 ? "one" : name, name);
    }
    size_t used = world_used(s.world);
    stats_begin(&stats, &s.server, &as_json);
    while (!done) {
        struct buf page = {0};
        effort_allow(&stage_broker(&s)->core.effort, 8000);
        done = stats_write(&stats, &page, 65536, s.world->now, stage_wall(&s));
        assert_true(page.n <= 65536 + STATS_ITEM_MAX);
        assert_true(page.n <= 8000 * 32 + STATS_ITEM_MAX);
        total += page.n;
        slices++;
        buf_free(&page);
        assert_int_equal(world_used(s.world), used);
    }
    assert_true(total > MANY * (size_t)300);
    assert_in_range(slices, total / 81920, total / 65536 + 1);
    stats_end(&stats);
    stage_close(&s);
}

/* A slice without effort makes one step: topics that the request does not want cost effort too. */
static void steps_without_text_cost_effort(void **state)
{
    (void)state;
    struct stats_stage s;
    struct stats stats;
    struct buf page = {0};
    char name[32];
    stage_open(&s, NULL);
    for (size_t i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "t%zu", i);
        stage_topic(&s, name);
    }
    size_t slices = 0;
    stats_begin(&stats, &s.server, &(struct stats_filter){.json = true, .channel = SPAN("c")});
    while (!slice(&s, &stats, &page)) {
        slices++;
    }
    assert_in_range(slices, 100, 110);
    finish(&s, &stats, &page);
    buf_free(&page);
    stage_close(&s);
}

/* --- figures ---------------------------------------------------------------------------------- */

/* Messages on the way to a channel count as its messages: they are queued, or deferred. */
static void messages_on_the_way(void **state)
{
    (void)state;
    struct broker_world w;
    struct broker_config config = bw_defaults();
    bw_open(&w, &config);
    struct channel *first = bw_channel(&w, "t", "c");
    struct channel *second = bw_channel(&w, "t", "d");
    bw_allow(&w, 1);
    bw_publish(&w, "t");
    bw_publish(&w, "t");
    bw_publish_later(&w, "t", TIME_SECOND);
    assert_int_equal(first->message_count + second->message_count, 1);
    for (int i = 0; i < 2; i++) {
        struct stats_channel figures = stats_of_channel(i == 0 ? first : second);
        assert_int_equal(figures.depth, 2);
        assert_int_equal(figures.deferred_count, 1);
        assert_int_equal(figures.message_count, 3);
    }
    bw_close(&w);
}

/* --- latencies -------------------------------------------------------------------------------- */

static const double percentiles[] = {1, 0.999999999, 0.5, 0.00000025};
static const struct span quantiles[] = {SPAN_LITERAL("1"), SPAN_LITERAL("0.999999999"),
                                        SPAN_LITERAL("0.5"), SPAN_LITERAL("2.5e-7")};

#define FIGURES(value)                                                                             \
    "'percentiles':[{'quantile':1,'value':" value "},{'quantile':0.999999999,'value':" value       \
    "},{'quantile':0.5,'value':" value "},{'quantile':2.5e-7,'value':" value "}]}"

static void open_with_percentiles(struct stats_stage *s)
{
    struct engine_config config = world_config();
    config.broker.latency = (struct latency_config){percentiles, 4, 10 * TIME_MINUTE};
    stage_open(s, &config);
    s->server.quantiles = quantiles;
}

/* The messages of topic "t": one takes 103,781,921 ns and one takes nothing; "u" has no channel. */
static void play_latencies(struct stats_stage *s)
{
    struct message_id id;
    struct client *c = world_connect_from(s->world, "127.0.0.1:55448");
    client_identify(c, "{\"client_id\":\"t\",\"hostname\":\"th\",\"user_agent\":\"ta\"}");
    SEND(c, "SUB t c\nPUB t\n\0\0\0\1x");
    client_expect(c, "R OK; R OK; R OK");
    SEND(c, "RDY 1\n");
    client_expect_message(c, 1, "x", &id);
    world_advance(s->world, 103781921);
    client_fin(c, &id);
    SEND(c, "PUB t\n\0\0\0\1y");
    client_expect_ok(c);
    client_expect_message(c, 1, "y", &id);
    client_fin(c, &id);
    stage_channel(s, "t", "d");
    stage_topic(s, "u");
}

static void latencies_are_those_of_nsqd(void **state)
{
    (void)state;
    struct stats_stage s;
    open_with_percentiles(&s);
    play_latencies(&s);
    size_t used = world_used(s.world);
    stage_expect(
        &s, &(struct stats_filter){.json = true},
        "{'version':'1.3.0','health':'OK','start_time':1795929504,'topics':[{'topic_name':"
        "'t','channels':[{'channel_name':'c','depth':0,'backend_depth':0,'in_flight_count'"
        ":0,'deferred_count':0,'message_count':2,'requeue_count':0,'timeout_count':0,"
        "'client_count':1,'clients':null,'paused':false,'e2e_processing_latency':{'count':"
        "2," FIGURES(
            "103781921") "},{'channel_name':'d','depth':0,'backend_depth':0,"
                         "'in_flight_count':0,'deferred_count':0,'message_count':0,'requeue_count':"
                         "0,"
                         "'timeout_count':0,'client_count':0,'clients':null,'paused':false,"
                         "'e2e_processing_latency':{'count':0," FIGURES(
                             "0") "}],'depth':0,'backend_depth':"
                                  "0,'message_count':2,'message_bytes':2,'paused':false,'e2e_"
                                  "processing_latency':{"
                                  "'count':2," FIGURES(
                                      "103781921") "},{'topic_name':'u','channels':[],'depth':0,"
                                                   "'backend_depth':0,'message_count':0,'message_"
                                                   "bytes':0,'paused':false,"
                                                   "'e2e_processing_latency':{'count':0,'"
                                                   "percentiles':null}}],'producers':null}");
    const char *text = stage_page(&s, &as_text, 1, 1);
    assert_non_null(strstr(text, "\nTopics:\n   [t              ] depth: 0     be-depth: 0     "
                                 "msgs: 2        e2e%: 103.8ms, 103.8ms, 103.8ms, 103.8ms\n"));
    assert_non_null(strstr(text, "msgs: 0        e2e%: 0.0ns, 0.0ns, 0.0ns, 0.0ns\n\n   [u "));
    assert_int_equal(world_used(s.world), used);
    stage_close(&s);
}

/* The figures of a topic are of all channels, also when the page shows one of them. */
static void one_channel_and_the_latencies_of_all(void **state)
{
    (void)state;
    struct stats_stage s;
    open_with_percentiles(&s);
    play_latencies(&s);
    struct stats_filter filter = {.json = true, .topic = SPAN("t"), .channel = SPAN("d")};
    const char *page = stage_page(&s, &filter, 1, 1);
    assert_int_equal(count(page, "\"count\":0"), 1);
    assert_int_equal(count(page, "\"count\":2"), 1);
    stage_close(&s);
}

/* A page that is given up, and a topic that is deleted while its latencies are added, leave nothing
 * behind. */
static void a_sum_that_is_not_finished(void **state)
{
    (void)state;
    struct stats_stage s;
    struct stats stats;
    struct buf page = {0};
    open_with_percentiles(&s);
    play_latencies(&s);
    size_t used = world_used(s.world);
    stats_begin(&stats, &s.server, &as_json);
    for (int i = 0; i < 3; i++) { /* the head, the topic, the first channel of the sum */
        slice(&s, &stats, &page);
    }
    assert_true(world_used(s.world) > used);
    stats_end(&stats);
    assert_int_equal(world_used(s.world), used);
    buf_free(&page);
    stats_begin(&stats, &s.server, &as_json);
    for (int i = 0; i < 3; i++) {
        slice(&s, &stats, &page);
    }
    broker_delete_topic(stage_broker(&s), SPAN("t"));
    const char *text = finish(&s, &stats, &page);
    assert_int_equal(count(text, "\"channels\":[]"), 2);
    buf_free(&page);
    stage_close(&s);
}

/* Without memory for the sum, the topic has no figures. */
static void no_memory_for_the_sum(void **state)
{
    (void)state;
    struct stats_stage s;
    open_with_percentiles(&s);
    play_latencies(&s);
    struct budget *budget = &stage_broker(&s)->core.budget;
    struct budget before = *budget;
    budget->cap = budget->used;
    budget->reserve = 0;
    const char *page = stage_page(&s, &(struct stats_filter){.json = true}, 1, 1);
    assert_int_equal(count(page, "\"percentiles\":null"), 2);
    *budget = before;
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_topic_goes_while_its_channels_are_written),
        cmocka_unit_test(a_channel_goes_while_its_clients_are_written),
        cmocka_unit_test(clients_go_while_they_are_written),
        cmocka_unit_test(topics_and_channels_come_and_go),
        cmocka_unit_test(many_channels),
        cmocka_unit_test(steps_without_text_cost_effort),
        cmocka_unit_test(messages_on_the_way),
        cmocka_unit_test(latencies_are_those_of_nsqd),
        cmocka_unit_test(one_channel_and_the_latencies_of_all),
        cmocka_unit_test(a_sum_that_is_not_finished),
        cmocka_unit_test(no_memory_for_the_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
