/* SPDX-License-Identifier: MIT */
/*
 * Tests of GET /stats on a whole engine: which page a request gets, and how it is sent. What a page
 * contains is tested in test_stats.c; tests/interop/http/pages.py compares whole answers with those
 * of upstream's nsqd 1.3.0.
 */
#include "api/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/stats.h"
#include "base/text.h"
#include "http/http_session.h"
#include "support/world.h"

#define DATE "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
#define JSON_TYPE "Content-Type: application/json; charset=utf-8\r\n"
#define TEXT_TYPE "Content-Type: text/plain; charset=utf-8\r\n"
#define EVERYTHING                                                                                 \
    {                                                                                              \
        .clients = true, .memory = true                                                            \
    }

static struct engine_config config_of_test(void)
{
    static const double percentiles[] = {0.99};
    static const struct span texts[] = {SPAN_LITERAL("0.99")};
    struct engine_config config = world_config();
    config.broker.latency.percentiles = percentiles;
    config.broker.latency.percentile_count = 1;
    config.about.quantiles = texts;
    config.about.start_time = 1767225600;
    config.about.zone = 3600;
    config.about.started = 1000 * TIME_SECOND;
    return config;
}

/* The page that the writer makes at once; it lives until the next call. */
static const char *direct(struct world *w, const struct stats_filter *filter)
{
    static struct buf page;
    const struct api *api = &w->engine->web.api;
    struct broker *broker = &w->engine->broker;
    const struct stats_server server = {.broker = broker,
                                        .serve = &w->engine->serve,
                                        .health = SPAN("OK"),
                                        .start_time = api->config.start_time * TIME_SECOND,
                                        .zone = api->config.zone,
                                        .uptime = w->now - api->config.started,
                                        .memory = {.heap_in_use_bytes = 12345678},
                                        .quantiles = api->config.quantiles};
    struct stats stats;
    buf_free(&page);
    stats_begin(&stats, &server, filter);
    do {
        broker_begin_call(broker);
    } while (!stats_write(&stats, &page, SIZE_MAX / 2, w->now, w->now + api->wall_offset));
    stats_end(&stats);
    buf_append(&page, span_make("", 1));
    return (const char *)buf_span(&page).p;
}

static void end_direct(struct world *w)
{
    (void)direct(w, &(const struct stats_filter){.json = true});
}

static struct world *open_world(const struct engine_config *config)
{
    struct world *w = world_new(config);
    w->handler.resident(w->handler.self, 12345678);
    return w;
}

/* --- parameters ------------------------------------------------------------------------------- */

static const struct {
    const char *query;
    struct stats_filter filter;
} rows[] = {
    {"", EVERYTHING},
    {"?format=json", {.json = true, .clients = true, .memory = true}},
    {"?format=JSON", EVERYTHING},
    {"?format=text", EVERYTHING},
    {"?format=json&format=text", {.json = true, .clients = true, .memory = true}},
    {"?topic=t00001", {.topic = SPAN_LITERAL("t00001"), .clients = true, .memory = true}},
    {"?topic=%7400001", {.topic = SPAN_LITERAL("t00001"), .clients = true, .memory = true}},
    {"?topic=&channel=", EVERYTHING},
    {"?format=json&topic=no",
     {.json = true, .topic = SPAN_LITERAL("no"), .clients = true, .memory = true}},
    {"?channel=c", {.channel = SPAN_LITERAL("c"), .clients = true, .memory = true}},
    {"?format=json&channel=no",
     {.json = true, .channel = SPAN_LITERAL("no"), .clients = true, .memory = true}},
    {"?include_clients=false", {.memory = true}},
    {"?include_clients=0", {.memory = true}},
    {"?include_clients=true", EVERYTHING},
    {"?include_clients=no", EVERYTHING},
    {"?include_clients=False", EVERYTHING},
    {"?include_mem=false", {.clients = true}},
    {"?include_mem=0&format=json", {.json = true, .clients = true}},
    {"?include_mem=FALSE", EVERYTHING},
    {"?include_mem=", EVERYTHING},
};

