/* SPDX-License-Identifier: MIT */
/*
 * Tests of api/metrics.h: whole pages, pages that are written in slices while topics, channels and
 * clients come and go, and how much one slice does.
 */
#include "api/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/stats_stage.h"

static const struct metrics_options nothing_more = {0};
static const struct metrics_options everything = {.channels = true, .clients = true};

/* --- pages ------------------------------------------------------------------------------------ */

/* Writes one slice. */
static bool slice(struct stats_stage *s, struct metrics *m, struct buf *page, size_t most,
                  size_t units)
{
    effort_allow(&stage_broker(s)->core.effort, units);
    return metrics_write(m, page, most, s->world->now);
}

/* Ends the page with a NUL and returns it as a string. */
static const char *text_of(struct buf *page)
{
    buf_append(page, span_make("", 1));
    const char *text = (const char *)buf_span(page).p;
    assert_non_null(text);
    return text;
}

/* Writes a whole page into s->page, each slice into a buffer of its own. */
static const char *whole(struct stats_stage *s, const struct metrics_options *options, size_t most,
                         size_t units)
{
    struct metrics m;
    bool done = false;
    buf_free(&s->page);
    metrics_begin(&m, &s->server, options);
    while (!done) {
        struct buf part = {0};
        done = slice(s, &m, &part, most, units);
        assert_true(part.n <= most + METRICS_STEP_MAX);
        buf_append(&s->page, buf_span(&part));
        buf_free(&part);
    }
    assert_true(metrics_write(&m, &s->page, most, s->world->now));
    metrics_end(&m);
    return text_of(&s->page);
}

/* Returns the lines of one family, with HELP and TYPE. */
static const char *family(const char *page, const char *name)
{
    static char text[4096];
    char head[128];
    snprintf(head, sizeof head, "# HELP %s ", name);
    const char *start = strstr(page, head);
    assert_non_null(start);
    const char *end = strstr(start + 1, "# HELP");
    size_t n = end == NULL ? strlen(start) : (size_t)(end - start);
    assert_true(n < sizeof text);
    memcpy(text, start, n);
    text[n] = '\0';
    return text;
}

/* The samples of a family are these lines. */
static void expect_samples(const char *page, const char *name, const char *samples)
{
    const char *text = family(page, name);
    text = strchr(text, '\n') + 1; /* behind HELP */
    text = strchr(text, '\n') + 1; /* behind TYPE */
    assert_string_equal(text, samples);
}

static size_t count(const char *page, const char *text)
{
    size_t n = 0;
    for (const char *at = strstr(page, text); at != NULL; at = strstr(at + 1, text)) {
        n++;
    }
    return n;
}

/* Every line is HELP, TYPE or a sample of the family that began last; no family and no labels occur
 * twice. Returns the number of samples. */
static size_t check_form(const char *page)
{
    char name[128] = "";
    size_t samples = 0;
    for (const char *line = page; *line != '\0'; line = strchr(line, '\n') + 1) {
        char labels[1024];
        if (strncmp(line, "# HELP ", 7) == 0) {
            assert_int_equal(sscanf(line, "# HELP %127s", name), 1);
            snprintf(labels, sizeof labels, "# HELP %s ", name);
            assert_int_equal(count(page, labels), 1);
            snprintf(labels, sizeof labels, "# TYPE %s ", name);
            assert_int_equal(count(page, labels), 1);
            assert_ptr_equal(strstr(page, labels), strchr(line, '\n') + 1);
        } else if (strncmp(line, "# TYPE ", 7) != 0) {
            size_t n = strlen(name);
            size_t with_labels = (size_t)(strchr(line, '\n') - line);
            assert_int_equal(strncmp(line, name, n), 0);
            assert_true(line[n] == '{' || line[n] == ' ');
            while (line[with_labels] != ' ') {
                with_labels--;
            }
            snprintf(labels, sizeof labels, "\n%.*s ", (int)with_labels, line);
            assert_int_equal(count(page, labels), 1);
            samples++;
        }
    }
    return samples;
}

