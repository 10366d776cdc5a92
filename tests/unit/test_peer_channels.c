/* SPDX-License-Identifier: MIT */
/*
 * Tests of peer/peer_channels.h: new topics and scripted nsqlookupds, in a whole engine on virtual
 * time. tests/interop/lookup.py compares the requests with those of upstream's nsqd 1.3.0.
 */
#include "peer/peer_channels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "peer/peers.h"
#include "support/world.h"

#define OK "\0\0\0\2OK"
#define PUB_T "PUB t\n\0\0\0\1m"

static const char *const addresses[] = {"a:1", "b:2"};

static struct client *lookupds[2]; /* the V1 connections */

/* A world with this many nsqlookupds, which have answered IDENTIFY with these broadcast addresses.
 * "": with none. */
static struct world *begin(size_t count, const char *first, const char *second)
{
    const char *hosts[] = {first, second};
    struct engine_config config = world_config();
    config.peers.addresses = addresses;
    config.peers.address_count = count;
    struct world *w = world_new(&config);
    world_settle(w);
    for (size_t i = 0; i < count; i++) {
        char reply[200];
        int n = snprintf(reply, sizeof reply, "{\"broadcast_address\":\"%s\",\"http_port\":%d}",
                         hosts[i], 4161 + (int)i);
        lookupds[i] = world_accept(w);
        const uint8_t size[] = {0, 0, 0, (uint8_t)n};
        client_bytes(lookupds[i]);
        client_send(lookupds[i], span_make(size, sizeof size));
        client_send(lookupds[i], text_span(reply));
    }
    return w;
}

static void answer(struct client *server, const char *status, const char *body)
{
    client_sendf(server, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body),
                 body);
}

/* A client that has published a message to t, and has its OK. */
static struct client *published(struct world *w)
{
    struct client *c = world_connect(w);
    SEND(c, PUB_T);
    client_expect_ok(c);
    return c;
}

static size_t channel_count(const struct world *w, const char *topic)
{
    const struct topic *t = broker_find_topic(&w->engine->broker, text_span(topic));
    return t->table.count;
}

/* How many messages wait in a channel. SIZE_MAX: there is no such channel. */
static size_t depth(const struct world *w, const char *channel)
{
    const struct topic *t = broker_find_topic(&w->engine->broker, SPAN("t"));
    const struct channel *c = topic_find_channel(t, text_span(channel));
    return c == NULL ? SIZE_MAX : c->queue.n;
}