static void the_parameters_choose_the_page(void **state)
{
    (void)state;
    struct engine_config config = config_of_test();
    struct world *w = open_world(&config);
    world_make_topics(w, 3, "c");
    struct client *producer = world_connect(w);
    SEND(producer, "PUB t00001\n\0\0\0\1x");
    client_expect(producer, "R OK");
    struct client *c = world_open_http(w);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char expected[8192];
        const char *page = direct(w, &rows[i].filter);
        bool json = rows[i].filter.json;
        snprintf(expected, sizeof expected,
                 "HTTP/1.1 200 OK\r\n%s" API_HEADERS DATE "Content-Length: %zu\r\n%s\r\n%s",
                 json ? JSON_TYPE : "", strlen(page), json ? "" : TEXT_TYPE, page);
        client_sendf(c, "GET /stats%s HTTP/1.1\r\nHost: h\r\n\r\n", rows[i].query);
        assert_string_equal(client_bytes(c), expected);
    }
    world_expect_log(w, "INFO 200 GET /stats (web:1)");
    end_direct(w);
    world_free(w);
}

static void a_page_in_text_has_the_facts_of_the_server(void **state)
{
    (void)state;
    struct engine_config config = config_of_test();
    struct world *w = open_world(&config);
    struct client *c = world_open_http(w);
    world_advance(w, 1500 * TIME_MS);
    SEND(c, "GET /stats HTTP/1.1\r\nHost: h\r\n\r\n");
    const char *bytes = client_bytes(c);
    assert_non_null(strstr(bytes, "\nstart_time 2026-01-01T01:00:00+01:00\nuptime 1.5s\n"));
    assert_non_null(strstr(bytes, "   heap_in_use_bytes        \t12345678\n"));
    world_free(w);
}