/* --- whole pages ------------------------------------------------------------------------------ */

static void the_server(void **state)
{
    (void)state;
    struct stats_stage s;
    char text[64];
    stage_open(&s, NULL);
    stage_play(&s);
    s.world->handler.resident(s.world->handler.self, 12345678);
    const char *page = whole(&s, &nothing_more, SIZE_MAX / 2, SIZE_MAX);
    const struct budget *budget = &stage_broker(&s)->core.budget;
    expect_samples(page, "nsqd_build_info",
                   "nsqd_build_info{version=\"1.3.0\",build=\"c11-nsqref-0.1.0\"} 1\n");
    expect_samples(page, "process_start_time_seconds",
                   "process_start_time_seconds 1795929504.000000001\n");
    expect_samples(page, "process_resident_memory_bytes",
                   "process_resident_memory_bytes 12345678\n");
    snprintf(text, sizeof text, "nsqd_memory_used_bytes %zu\n", budget->used);
    expect_samples(page, "nsqd_memory_used_bytes", text);
    snprintf(text, sizeof text, "nsqd_memory_topics_bytes %zu\n", budget->names);
    expect_samples(page, "nsqd_memory_topics_bytes", text);
    snprintf(text, sizeof text, "nsqd_memory_connections_bytes %zu\n", budget->held);
    expect_samples(page, "nsqd_memory_connections_bytes", text);
    snprintf(text, sizeof text, "nsqd_memory_limit_bytes %zu\n", budget->cap);
    expect_samples(page, "nsqd_memory_limit_bytes", text);
    snprintf(text, sizeof text, "nsqd_memory_publish_limit_bytes %zu\n", budget->cap);
    expect_samples(page, "nsqd_memory_publish_limit_bytes", text);
    snprintf(text, sizeof text, "nsqd_max_connections %zu\n",
             s.world->engine->serve.config.max_connections);
    expect_samples(page, "nsqd_max_connections", text);
    expect_samples(page, "nsqd_topics", "nsqd_topics 3\n");
    expect_samples(page, "nsqd_messages", "nsqd_messages 10\n");
    expect_samples(page, "nsqd_messages_published_total", "nsqd_messages_published_total 7\n");
    expect_samples(page, "nsqd_published_bytes_total", "nsqd_published_bytes_total 17\n");
    expect_samples(page, "nsqd_messages_delivered_total", "nsqd_messages_delivered_total 4\n");
    expect_samples(page, "nsqd_messages_finished_total", "nsqd_messages_finished_total 1\n");
    expect_samples(page, "nsqd_messages_requeued_total", "nsqd_messages_requeued_total 1\n");
    expect_samples(page, "nsqd_messages_timed_out_total", "nsqd_messages_timed_out_total 1\n");
    expect_samples(page, "nsqd_messages_dropped_total", "nsqd_messages_dropped_total 0\n");
    stage_close(&s);
}

/* Too much resident memory lowers the limit; an unknown amount is not shown. */
static void resident_memory(void **state)
{
    (void)state;
    struct stats_stage s;
    char text[64];
    stage_open(&s, NULL);
    struct budget *budget = &stage_broker(&s)->core.budget;
    const char *page = whole(&s, &nothing_more, SIZE_MAX / 2, SIZE_MAX);
    expect_samples(page, "process_resident_memory_bytes", "");
    s.world->handler.resident(s.world->handler.self,
                              budget->cap + budget->cap / 2 + BUDGET_RESIDENT_FIXED + 1000);
    page = whole(&s, &nothing_more, SIZE_MAX / 2, SIZE_MAX);
    snprintf(text, sizeof text, "nsqd_memory_publish_limit_bytes %zu\n", budget->cap - 1000);
    expect_samples(page, "nsqd_memory_publish_limit_bytes", text);
    stage_close(&s);
}

