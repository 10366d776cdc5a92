/* SPDX-License-Identifier: MIT */
/* Tests of lookup/lookup_service.h: the whole nsqlookupd on virtual time: deadlines, limits, slices
 * and its end. */
#include "lookup/lookup_service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/time.h"
#include "support/lookup_stage.h"

#define SEND(s, c, literal) lookup_stage_send((s), (c), SPAN(literal))

static void a_client_must_send_its_magic(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    size_t a = lookup_stage_open(s, LOOKUP_TCP);
    size_t b = lookup_stage_join(s, "b");
    SEND(s, a, "  V");
    lookup_stage_advance(s, TIME_MINUTE - 1);
    lookup_stage_expect(s, a, "");
    lookup_stage_advance(s, 1);
    lookup_stage_expect(s, a, "<");
    lookup_stage_advance(s, 100 * TIME_MINUTE); /* then there is no deadline */
    lookup_stage_expect(s, b, "");
    lookup_stage_end(s);
}

static void other_protocols_are_refused(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    size_t a = lookup_stage_open(s, LOOKUP_TCP);
    SEND(s, a, "  V2PING\n");
    assert_memory_equal(buf_span(&s->clients[a].in).p,
                        "\0\0\0\x0e"
                        "E_BAD_PROTOCOL",
                        18);
    lookup_stage_expect(s, a, "E_BAD_PROTOCOL; <");
    lookup_stage_expect_log(s, "INFO: TCP: new client(10.0.0.1:0)\n"
                               "INFO: CLIENT(10.0.0.1:0): desired protocol magic '  V2'\n"
                               "ERROR: client(10.0.0.1:0) bad protocol magic '  V2'\n");
    size_t b = lookup_stage_open(s, LOOKUP_TCP);
    lookup_stage_eof(s, b);
    size_t c = lookup_stage_open(s, LOOKUP_TCP);
    SEND(s, c, "  V");
    lookup_stage_eof(s, c);
    lookup_stage_expect_log(s, "INFO: TCP: new client(10.0.0.1:1)\n"
                               "ERROR: failed to read protocol version - EOF\n"
                               "INFO: TCP: new client(10.0.0.1:2)\n"
                               "ERROR: failed to read protocol version - unexpected EOF\n");
    lookup_stage_end(s);
}

/* The last eighth of the connections is not for HTTP. */
static void http_does_not_take_all_connections(void **state)
{
    (void)state;
    struct lookup_config config = lookup_stage_config();
    config.serve.max_connections = 8;
    struct lookup_stage *s = lookup_stage_begin(&config);
    for (size_t i = 0; i < 7; i++) {
        SEND(s, lookup_stage_open(s, LOOKUP_HTTP), "GET ");
    }
    assert_int_equal(s->clients[lookup_stage_open(s, LOOKUP_HTTP)].conn, 0); /* closed at once */
    size_t a = lookup_stage_open(s, LOOKUP_TCP);
    SEND(s, a, "  V1PING\n");
    lookup_stage_expect(s, a, "OK; ");
    assert_int_equal(s->handler.open(s->handler.self, LOOKUP_TCP, SPAN("peer"), s->now), 0);
    lookup_stage_end(s);
}

#define MANY 400

/* One step does little, and the next one is due at once until all is done. */
static void a_node_with_much_is_freed_in_steps(void **state)
{
    (void)state;
    struct lookup_config config = lookup_stage_config();
    config.v1.effort_a_call = 100;
    struct lookup_stage *s = lookup_stage_begin(&config);
    const struct tcp_handler *h = &s->handler;
    size_t a = lookup_stage_join(s, "a");
    lookup_stage_fill(s, a, MANY);
    assert_true(h->next_deadline(h->self) > s->now);
    lookup_stage_eof(s, a);
    assert_true(s->rounds > MANY / 12);
    assert_true(h->next_deadline(h->self) > s->now);
    lookup_stage_end(s);
}

