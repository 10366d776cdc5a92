/* SPDX-License-Identifier: MIT */
/* Tests of peer/peers.h: several scripted nsqlookupds, in a whole engine on virtual time. */
#include "peer/peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/world.h"

#define INFO "\0\0\0\2{}"
#define OK "\0\0\0\2OK"

static const char *const two[] = {"a:1", "b:2", "a:1"};

static const struct api_setting settings[] = {
    {SPAN_LITERAL("nsqlookupd_tcp_addresses"), SPAN_LITERAL("[]"), true},
};

static struct world *begin(size_t count)
{
    struct engine_config config = world_config();
    config.about.settings = settings;
    config.about.setting_count = 1;
    config.peers.addresses = two;
    config.peers.address_count = count;
    struct world *w = world_new(&config);
    world_settle(w);
    return w;
}

static void make(struct world *w, const char *name)
{
    broker_topic(&w->engine->broker, text_span(name), BUDGET_CLIENT);
    world_settle(w);
}

/* Accepts the oldest connection, which goes to this address, and answers the IDENTIFY. */
static struct client *identified(struct world *w, const char *address)
{
    assert_string_equal(world_dialled_to(w), address);
    struct client *l = world_accept(w);
    assert_memory_equal(client_bytes(l), "  V1IDENTIFY\n", 13);
    SEND(l, INFO);
    return l;
}

#define EXPECT(l, text) assert_string_equal(client_bytes(l), text)