static void connections_and_clients(void **state)
{
    (void)state;
    struct stats_stage s;
    stage_open(&s, NULL);
    stage_play(&s);
    world_open(s.world);
    world_open_http(s.world);
    world_open_http(s.world);
    const char *page = whole(&s, &nothing_more, 1, 1);
    expect_samples(page, "nsqd_connections",
                   "nsqd_connections{protocol=\"unknown\"} 1\n"
                   "nsqd_connections{protocol=\"v2\"} 4\n"
                   "nsqd_connections{protocol=\"http\"} 2\n"
                   "nsqd_connections{protocol=\"outgoing\"} 0\n");
    expect_samples(page, "nsqd_clients",
                   "nsqd_clients{state=\"init\"} 2\n"
                   "nsqd_clients{state=\"subscribed\"} 1\n"
                   "nsqd_clients{state=\"closing\"} 1\n");
    stage_close(&s);
}

static void expect_topics(const char *page, const char *name, const char *alpha, const char *beta,
                          const char *gamma)
{
    char text[512];
    snprintf(text, sizeof text,
             "%s{topic=\"alpha\"} %s\n%s{topic=\"beta\"} %s\n%s{topic=\"gamma\"} %s\n", name, alpha,
             name, beta, name, gamma);
    expect_samples(page, name, text);
}

static void topics(void **state)
{
    (void)state;
    struct stats_stage s;
    stage_open(&s, NULL);
    stage_play(&s);
    const char *page = whole(&s, &nothing_more, SIZE_MAX / 2, SIZE_MAX);
    expect_topics(page, "nsqd_topic_depth", "0", "3", "0");
    expect_topics(page, "nsqd_topic_paused", "0", "1", "0");
    expect_topics(page, "nsqd_topic_channels", "2", "0", "0");
    expect_topics(page, "nsqd_topic_messages_total", "4", "3", "0");
    expect_topics(page, "nsqd_topic_message_bytes_total", "8", "9", "0");
    expect_topics(page, "nsqd_topic_channel_depth", "5", "0", "0");
    expect_topics(page, "nsqd_topic_in_flight_messages", "1", "0", "0");
    expect_topics(page, "nsqd_topic_deferred_messages", "1", "0", "0");
    expect_topics(page, "nsqd_topic_consumers", "2", "0", "0");
    assert_null(strstr(page, "latency"));
    assert_null(strstr(page, "nsqd_channel_"));
    assert_null(strstr(page, "nsqd_client_"));
    stage_close(&s);
}

static void expect_channels(const char *page, const char *name, const char *one, const char *two)
{
    char text[512];
    snprintf(text, sizeof text,
             "%s{topic=\"alpha\",channel=\"one\"} %s\n%s{topic=\"alpha\",channel=\"two\"} %s\n",
             name, one, name, two);
    expect_samples(page, name, text);
}

static void channels(void **state)
{
    (void)state;
    struct stats_stage s;
    stage_open(&s, NULL);
    stage_play(&s);
    const struct metrics_options options = {.channels = true};
    const char *page = whole(&s, &options, SIZE_MAX / 2, SIZE_MAX);
    expect_channels(page, "nsqd_channel_depth", "1", "4");
    expect_channels(page, "nsqd_channel_in_flight_messages", "1", "0");
    expect_channels(page, "nsqd_channel_deferred_messages", "1", "0");
    expect_channels(page, "nsqd_channel_consumers", "2", "0");
    expect_channels(page, "nsqd_channel_paused", "0", "1");
    expect_channels(page, "nsqd_channel_messages_total", "4", "4");
    expect_channels(page, "nsqd_channel_messages_requeued_total", "1", "0");
    expect_channels(page, "nsqd_channel_messages_timed_out_total", "1", "0");
    assert_null(strstr(page, "nsqd_client_"));
    stage_close(&s);
}

/* The four clients of the stage, and one with odd names. The numbers of their connections are those
 * of serve. */