static void a_bad_request_is_refused(void **state)
{
    (void)state;
    static const char refusal[] = "HTTP/1.1 400 Bad Request\r\n" JSON_TYPE API_HEADERS DATE
                                  "Content-Length: 29\r\n%s\r\n{\"message\":\"INVALID_REQUEST\"}";
    char expected[512];
    struct world *w = open_world(NULL);
    struct client *c = world_open_http(w);
    SEND(c, "GET /stats?%zz HTTP/1.1\r\nHost: h\r\n\r\n");
    snprintf(expected, sizeof expected, refusal, "");
    assert_string_equal(client_bytes(c), expected);
    SEND(c, "GET /stats HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    snprintf(expected, sizeof expected, refusal, "Connection: close\r\n");
    assert_string_equal(client_bytes(c), expected);
    world_free(w);
}

/* --- long pages ------------------------------------------------------------------------------- */

/* Removes the chunks' sizes from a body. Checks that each chunk is at most `most` bytes. */
static void expect_chunks(const char *bytes, const char *page, size_t most)
{
    size_t wanted = strlen(page);
    size_t at = 0;
    for (;;) {
        char *end;
        size_t size = strtoul(bytes, &end, 16);
        assert_memory_equal(end, "\r\n", 2);
        assert_true(size <= most);
        bytes = end + 2;
        if (size == 0) {
            break;
        }
        assert_true(at + size <= wanted);
        assert_memory_equal(bytes, page + at, size);
        at += size;
        bytes += size;
        assert_memory_equal(bytes, "\r\n", 2);
        bytes += 2;
    }
    assert_int_equal(at, wanted);
    assert_string_equal(bytes, "\r\n");
}

#define CHUNKED_HEAD                                                                               \
    "HTTP/1.1 200 OK\r\n" JSON_TYPE API_HEADERS DATE "Transfer-Encoding: chunked\r\n\r\n"

static void a_long_page_is_chunked(void **state)
{
    (void)state;
    struct engine_config config = config_of_test();
    config.broker.effort_a_call = 500; /* many slices */
    struct world *w = open_world(&config);
    const struct stats_filter filter = {.json = true, .clients = true, .memory = true};
    world_make_topics(w, 2000, "c");
    struct client *c = world_open_http(w);
    for (int i = 0; i < 2; i++) { /* the connection stays open */
        SEND(c, "GET /stats?format=json HTTP/1.1\r\nHost: h\r\n\r\n");
        const char *bytes = client_bytes(c);
        assert_memory_equal(bytes, CHUNKED_HEAD, strlen(CHUNKED_HEAD));
        expect_chunks(bytes + strlen(CHUNKED_HEAD), direct(w, &filter),
                      HTTP_WHOLE_MAX + 2 * STATS_ITEM_MAX);
    }
    end_direct(w);
    world_free(w);
}

static void for_http_1_0_a_long_page_ends_with_the_connection(void **state)
{
    (void)state;
    struct engine_config config = config_of_test();
    struct world *w = open_world(&config);
    const struct stats_filter filter = EVERYTHING;
    world_make_topics(w, 2000, "c");
    struct client *c = world_open_http(w);
    SEND(c, "GET /stats HTTP/1.0\r\n\r\n");
    const char *bytes = client_bytes(c);
    assert_memory_equal(bytes, "HTTP/1.0 200 OK\r\n", 17);
    const char *body = strstr(bytes, "\r\n\r\n");
    assert_non_null(body);
    assert_string_equal(body + 4, direct(w, &filter));
    assert_true(c->shut || c->closed);
    end_direct(w);
    world_free(w);
}

/* A client that does not read holds a bounded part of the page, however long the page is. */
static void a_client_that_does_not_read_holds_little(void **state)
{
    (void)state;
    struct engine_config config = config_of_test();
    struct world *w = open_world(&config);
    world_make_topics(w, 10000, "c");
    size_t page = strlen(direct(w, &(const struct stats_filter){.json = true, .clients = true}));
    assert_true(page > ((size_t)3 << 20));
    end_direct(w);
    struct client *c = world_open_http(w);
    client_stall(c, true);
    size_t before = w->engine->broker.core.budget.held;
    SEND(c, "GET /stats?format=json&include_mem=false HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_in_range(w->engine->broker.core.budget.held - before, 1,
                    (size_t)5 << 19);        /* the high-water mark is 1 MiB; a buffer doubles */
    struct client *other = world_connect(w); /* is served meanwhile */
    SEND(other, "PUB t00001\n\0\0\0\1x");
    client_expect(other, "R OK");
    client_stall(c, false);
    world_settle(w);
    const char *bytes = client_bytes(c);
    assert_true(strlen(bytes) > page);
    assert_string_equal(bytes + strlen(bytes) - 7, "\r\n0\r\n\r\n");
    world_free(w);
}

/* Returns the bytes that were made for this client and not taken yet. */
static size_t made_for(const struct client *c)
{
    const struct conn *conn = client_conn(c);
    const struct http_session *s = conn->session;
    return conn->out.n + conn->plain.n + s->body.n;
}

/* Fifty clients ask at the same time. A round uses one share of the effort of a call for all pages
 * together, and makes one item more for each of HTTP_STREAMS_A_STEP pages. More than half of the
 * effort is for the steps, and an item has less than 400 bytes here. */
static void one_round_makes_a_bounded_part(void **state)
{
    (void)state;
    enum { CLIENTS = 50 };
    struct engine_config config = config_of_test();
    size_t share = config.broker.effort_a_call / BROKER_SHARES * STATS_EFFORT_BYTES;
    struct world *w = open_world(&config);
    world_make_topics(w, 10000, "c");
    struct client *clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = world_open_http(w);
        client_stall(clients[i], true);
    }
    for (int i = 0; i < CLIENTS; i++) { /* all arrive in the first round */
        client_post(clients[i], SPAN("GET /stats?format=json HTTP/1.1\r\nHost: h\r\n\r\n"));
    }
    size_t before = 0;
    size_t most = 0;
    for (int round = 0; round < 400; round++) {
        world_round(w);
        size_t made = 0;
        for (int i = 0; i < CLIENTS; i++) {
            made += made_for(clients[i]);
        }
        most = made - before > most ? made - before : most;
        before = made;
    }
    assert_in_range(most, 1, share / 2 + HTTP_STREAMS_A_STEP * 400);
    for (int i = 0; i < CLIENTS; i++) {
        assert_in_range(made_for(clients[i]), 1, before); /* the page has begun */
    }
    world_free(w);
}

/* world_free checks that the memory of the page was given back. */
static void a_client_may_leave_in_the_middle(void **state)
{
    (void)state;
    struct engine_config config = config_of_test();
    struct world *w = open_world(&config);
    world_make_topics(w, 10000, "c");
    size_t used = world_used(w);
    struct client *c = world_open_http(w);
    client_stall(c, true);
    SEND(c, "GET /stats HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(world_used(w) > used);
    client_drop(c);
    assert_int_equal(world_used(w), used);
    c = world_open_http(w);
    client_stall(c, true);
    SEND(c, "GET /stats HTTP/1.1\r\nHost: h\r\n\r\n");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parameters_choose_the_page),
        cmocka_unit_test(a_page_in_text_has_the_facts_of_the_server),
        cmocka_unit_test(a_bad_request_is_refused),
        cmocka_unit_test(a_long_page_is_chunked),
        cmocka_unit_test(for_http_1_0_a_long_page_ends_with_the_connection),
        cmocka_unit_test(a_client_that_does_not_read_holds_little),
        cmocka_unit_test(one_round_makes_a_bounded_part),
        cmocka_unit_test(a_client_may_leave_in_the_middle),
    };
    return cmocka_run_group_tests_name("api_stats", tests, NULL, NULL);
}