/* PUT /config/nsqlookupd_tcp_addresses */
static void set(struct world *w, const char *list, const char *status)
{
    struct client *c = world_open_http(w);
    client_sendf(c,
                 "PUT /config/nsqlookupd_tcp_addresses HTTP/1.1\r\nHost: h\r\n"
                 "Content-Length: %zu\r\n\r\n%s",
                 strlen(list), list);
    assert_memory_equal(client_bytes(c), status, strlen(status));
    client_drop(c);
    world_settle(w);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void without_nsqlookupds_nothing_happens(void **state)
{
    (void)state;
    struct world *w = begin(0);
    make(w, "t");
    world_advance(w, 60 * TIME_SECOND);
    assert_int_equal(world_dialled(w), 0);
    assert_null(w->engine->broker.core.changes.ring);
    assert_int_equal(peers_next_deadline(&w->engine->peers), TIME_NEVER);
    world_free(w);
}

static void an_address_that_is_given_twice_is_one_nsqlookupd(void **state)
{
    (void)state;
    struct world *w = begin(3);
    assert_int_equal(w->engine->peers.count, 2);
    identified(w, "a:1");
    identified(w, "b:2");
    assert_int_equal(world_dialled(w), 0);
    world_free(w);
}

/* In nsqd, the second one waits for the timeouts of the first one. */
static void a_dead_nsqlookupd_does_not_delay_the_other(void **state)
{
    (void)state;
    struct world *w = begin(2);
    struct client *a = identified(w, "a:1");
    struct client *b = identified(w, "b:2");
    make(w, "t");
    EXPECT(a, "REGISTER t\n"); /* a does not reply */
    EXPECT(b, "REGISTER t\n");
    SEND(b, OK);
    make(w, "u");
    EXPECT(a, "");
    EXPECT(b, "REGISTER u\n");
    SEND(b, OK);
    world_advance(w, TIME_SECOND);
    client_expect_closed(a);
    world_advance(w, 14 * TIME_SECOND);
    EXPECT(b, "PING\n");
    SEND(b, OK);
    a = identified(w, "a:1");
    EXPECT(a, "REGISTER t\n");
    SEND(a, OK);
    EXPECT(a, "REGISTER u\n");
    SEND(a, OK);
    EXPECT(a, "PING\n");
    world_free(w);
}

static void the_list_can_be_changed(void **state)
{
    (void)state;
    struct world *w = begin(2);
    struct client *a = identified(w, "a:1");
    struct client *b = identified(w, "b:2");
    world_advance(w, 5 * TIME_SECOND);
    make(w, "t");
    client_bytes(a);
    EXPECT(b, "REGISTER t\n");
    set(w, "[\"c:3\",\"b:2\",\"c:3\"]", "HTTP/1.1 200");
    world_expect_log(w, "INFO LOOKUP(a:1): removing peer");
    world_expect_log(w, "INFO LOOKUP(c:3): adding peer");
    world_expect_no_log(w, "INFO LOOKUP(b:2): removing peer");
    client_expect_closed(a);
    struct client *c = identified(w, "c:3");
    EXPECT(c, "REGISTER t\n");
    SEND(c, OK);
    SEND(b, OK);
    world_advance(w, 10 * TIME_SECOND); /* PINGs are sent 15 s after the start */
    EXPECT(b, "PING\n");
    EXPECT(c, "PING\n");
    set(w, "[\"b:2\",1]", "HTTP/1.1 400");
    assert_int_equal(w->engine->peers.count, 2);
    SEND(b, OK);
    set(w, "null", "HTTP/1.1 200");
    client_expect_closed(b);
    client_expect_closed(c);
    assert_int_equal(w->engine->peers.count, 0);
    make(w, "u");
    world_advance(w, 60 * TIME_SECOND);
    assert_int_equal(world_dialled(w), 0);
    set(w, "[\"d:4\"]", "HTTP/1.1 200");
    struct client *d = identified(w, "d:4");
    EXPECT(d, "REGISTER t\n");
    SEND(d, OK);
    EXPECT(d, "REGISTER u\n");
    SEND(d, OK);
    EXPECT(d, "");
    world_advance(w, 14 * TIME_SECOND);
    EXPECT(d, "");
    world_advance(w, TIME_SECOND); /* the times of the PINGs are counted from the start */
    EXPECT(d, "PING\n");
    world_free(w);
}

static void a_list_can_be_the_first_one(void **state)
{
    (void)state;
    struct world *w = begin(0);
    make(w, "t");
    set(w, "[\"a:1\"]", "HTTP/1.1 200");
    struct client *a = identified(w, "a:1");
    EXPECT(a, "REGISTER t\n");
    SEND(a, OK);
    make(w, "u");
    EXPECT(a, "REGISTER u\n");
    world_free(w);
}

static void a_list_has_at_most_64_addresses(void **state)
{
    (void)state;
    struct world *w = begin(0);
    struct buf list = {0};
    text_append(&list, "[\"0\"");
    for (int64_t i = 1; i < PEERS_MAX; i++) {
        text_append(&list, ",\"");
        text_append_decimal(&list, i);
        text_append(&list, "\"");
    }
    text_append(&list, "]\0");
    set(w, (const char *)buf_span(&list).p, "HTTP/1.1 200");
    assert_int_equal(w->engine->peers.count, PEERS_MAX);
    assert_int_equal(world_dialled(w), PEERS_MAX);
    list.n -= 2;
    text_append(&list, ",\"64\"]\0");
    set(w, (const char *)buf_span(&list).p, "HTTP/1.1 400");
    assert_int_equal(w->engine->peers.count, PEERS_MAX);
    buf_free(&list);
    world_free(w);
}

static void the_end_needs_no_reply(void **state)
{
    (void)state;
    struct world *w = begin(2);
    struct client *a = identified(w, "a:1");
    make(w, "t"); /* b is not connected yet, a does not reply */
    EXPECT(a, "REGISTER t\n");
    world_stop(w);
    world_settle(w);
    client_expect_closed(a);
    assert_true(w->handler.stopped(w->handler.self));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_nsqlookupds_nothing_happens),
        cmocka_unit_test(an_address_that_is_given_twice_is_one_nsqlookupd),
        cmocka_unit_test(a_dead_nsqlookupd_does_not_delay_the_other),
        cmocka_unit_test(the_list_can_be_changed),
        cmocka_unit_test(a_list_can_be_the_first_one),
        cmocka_unit_test(a_list_has_at_most_64_addresses),
        cmocka_unit_test(the_end_needs_no_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