static void clients(void **state)
{
    (void)state;
    struct stats_stage s;
    struct buf expected = {0};
    static const char *const rows[] = {
        "client_id=\"p<1>\",hostname=\"h\xc3\xa9st\",user_agent=\"prod/"
        "1\",address=\"127.0.0.1:34782\","
        "topic=\"\",channel=\"\"",
        "client_id=\"c1\",hostname=\"host\",user_agent=\"agent/1\",address=\"127.0.0.1:34788\","
        "topic=\"alpha\",channel=\"one\"",
        "client_id=\"127.0.0.1\",hostname=\"127.0.0.1\",user_agent=\"\",address=\"127.0.0.1:"
        "46078\","
        "topic=\"\",channel=\"\"",
        "client_id=\"127.0.0.1\",hostname=\"127.0.0.1\",user_agent=\"\",address=\"127.0.0.1:"
        "46090\","
        "topic=\"alpha\",channel=\"one\"",
        "client_id=\"a\\\"b\\\\c\\nd\",hostname=\"\xef\xbf\xbd\",user_agent=\"{}\",address=\"x\","
        "topic=\"\",channel=\"\"",
    };
    stage_open(&s, NULL);
    stage_play(&s);
    client_identify(world_connect_from(s.world, "x"),
                    "{\"client_id\":\"a\\\"b\\\\c\\nd\",\"hostname\":\"\xff\","
                    "\"user_agent\":\"{}\"}");
    const struct metrics_options options = {.clients = true};
    const char *page = whole(&s, &options, SIZE_MAX / 2, SIZE_MAX);
    size_t row = 0;
    for (size_t i = 0; i < s.world->engine->serve.slot_count; i++) {
        const struct conn *conn = s.world->engine->serve.slots[i].conn;
        if (conn != NULL) {
            text_append(&expected, "nsqd_client_info{connection=\"");
            text_append_unsigned(&expected, conn->id);
            text_append(&expected, "\",");
            buf_append(&expected, text_span(rows[row++]));
            text_append(&expected, "} 1\n");
        }
    }
    expect_samples(page, "nsqd_client_info", text_of(&expected));
    buf_free(&expected);
    assert_null(strstr(page, "nsqd_channel_"));
    assert_int_equal(check_form(page), 25 - 1 + 3 * 9 + 5 * 8);
    stage_close(&s);
}

/* The figure of a client on a page. */
static void expect_client(const char *page, const char *name, const char *client_id,
                          const char *number)
{
    char text[256];
    snprintf(text, sizeof text, "client_id=\"%s\"} %s\n", client_id, number);
    assert_int_equal(count(family(page, name), text), 1);
}

static void figures_of_clients(void **state)
{
    (void)state;
    struct stats_stage s;
    stage_open(&s, NULL);
    stage_play(&s);
    const char *page = whole(&s, &everything, SIZE_MAX / 2, SIZE_MAX);
    expect_client(page, "nsqd_client_start_time_seconds", "c1", "1795929504");
    expect_client(page, "nsqd_client_ready", "c1", "1");
    expect_client(page, "nsqd_client_in_flight_messages", "c1", "1");
    expect_client(page, "nsqd_client_messages_delivered_total", "c1", "4");
    expect_client(page, "nsqd_client_messages_finished_total", "c1", "1");
    expect_client(page, "nsqd_client_messages_requeued_total", "c1", "1");
    expect_client(page, "nsqd_client_messages_published_total", "c1", "0");
    expect_client(page, "nsqd_client_messages_published_total", "p<1>", "6"); /* to two topics */
    stage_close(&s);
}