/* A long page goes out while the client takes it, and other clients are served in between. */
static void a_long_page_waits_for_its_client(void **state)
{
    (void)state;
    struct lookup_config config = lookup_stage_config();
    config.serve.high_water = 4000;
    config.v1.effort_a_call = 400;
    struct lookup_stage *s = lookup_stage_begin(&config);
    size_t a = lookup_stage_join(s, "a");
    lookup_stage_fill(s, a, MANY);
    for (size_t i = 0; i < 9; i++) {
        lookup_stage_fill(s, lookup_stage_join(s, "b"), MANY);
    }
    size_t c = lookup_stage_open(s, LOOKUP_HTTP);
    lookup_stage_stall(s, c, true);
    SEND(s, c, "GET /debug HTTP/1.1\r\nHost: h\r\n\r\n");
    SEND(s, a, "PING\n");
    lookup_stage_expect(s, a, "OK; ");
    assert_true(s->service->budget.held > 4000);
    assert_true(s->service->budget.held < 300000);
    lookup_stage_stall(s, c, false);
    const char *page = lookup_stage_bytes(s, c);
    size_t n = strlen(page);
    assert_non_null(strstr(page, "Transfer-Encoding: chunked"));
    assert_non_null(strstr(page, "\"topic:t:\":"));
    assert_string_equal(page + n - 5, "0\r\n\r\n");
    assert_true(n > MANY * 1500);
    lookup_stage_end(s);
}

/* Joins with the longest body. Each of its bytes becomes six in a page. */
static void join_with_much(struct lookup_stage *s)
{
    struct buf body = {0};
    uint8_t size[4];
    size_t client = lookup_stage_open(s, LOOKUP_TCP);
    text_append(&body,
                "{\"broadcast_address\":\"h\",\"http_port\":2,\"tcp_port\":1,\"version\":\"");
    while (body.n < NSQ_LOOKUP_BODY_MAX - 2) {
        text_append(&body, "\xff");
    }
    text_append(&body, "\"}");
    be32_store(size, (uint32_t)body.n);
    SEND(s, client, "  V1IDENTIFY\n");
    lookup_stage_send(s, client, span_make(size, sizeof size));
    lookup_stage_send(s, client, buf_span(&body));
    assert_true(s->clients[client].in.n > 0 && !s->clients[client].shut);
    buf_free(&body);
}

/* A page is written node by node. So past the share of all connections, each client that does not
 * read still holds one node. */
static void nodes_are_small(void **state)
{
    (void)state;
    struct lookup_config config = lookup_stage_config();
    config.memory = 1 << 20;
    config.serve.high_water = 1;
    struct lookup_stage *s = lookup_stage_begin(&config);
    join_with_much(s);
    join_with_much(s);
    while (s->count < LOOKUP_STAGE_CLIENTS) {
        size_t c = lookup_stage_open(s, LOOKUP_HTTP);
        lookup_stage_stall(s, c, true);
        SEND(s, c, "GET /nodes HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    assert_true(budget_share_is_passed(&s->service->budget));
    assert_true(s->service->budget.held < 1 << 20);
    lookup_stage_end(s);
}

static void the_end_closes_all_connections(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    size_t a = lookup_stage_join(s, "a");
    lookup_stage_fill(s, a, MANY);
    size_t b = lookup_stage_open(s, LOOKUP_TCP);
    size_t c = lookup_stage_open(s, LOOKUP_HTTP);
    assert_false(s->handler.stopped(s->handler.self));
    s->handler.stop(s->handler.self, s->now);
    lookup_stage_advance(s, 0);
    assert_true(s->handler.stopped(s->handler.self));
    assert_int_equal(s->clients[a].conn, 0);
    assert_int_equal(s->clients[b].conn, 0);
    assert_int_equal(s->clients[c].conn, 0);
    assert_int_equal(s->handler.open(s->handler.self, LOOKUP_TCP, SPAN("peer"), s->now), 0);
    lookup_stage_end(s);
}

static void defaults_are_those_of_upstream(void **state)
{
    (void)state;
    struct lookup_config config = lookup_defaults();
    assert_int_equal(config.registry.inactive_timeout, 5 * TIME_MINUTE);
    assert_int_equal(config.registry.tombstone_lifetime, 45 * TIME_SECOND);
    assert_true(span_equal(config.v1.version, SPAN("1.3.0")));
    assert_int_equal(config.registry.max_registrations, 100000); /* of our own */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_must_send_its_magic),
        cmocka_unit_test(other_protocols_are_refused),
        cmocka_unit_test(http_does_not_take_all_connections),
        cmocka_unit_test(a_node_with_much_is_freed_in_steps),
        cmocka_unit_test(a_long_page_waits_for_its_client),
        cmocka_unit_test(nodes_are_small),
        cmocka_unit_test(the_end_closes_all_connections),
        cmocka_unit_test(defaults_are_those_of_upstream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