static bool is_starting(const struct world *w, const char *topic)
{
    return broker_find_topic(&w->engine->broker, text_span(topic))->starting;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void the_request_is_that_of_nsqd(void **state)
{
    (void)state;
    struct world *w = begin(1, "h", "");
    struct client *c = world_connect(w);
    SEND(c, "PUB t#ephemeral\n\0\0\0\1m");
    client_expect_ok(c);
    assert_string_equal(world_dialled_to(w), "h:4161");
    world_expect_log(w, "INFO CI: querying nsqlookupd http://h:4161/channels?topic=t%23ephemeral");
    assert_string_equal(client_bytes(world_accept(w)),
                        "GET /channels?topic=t%23ephemeral HTTP/1.1\r\nHost: h:4161\r\n"
                        "User-Agent: Go-http-client/1.1\r\n"
                        "Accept: application/vnd.nsq; version=1.0\r\n"
                        "Accept-Encoding: gzip\r\n\r\n");
    world_free(w);

    w = begin(1, "::1", "");
    published(w);
    assert_string_equal(world_dialled_to(w), "[::1]:4161");
    world_free(w);
}

/* The publisher has its OK, and the message waits for the channels. */
static void channels_are_made_before_the_first_message_flows(void **state)
{
    (void)state;
    struct world *w = begin(1, "h", "");
    published(w);
    struct client *l = world_accept(w);
    published(w);
    assert_int_equal(channel_count(w, "t"), 0);
    answer(l, "200 OK", "{\"channels\":[\"c\",\"d\",\"c\",\"e#ephemeral\",\"bad name\"]}");
    client_bytes(l);
    client_expect_closed(l);
    assert_int_equal(channel_count(w, "t"), 2);
    assert_int_equal(depth(w, "c"), 2);
    assert_int_equal(depth(w, "d"), 2);
    assert_false(is_starting(w, "t"));
    published(w);
    assert_int_equal(depth(w, "c"), 3);
    assert_int_equal(world_dialled(w), 0);
    world_free(w);
}

static void a_consumer_of_a_new_topic_waits_too(void **state)
{
    (void)state;
    struct world *w = begin(1, "h", "");
    struct client *c = world_connect(w);
    SEND(c, "SUB t mine\nRDY 5\n");
    client_expect_ok(c);
    published(w);
    client_expect_nothing(c);
    answer(world_accept(w), "200 OK", "{\"channels\":[\"theirs\"]}");
    client_expect_message(c, 1, "m", NULL);
    assert_int_equal(depth(w, "theirs"), 1);
    world_free(w);
}

static void all_answers_are_waited_for(void **state)
{
    (void)state;
    struct world *w = begin(2, "h", "i");
    published(w);
    assert_int_equal(world_dialled(w), 2);
    struct client *h = world_accept(w);
    assert_string_equal(world_dialled_to(w), "i:4162");
    struct client *i = world_accept(w);
    answer(i, "200 OK", "{\"channels\":[\"c\"]}");
    assert_true(is_starting(w, "t"));
    assert_int_equal(depth(w, "c"), 0);
    answer(h, "200 OK", "{\"channels\":[\"d\",\"c\"]}");
    assert_int_equal(depth(w, "c"), 1);
    assert_int_equal(depth(w, "d"), 1);
    world_free(w);
}

static void bad_answers_are_no_channels(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        const char *body;
        const char *why;
    } rows[] = {
        {"200 OK", "{\"channels\":[\"c\",1]}", "bad JSON"},
        {"404 Not Found", "{\"channels\":[\"c\"]}", "got another response than 200"},
        {"403 Forbidden", "{\"https_port\":1}", "got another response than 200"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[200];
        struct world *w = begin(1, "h", "");
        published(w);
        answer(world_accept(w), rows[i].status, rows[i].body);
        snprintf(line, sizeof line,
                 "WARNING failed to query nsqlookupd for channels to pre-create for topic t - %s",
                 rows[i].why);
        world_expect_log(w, line);
        assert_int_equal(channel_count(w, "t"), 0);
        assert_false(is_starting(w, "t"));
        world_free(w);
    }
}

static void a_large_answer_is_refused(void **state)
{
    (void)state;
    struct world *w = begin(1, "h", "");
    published(w);
    struct client *l = world_accept(w);
    client_sendf(l, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", PEER_ANSWER_MAX + 1);
    client_send_filled(l, " ", ' ', PEER_ANSWER_MAX);
    assert_false(is_starting(w, "t"));
    world_free(w);
}

static void a_refused_connection_is_no_channel(void **state)
{
    (void)state;
    struct world *w = begin(2, "h", "i");
    published(w);
    world_refuse(w, "refused");
    world_expect_log(
        w, "WARNING failed to query nsqlookupd for channels to pre-create for topic t - refused");
    assert_true(is_starting(w, "t"));
    answer(world_accept(w), "200 OK", "{\"channels\":[\"c\"]}");
    assert_int_equal(depth(w, "c"), 1);
    world_free(w);
}

static void a_topic_starts_at_the_latest_after_the_timeout(void **state)
{
    (void)state;
    struct world *w = begin(2, "h", "i");
    published(w);
    struct client *h = world_accept(w);
    struct client *i = world_accept(w);
    answer(h, "200 OK", "{\"channels\":[\"c\"]}");
    client_sendf(i, "HTTP/1.1 200 OK\r\n");
    world_advance(w, 4999 * TIME_MS);
    assert_int_equal(depth(w, "c"), 0);
    world_advance(w, TIME_MS);
    assert_int_equal(depth(w, "c"), 1);
    client_bytes(i);
    client_expect_closed(i);
    world_free(w);
}

/* The questions about many topics wait for their turn, but the topics do not. */
static void many_topics_start_at_the_latest_after_the_timeout(void **state)
{
    (void)state;
    struct world *w = begin(1, "h", "");
    struct client *c = world_connect(w);
    for (int i = 0; i < 3 * PEER_REQUESTS_MAX; i++) {
        client_sendf(c, "PUB t%d\n%c%c%c\1m", i, 0, 0, 0);
    }
    client_heard(c);
    assert_int_equal(world_dialled(w), PEER_REQUESTS_MAX);
    answer(world_accept(w), "200 OK", "{}");
    assert_false(is_starting(w, "t0"));
    assert_int_equal(world_dialled(w), PEER_REQUESTS_MAX);
    world_advance(w, 1990 * TIME_MS);
    assert_true(is_starting(w, "t1"));
    world_advance(w, 10 * TIME_MS); /* the time to connect is over for the first ones */
    assert_false(is_starting(w, "t1"));
    assert_int_equal(world_dialled(w), PEER_REQUESTS_MAX);
    assert_true(is_starting(w, "t100"));
    assert_true(is_starting(w, "t191"));
    world_advance(w, 2999 * TIME_MS);
    assert_true(is_starting(w, "t191"));
    world_advance(w, TIME_MS);
    assert_false(is_starting(w, "t191"));
    world_free(w);
}

/* Nobody answers, and the questions about most topics never begin. */
static void topics_in_line_start_at_the_timeout(void **state)
{
    (void)state;
    struct world *w = begin(1, "h", "");
    struct client *c = world_connect(w);
    for (int i = 0; i < 2 * PEER_REQUESTS_MAX; i++) {
        client_sendf(c, "PUB t%d\n%c%c%c\1m", i, 0, 0, 0);
    }
    client_heard(c);
    for (int i = 0; i < PEER_REQUESTS_MAX; i++) {
        world_accept(w);
    }
    world_advance(w, 4999 * TIME_MS);
    assert_true(is_starting(w, "t0"));
    assert_true(is_starting(w, "t127"));
    world_jump(w, TIME_MS);
    assert_false(is_starting(w, "t0"));
    assert_false(is_starting(w, "t127"));
    assert_int_equal(world_dialled(w), 0);
    world_expect_no_log(w, "INFO CI: querying nsqlookupd http://h:4161/channels?topic=t127");
    world_expect_log(
        w,
        "WARNING failed to query nsqlookupd for channels to pre-create for topic t127 - timeout");
    world_free(w);
}

static void nobody_can_be_asked(void **state)
{
    (void)state;
    struct world *w = begin(1, "", "");
    published(w);
    world_expect_log(w, "ERROR no available nsqlookupd to query for channels to pre-create for "
                        "topic t");
    assert_false(is_starting(w, "t"));
    assert_int_equal(world_dialled(w), 0);
    world_free(w);

    w = begin(1, "not a host", "");
    published(w);
    assert_false(is_starting(w, "t"));
    assert_int_equal(world_dialled(w), 0);
    world_free(w);

    w = begin(0, "", "");
    published(w);
    assert_false(is_starting(w, "t"));
    world_expect_no_log(w, "ERROR no available nsqlookupd to query for channels to pre-create for "
                           "topic t");
    world_free(w);
}

static void a_topic_may_be_deleted_meanwhile(void **state)
{
    (void)state;
    struct world *w = begin(1, "h", "");
    published(w);
    struct client *first = world_accept(w);
    broker_delete_topic(&w->engine->broker, SPAN("t"));
    world_settle(w);
    published(w); /* another topic with this name */
    struct client *second = world_accept(w);
    answer(first, "200 OK", "{\"channels\":[\"c\"]}");
    assert_int_equal(channel_count(w, "t"), 0);
    assert_true(is_starting(w, "t"));
    answer(second, "200 OK", "{\"channels\":[\"d\"]}");
    assert_int_equal(depth(w, "d"), 1);
    assert_int_equal(depth(w, "c"), SIZE_MAX);
    published(w);
    broker_delete_topic(&w->engine->broker, SPAN("t"));
    world_free(w);
}

static void an_nsqlookupd_may_be_removed_meanwhile(void **state)
{
    (void)state;
    struct world *w = begin(1, "h", "");
    published(w);
    struct client *l = world_accept(w);
    peers_set(&w->engine->peers, NULL, 0, w->now);
    world_settle(w);
    assert_true(is_starting(w, "t"));
    answer(l, "200 OK", "{\"channels\":[\"c\"]}");
    assert_int_equal(depth(w, "c"), 1);
    world_free(w);
}

/* A paused topic stays paused, and a topic without channels keeps its messages. */
static void a_started_topic_may_keep_its_messages(void **state)
{
    (void)state;
    struct world *w = begin(1, "h", "");
    published(w);
    broker_pause_topic(&w->engine->broker, SPAN("t"), true, w->now);
    answer(world_accept(w), "200 OK", "{\"channels\":[\"c\"]}");
    assert_false(is_starting(w, "t"));
    assert_int_equal(depth(w, "c"), 0);
    broker_pause_topic(&w->engine->broker, SPAN("t"), false, w->now);
    assert_int_equal(depth(w, "c"), 1);
    world_free(w);
}

static void there_may_be_no_room_for_the_channels(void **state)
{
    (void)state;
    struct world *w = begin(1, "h", "");
    published(w);
    struct budget *budget = &w->engine->broker.core.budget;
    size_t most = budget->names_most;
    budget->names_most = budget->names;
    answer(world_accept(w), "200 OK", "{\"channels\":[\"c\",\"d\"]}");
    world_expect_log(
        w, "WARNING failed to query nsqlookupd for channels to pre-create for topic t - no room");
    assert_int_equal(channel_count(w, "t"), 0);
    assert_false(is_starting(w, "t"));
    budget->names_most = most;
    world_free(w);
}

static void the_end_drops_the_questions(void **state)
{
    (void)state;
    struct world *w = begin(1, "h", "");
    published(w);
    struct client *l = world_accept(w);
    world_stop(w);
    world_settle(w);
    client_bytes(l);
    client_expect_closed(l);
    world_free(w);
    w = begin(1, "h", "");
    published(w);
    world_free_at_once(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_that_of_nsqd),
        cmocka_unit_test(channels_are_made_before_the_first_message_flows),
        cmocka_unit_test(a_consumer_of_a_new_topic_waits_too),
        cmocka_unit_test(all_answers_are_waited_for),
        cmocka_unit_test(bad_answers_are_no_channels),
        cmocka_unit_test(a_large_answer_is_refused),
        cmocka_unit_test(a_refused_connection_is_no_channel),
        cmocka_unit_test(a_topic_starts_at_the_latest_after_the_timeout),
        cmocka_unit_test(many_topics_start_at_the_latest_after_the_timeout),
        cmocka_unit_test(topics_in_line_start_at_the_timeout),
        cmocka_unit_test(nobody_can_be_asked),
        cmocka_unit_test(a_topic_may_be_deleted_meanwhile),
        cmocka_unit_test(an_nsqlookupd_may_be_removed_meanwhile),
        cmocka_unit_test(a_started_topic_may_keep_its_messages),
        cmocka_unit_test(there_may_be_no_room_for_the_channels),
        cmocka_unit_test(the_end_drops_the_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