/* However the page is cut into slices, it is the same. */
static void cuts_do_not_matter(void **state)
{
    (void)state;
    struct stats_stage s;
    stage_open(&s, NULL);
    stage_play(&s);
    struct buf expected = {0};
    const char *page = whole(&s, &everything, SIZE_MAX / 2, SIZE_MAX);
    size_t n = strlen(page);
    assert_int_equal(check_form(page), 25 - 1 + 3 * 9 + 2 * 8 + 4 * 8);
    buf_append(&expected, span_make(page, n + 1));
    for (size_t most = 1; most < n; most += most < 200 ? 1 : 97) {
        assert_string_equal(whole(&s, &everything, most, SIZE_MAX),
                            (const char *)buf_span(&expected).p);
    }
    for (size_t units = 1; units < 200; units++) {
        assert_string_equal(whole(&s, &everything, SIZE_MAX / 2, units),
                            (const char *)buf_span(&expected).p);
    }
    buf_free(&expected);
    stage_close(&s);
}

/* --- what comes and goes ---------------------------------------------------------------------- */

/* Deleting a topic makes no counter smaller. */
static void counters_outlive_topics(void **state)
{
    (void)state;
    struct stats_stage s;
    stage_open(&s, NULL);
    stage_play(&s);
    broker_delete_topic(stage_broker(&s), SPAN("alpha"));
    broker_delete_topic(stage_broker(&s), SPAN("beta"));
    const char *page = whole(&s, &nothing_more, SIZE_MAX / 2, SIZE_MAX);
    expect_samples(page, "nsqd_messages_published_total", "nsqd_messages_published_total 7\n");
    expect_samples(page, "nsqd_messages_delivered_total", "nsqd_messages_delivered_total 4\n");
    expect_samples(page, "nsqd_topic_messages_total",
                   "nsqd_topic_messages_total{topic=\"gamma\"} 0\n");
    stage_close(&s);
}

/* The sum over a part of the channels is no figure of the topic. */
static void a_topic_goes_while_its_channels_are_added(void **state)
{
    (void)state;
    struct stats_stage s;
    struct metrics m;
    struct buf page = {0};
    stage_open(&s, NULL);
    stage_play(&s);
    metrics_begin(&m, &s.server, &nothing_more);
    while (m.sum == 0) { /* until the depth of a channel was added */
        assert_false(slice(&s, &m, &page, SIZE_MAX / 2, 1));
    }
    broker_delete_topic(stage_broker(&s), SPAN("alpha"));
    while (!slice(&s, &m, &page, SIZE_MAX / 2, 1)) {
    }
    metrics_end(&m);
    expect_samples(text_of(&page), "nsqd_topic_channel_depth",
                   "nsqd_topic_channel_depth{topic=\"beta\"} 0\n"
                   "nsqd_topic_channel_depth{topic=\"gamma\"} 0\n");
    buf_free(&page);
    stage_close(&s);
}

/* What is there all the time is in each family once, whatever comes and goes around it; nothing is
 * there twice. */
static void topics_channels_and_clients_come_and_go(void **state)
{
    (void)state;
    struct stats_stage s;
    struct metrics m;
    struct buf page = {0};
    struct client *late = NULL;
    uint64_t random = 99;
    char name[64];
    stage_open(&s, NULL);
    for (size_t i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "keep%zu", i);
        stage_channel(&s, name, "keep");
    }
    client_identify(world_connect_from(s.world, "10.0.0.1:1"), "{\"client_id\":\"keep\"}");
    metrics_begin(&m, &s.server, &everything);
    while (!slice(&s, &m, &page, SIZE_MAX / 2, 1)) {
        char channel[32];
        random = random * 6364136223846793005U + 1442695040888963407U;
        snprintf(name, sizeof name, random >> 60 < 8 ? "keep%u" : "some%u",
                 (unsigned)(random >> 33) % 10);
        snprintf(channel, sizeof channel, "c%u", (unsigned)(random >> 45) % 10);
        if (random >> 60 == 15) {
            broker_delete_topic(stage_broker(&s), text_span(name));
        } else if ((random >> 40) % 2 == 0) {
            broker_delete_channel(stage_broker(&s), text_span(name), text_span(channel));
        } else {
            stage_channel(&s, name, channel);
        }
        if (random % 4 == 0 && late == NULL) {
            late = world_connect_from(s.world, "10.0.0.2:1");
        } else if (random % 4 == 1 && late != NULL) {
            client_drop(late);
            late = NULL;
        }
    }
    metrics_end(&m);
    const char *text = text_of(&page);
    check_form(text);
    for (size_t i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "{topic=\"keep%zu\"}", i);
        assert_int_equal(count(text, name), 9);
        snprintf(name, sizeof name, "{topic=\"keep%zu\",channel=\"keep\"}", i);
        assert_int_equal(count(text, name), 8);
    }
    assert_int_equal(count(text, ",client_id=\"keep\""), 8);
    buf_free(&page);
    stage_close(&s);
}

