/* SPDX-License-Identifier: MIT */
/*
 * Tests of GET /metrics on a whole engine: how the page is sent. What a page contains is tested in
 * test_metrics.c.
 */
#include "api/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/world.h"

#define DATE "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
#define TYPE "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"

/* The body of the answer to this request; it lives until the next call. */
static const char *body_of(struct client *c, const char *request)
{
    client_sendf(c, "%s HTTP/1.1\r\nHost: h\r\n\r\n", request);
    const char *bytes = client_bytes(c);
    const char *body = strstr(bytes, "\r\n\r\n");
    assert_non_null(body);
    return body + 4;
}

static void a_page_is_text_for_prometheus(void **state)
{
    (void)state;
    char head[256];
    struct engine_config config = world_config();
    config.about.start_time = 1767225600;
    struct world *w = world_new(&config);
    w->handler.resident(w->handler.self, 12345678);
    struct client *producer = world_connect(w);
    SEND(producer, "PUB t\n\0\0\0\1x");
    struct client *c = world_open_http(w);
    SEND(c, "GET /metrics?any=thing&%zz HTTP/1.1\r\nHost: h\r\n\r\n");
    const char *bytes = client_bytes(c);
    const char *body = strstr(bytes, "\r\n\r\n") + 4;
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n" TYPE DATE "Content-Length: %zu\r\n\r\n",
             strlen(body));
    assert_memory_equal(bytes, head, strlen(head));
    assert_non_null(strstr(body, "\nprocess_start_time_seconds 1767225600\n"));
    assert_non_null(strstr(body, "\nprocess_resident_memory_bytes 12345678\n"));
    assert_non_null(strstr(body, "\nnsqd_connections{protocol=\"v2\"} 1\n"));
    assert_non_null(strstr(body, "\nnsqd_connections{protocol=\"http\"} 1\n"));
    assert_non_null(strstr(body, "\nnsqd_topic_messages_total{topic=\"t\"} 1\n"));
    world_expect_log(w, "INFO 200 GET /metrics?any=thing&%zz (web:1)");
    world_free(w);
}

static void channels_and_clients_by_configuration(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct engine_config config = world_config();
        config.metrics = (struct metrics_options){.channels = i % 2 == 1, .clients = i / 2 == 1};
        struct world *w = world_new(&config);
        struct client *consumer = world_connect(w);
        SEND(consumer, "SUB t c\n");
        const char *body = body_of(world_open_http(w), "GET /metrics");
        assert_int_equal(strstr(body, "nsqd_channel_depth{topic=\"t\",channel=\"c\"} 0\n") != NULL,
                         config.metrics.channels);
        assert_int_equal(strstr(body, "nsqd_client_ready{connection=") != NULL,
                         config.metrics.clients);
        world_free(w);
    }
}

static void a_bad_request_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_open_http(w);
    assert_string_equal(body_of(c, "POST /metrics"), "{\"message\":\"METHOD_NOT_ALLOWED\"}");
    SEND(c, "GET /metrics HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    assert_non_null(strstr(client_bytes(c), "{\"message\":\"INVALID_REQUEST\"}"));
    world_free(w);
}

/* Removes the sizes of the chunks, in place, and returns how many chunks there were. */
static size_t join_chunks(char *body)
{
    char *to = body;
    size_t chunks = 0;
    for (;;) {
        size_t size = strtoul(body, &body, 16);
        if (size == 0) {
            break;
        }
        assert_true(size <= HTTP_WHOLE_MAX + 2 * METRICS_STEP_MAX);
        memmove(to, body + 2, size);
        to += size;
        body += size + 4;
        chunks++;
    }
    assert_string_equal(body, "\r\n\r\n");
    *to = '\0';
    return chunks;
}

/* With many slots and little effort, some pieces are empty: they only count connections. */
static void a_long_page_is_chunked(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.broker.effort_a_call = 70;
    config.serve.max_connections = 200;
    struct world *w = world_new(&config);
    world_make_topics(w, 1000, "c");
    for (int i = 0; i < 100; i++) {
        world_connect(w);
    }
    struct client *c = world_open_http(w);
    for (int i = 0; i < 2; i++) { /* the connection stays open */
        char name[64];
        char *body = strdup(body_of(c, "GET /metrics"));
        assert_non_null(body);
        assert_true(join_chunks(body) > 1);
        assert_memory_equal(body, "# HELP nsqd_build_info ", 23);
        for (int j = 0; j < 1000; j += 333) {
            snprintf(name, sizeof name, "\nnsqd_topic_consumers{topic=\"t%05d\"} 0\n", j);
            assert_non_null(strstr(body, name));
        }
        free(body);
    }
    world_free(w);
}

/* A client that does not read holds a bounded part of the page. world_free checks that the memory
 * of the page was given back. */
static void a_client_may_leave_in_the_middle(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    world_make_topics(w, 10000, "c");
    size_t page = strlen(body_of(world_open_http(w), "GET /metrics"));
    assert_true(page > (size_t)3 << 20);
    size_t used = world_used(w);
    size_t held = w->engine->broker.core.budget.held;
    struct client *c = world_open_http(w);
    client_stall(c, true);
    SEND(c, "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(world_used(w) > used);
    assert_in_range(w->engine->broker.core.budget.held - held, 1, (size_t)5 << 19);
    client_drop(c);
    assert_int_equal(world_used(w), used);
    c = world_open_http(w);
    client_stall(c, true);
    SEND(c, "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_text_for_prometheus),
        cmocka_unit_test(channels_and_clients_by_configuration),
        cmocka_unit_test(a_bad_request_is_refused),
        cmocka_unit_test(a_long_page_is_chunked),
        cmocka_unit_test(a_client_may_leave_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