/* --- how much a slice does -------------------------------------------------------------------- */

#define MANY 20000

/* A slice makes a bounded number of bytes, and the page needs no memory but that of the slice. */
static void many_channels(void **state)
{
    (void)state;
    struct stats_stage s;
    struct metrics m;
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
    metrics_begin(&m, &s.server, &everything);
    while (!done) {
        struct buf page = {0};
        done = slice(&s, &m, &page, 65536, 8000);
        assert_true(page.n <= 65536 + METRICS_STEP_MAX);
        assert_true(page.n <= 8000 * STATS_EFFORT_BYTES + METRICS_STEP_MAX);
        total += page.n;
        slices++;
        buf_free(&page);
        assert_int_equal(world_used(s.world), used);
    }
    assert_true(total > MANY * (size_t)300);
    /* Steps without text limit some slices: of each family of channels, a topic has two such steps,
     * and each channel one when it is added to a sum. */
    size_t steps = (8 + 4) * 2 * MANY + 4 * MANY;
    assert_in_range(slices, total / 81920, total / 65536 + steps * STATS_EFFORT_STEP / 8000 + 1);
    metrics_end(&m);
    stage_close(&s);
}

/* A slice without effort makes one step: so looking at a slot, a topic or a channel costs effort,
 * even if nothing is written. */
static void steps_without_text_cost_effort(void **state)
{
    (void)state;
    struct stats_stage s;
    struct metrics m;
    struct buf page = {0};
    char name[32];
    size_t slices = 1;
    stage_open(&s, NULL);
    for (size_t i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "t%zu", i);
        stage_channel(&s, "t", name);
        world_connect(s.world);
    }
    metrics_begin(&m, &s.server, &nothing_more);
    while (!slice(&s, &m, &page, SIZE_MAX / 2, 1)) {
        slices++;
    }
    metrics_end(&m);
    /* The slots, then the families, the ends of their walks and their topics, and four times the
     * channels and their end. */
    size_t slots = s.world->engine->serve.slot_count;
    assert_int_equal(slices, slots + 1 + 20 + 9 * (1 + 1 + 1) + 4 * (100 + 1) + 1);
    buf_free(&page);
    stage_close(&s);
}

/* --- latencies -------------------------------------------------------------------------------- */

static const double percentiles[] = {1, 0.5, 0.00000025};
static const struct span quantiles[] = {SPAN_LITERAL("1"), SPAN_LITERAL("0.5"),
                                        SPAN_LITERAL("2.5e-7")};

/* A message of topic "t" takes 103,781,921 ns; channel "d" has no messages, topic "u" no
 * channel. */
static void open_with_latencies(struct stats_stage *s)
{
    struct engine_config config = world_config();
    struct message_id id;
    config.broker.latency = (struct latency_config){percentiles, 3, 10 * TIME_MINUTE};
    stage_open(s, &config);
    s->server.quantiles = quantiles;
    struct client *c = world_connect_from(s->world, "127.0.0.1:55448");
    SEND(c, "SUB t c\nPUB t\n\0\0\0\1x");
    client_expect(c, "R OK; R OK");
    SEND(c, "RDY 1\n");
    client_expect_message(c, 1, "x", &id);
    world_advance(s->world, 103781921);
    client_fin(c, &id);
    stage_channel(s, "t", "d");
    stage_topic(s, "u");
}

static void latencies(void **state)
{
    (void)state;
    struct stats_stage s;
    open_with_latencies(&s);
    size_t used = world_used(s.world);
    for (size_t units = 1; units < 10000; units += 1 + 3 * units) {
        const char *page = whole(&s, &everything, SIZE_MAX / 2, units);
        expect_samples(
            page, "nsqd_topic_e2e_processing_latency_seconds",
            "nsqd_topic_e2e_processing_latency_seconds{topic=\"t\",quantile=\"1\"} 0.103781921\n"
            "nsqd_topic_e2e_processing_latency_seconds{topic=\"t\",quantile=\"0.5\"} 0.103781921\n"
            "nsqd_topic_e2e_processing_latency_seconds{topic=\"t\",quantile=\"2.5e-7\"} "
            "0.103781921\n");
        const char *text = family(page, "nsqd_channel_e2e_processing_latency_seconds");
        assert_int_equal(count(text, "channel=\"c\",quantile=\"0.5\"} 0.103781921\n"), 1);
        assert_int_equal(count(text, "channel=\"d\",quantile=\"0.5\"} NaN\n"), 1);
        assert_int_equal(count(text, "quantile"), 6);
        assert_int_equal(count(page, "latency_seconds summary\n"), 2);
    }
    assert_null(strstr(whole(&s, &nothing_more, 1, 1), "nsqd_channel_e2e"));
    assert_int_equal(world_used(s.world), used);
    stage_close(&s);
}

/* The same as for other sums. */
static void a_topic_goes_while_its_latencies_are_added(void **state)
{
    (void)state;
    struct stats_stage s;
    struct metrics m;
    struct buf page = {0};
    open_with_latencies(&s);
    size_t used = world_used(s.world);
    metrics_begin(&m, &s.server, &nothing_more);
    while (world_used(s.world) == used) {
        assert_false(slice(&s, &m, &page, SIZE_MAX / 2, 1));
    }
    assert_false(slice(&s, &m, &page, SIZE_MAX / 2, 1)); /* the first channel */
    broker_delete_topic(stage_broker(&s), SPAN("t"));
    while (!slice(&s, &m, &page, SIZE_MAX / 2, 1)) {
    }
    metrics_end(&m);
    expect_samples(text_of(&page), "nsqd_topic_e2e_processing_latency_seconds", "");
    buf_free(&page);
    stage_close(&s);
}

/* A page that is given up leaves nothing behind. */
static void a_sum_that_is_not_finished(void **state)
{
    (void)state;
    struct stats_stage s;
    struct metrics m;
    struct buf page = {0};
    open_with_latencies(&s);
    size_t used = world_used(s.world);
    metrics_begin(&m, &s.server, &nothing_more);
    while (world_used(s.world) == used) {
        assert_false(slice(&s, &m, &page, SIZE_MAX / 2, 1));
    }
    metrics_end(&m);
    assert_int_equal(world_used(s.world), used);
    buf_free(&page);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server),
        cmocka_unit_test(resident_memory),
        cmocka_unit_test(connections_and_clients),
        cmocka_unit_test(topics),
        cmocka_unit_test(channels),
        cmocka_unit_test(clients),
        cmocka_unit_test(figures_of_clients),
        cmocka_unit_test(cuts_do_not_matter),
        cmocka_unit_test(counters_outlive_topics),
        cmocka_unit_test(a_topic_goes_while_its_channels_are_added),
        cmocka_unit_test(topics_channels_and_clients_come_and_go),
        cmocka_unit_test(many_channels),
        cmocka_unit_test(steps_without_text_cost_effort),
        cmocka_unit_test(latencies),
        cmocka_unit_test(a_topic_goes_while_its_latencies_are_added),
        cmocka_unit_test(a_sum_that_is_not_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
