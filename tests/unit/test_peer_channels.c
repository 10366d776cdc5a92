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

/* Accepts the V1 connection to an nsqlookupd, which answers IDENTIFY with this broadcast address.
 */
static struct client *identified(struct world *w, const char *host, int port)
{
    char reply[200];
    int n = snprintf(reply, sizeof reply, "{\"broadcast_address\":\"%s\",\"http_port\":%d}", host,
                     port);
    struct client *l = world_accept(w);
    const uint8_t size[] = {0, 0, 0, (uint8_t)n};
    client_bytes(l);
    client_send(l, span_make(size, sizeof size));
    client_send(l, text_span(reply));
    return l;
}

/* A world with this many nsqlookupds, which have answered IDENTIFY with these broadcast addresses.
 * "": with none. */
static struct world *begin_with(int64_t request_timeout, size_t count, const char *first,
                                const char *second)
{
    const char *hosts[] = {first, second};
    struct engine_config config = world_config();
    config.peers.addresses = addresses;
    config.peers.address_count = count;
    config.peers.channels.request_timeout = request_timeout;
    struct world *w = world_new(&config);
    world_settle(w);
    for (size_t i = 0; i < count; i++) {
        lookupds[i] = identified(w, hosts[i], 4161 + (int)i);
    }
    return w;
}

static struct world *begin(size_t count, const char *first, const char *second)
{
    return begin_with(5 * TIME_SECOND, count, first, second);
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

    w = begin(1, "a%b", ""); /* no URL has such a host */
    published(w);
    world_expect_log(w, "INFO CI: querying nsqlookupd http://a%b:4161/channels?topic=t");
    assert_int_equal(world_dialled(w), 0);
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

static void a_topic_is_starting_at_most_for_the_timeout(void **state)
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
    broker_topic(&w->engine->broker, SPAN("t"), BUDGET_CLIENT); /* another topic with this name */
    world_settle(w);
    client_bytes(first);
    client_expect_closed(first);
    published(w);
    struct client *second = world_accept(w);
    assert_int_equal(channel_count(w, "t"), 0);
    assert_true(is_starting(w, "t"));
    answer(second, "200 OK", "{\"channels\":[\"d\"]}");
    assert_int_equal(depth(w, "d"), 1);
    published(w);
    broker_delete_topic(&w->engine->broker, SPAN("t"));
    world_free(w);
}

/* Publishes one message to each of the topics t<first> .. */
static struct client *publish_to_many(struct world *w, int first, int count)
{
    struct client *c = world_connect(w);
    for (int i = first; i < first + count; i++) {
        client_sendf(c, "PUB t%d\n%c%c%c\1m", i, 0, 0, 0);
    }
    client_heard(c);
    return c;
}

static bool is_starting_number(const struct world *w, int i)
{
    char name[20];
    snprintf(name, sizeof name, "t%d", i);
    return is_starting(w, name);
}

/* Accepts all requests to this nsqlookupd and answers them. The others are accepted and get no
 * answer. Returns how many were answered. */
static int answer_all(struct world *w, const char *address, const char *body)
{
    int count = 0;
    while (world_dialled(w) > 0) {
        bool is_it = strcmp(world_dialled_to(w), address) == 0;
        struct client *l = world_accept(w);
        if (is_it) {
            answer(l, "200 OK", body);
            count++;
        }
    }
    return count;
}

static void a_hung_nsqlookupd_does_not_delay_the_requests_to_another(void **state)
{
    (void)state;
    struct world *w = begin(2, "h", "i");
    publish_to_many(w, 0, 200);
    assert_int_equal(world_dialled(w), PEER_REQUESTS_MAX);
    assert_int_equal(answer_all(w, "i:4162", "{\"channels\":[\"c\"]}"), 200);
    for (int i = 0; i < 200; i++) {
        assert_true(is_starting_number(w, i));
    }
    world_advance(w, 5 * TIME_SECOND);
    for (int i = 0; i < 200; i++) {
        char name[20];
        snprintf(name, sizeof name, "t%d", i);
        assert_false(is_starting(w, name));
        assert_int_equal(channel_count(w, name), 1);
    }
    world_free(w);
}

static void requests_to_a_removed_nsqlookupd_are_dropped(void **state)
{
    (void)state;
    struct world *w = begin_with(0, 2, "h", "i");
    const struct span list[] = {SPAN("b:2")};
    publish_to_many(w, 0, 100);
    assert_int_equal(answer_all(w, "i:4162", "{\"channels\":[\"c\"]}"), 100);
    assert_true(is_starting(w, "t0"));
    peers_set(&w->engine->peers, list, 1, w->now);
    world_settle(w);
    for (int i = 0; i < 100; i++) {
        assert_false(is_starting_number(w, i));
    }
    publish_to_many(w, 100, 2 * PEER_REQUESTS_MAX); /* the other has all requests now */
    assert_int_equal(world_dialled(w), PEER_REQUESTS_MAX);
    peers_set(&w->engine->peers, NULL, 0, w->now);
    world_settle(w);
    assert_false(is_starting(w, "t100"));
    assert_false(is_starting(w, "t227"));
    world_free(w);
}

static void requests_about_deleted_topics_are_dropped(void **state)
{
    (void)state;
    struct world *w = begin_with(0, 1, "h", "");
    publish_to_many(w, 0, 2 * PEER_REQUESTS_MAX); /* the second half waits */
    for (int i = 0; i < PEER_REQUESTS_MAX; i++) {
        world_accept(w);
    }
    for (int i = 0; i < 2 * PEER_REQUESTS_MAX; i++) {
        char name[20];
        snprintf(name, sizeof name, "t%d", i);
        broker_delete_topic(&w->engine->broker, text_span(name));
    }
    world_settle(w);
    assert_int_equal(world_dialled(w), 0);
    assert_int_equal(w->engine->peers.channels.cost, 0);
    published(w);
    answer(world_accept(w), "200 OK", "{\"channels\":[\"c\"]}");
    assert_int_equal(depth(w, "c"), 1);
    world_free(w);
}

static void without_a_timeout_a_topic_starts_after_a_minute(void **state)
{
    (void)state;
    struct world *w = begin_with(0, 1, "h", "");
    published(w);
    world_accept(w);
    world_advance(w, 59999 * TIME_MS);
    assert_true(is_starting(w, "t"));
    world_advance(w, TIME_MS);
    assert_false(is_starting(w, "t"));
    world_free(w);
}

/* From now on there is room for the question that is open, and for no other one. */
static void leave_room_for_one_question(struct world *w)
{
    struct budget *budget = &w->engine->broker.core.budget;
    size_t cap = budget->cap;
    budget->cap = PEER_QUESTIONS_PART * (2 * w->engine->peers.channels.cost - 1);
    budget->reserve = cap;
}

/* A question that finds no room for itself waits, and is asked as soon as there is room. */
static void the_memory_for_questions_has_a_bound(void **state)
{
    (void)state;
    struct world *w = begin(1, "h", "");
    published(w);
    struct client *l = world_accept(w);
    leave_room_for_one_question(w);
    broker_topic(&w->engine->broker, SPAN("u"), BUDGET_CLIENT);
    world_settle(w);
    assert_int_equal(world_dialled(w), 0);
    answer(l, "200 OK", "{\"channels\":[\"c\"]}");
    assert_int_equal(world_dialled(w), 1);
    broker_topic(&w->engine->broker, SPAN("v"), BUDGET_CLIENT);
    world_settle(w);
    assert_int_equal(world_dialled(w), 1);
    assert_true(is_starting(w, "u"));
    assert_true(is_starting(w, "v"));
    world_advance(w, 5 * TIME_SECOND);
    assert_false(is_starting(w, "u"));
    assert_false(is_starting(w, "v"));
    world_free(w);
}

/* At the timeout the question before it has ended, so there is room again. This is too late. */
static void a_topic_that_waited_for_room_too_long_is_not_asked_about(void **state)
{
    (void)state;
    struct world *w = begin(1, "h", "");
    published(w);
    world_accept(w);
    leave_room_for_one_question(w);
    broker_topic(&w->engine->broker, SPAN("u"), BUDGET_CLIENT);
    world_settle(w);
    world_advance(w, 4999 * TIME_MS);
    assert_true(is_starting(w, "u"));
    world_advance(w, TIME_MS);
    assert_false(is_starting(w, "u"));
    assert_int_equal(world_dialled(w), 0);
    world_expect_no_log(w, "INFO CI: querying nsqlookupd http://h:4161/channels?topic=u");
    world_expect_log(
        w, "WARNING failed to query nsqlookupd for channels to pre-create for topic u - timeout");
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
    client_bytes(l);
    client_expect_closed(l);
    assert_false(is_starting(w, "t"));
    assert_int_equal(channel_count(w, "t"), 0);
    world_free(w);
}

/* The requests wait for their turn, and then nsqlookupd has no address any more. */
static void an_nsqlookupd_may_lose_its_address_meanwhile(void **state)
{
    (void)state;
    struct world *w = begin(1, "h", "");
    publish_to_many(w, 0, PEER_REQUESTS_MAX + 1);
    buf_free(&w->engine->peers.all[0]->info.broadcast_address);
    answer(world_accept(w), "200 OK", "{}");
    world_expect_log(w, "WARNING failed to query nsqlookupd for channels to pre-create for topic "
                        "t64 - no broadcast address");
    assert_false(is_starting(w, "t64"));
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

/* Clients need room too. */
static void channels_of_answers_leave_room_for_names(void **state)
{
    (void)state;
    struct world *w = begin(1, "h", "");
    struct client *c = published(w);
    struct budget *budget = &w->engine->broker.core.budget;
    budget_charge_name(budget, 1 << 20);
    budget->names_most = PEER_NAMES_PART * (budget->names + 1); /* room for one more */
    answer(world_accept(w), "200 OK", "{\"channels\":[\"c\",\"c\",\"d\"]}");
    world_expect_log(
        w, "WARNING failed to query nsqlookupd for channels to pre-create for topic t - no room");
    assert_int_equal(channel_count(w, "t"), 1);
    assert_int_equal(depth(w, "c"), 1);
    SEND(c, "SUB t mine\n");
    client_expect_ok(c);
    assert_int_equal(channel_count(w, "t"), 2);
    budget_release_name(budget, 1 << 20);
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
        cmocka_unit_test(a_topic_is_starting_at_most_for_the_timeout),
        cmocka_unit_test(many_topics_start_at_the_latest_after_the_timeout),
        cmocka_unit_test(topics_in_line_start_at_the_timeout),
        cmocka_unit_test(nobody_can_be_asked),
        cmocka_unit_test(a_topic_may_be_deleted_meanwhile),
        cmocka_unit_test(a_hung_nsqlookupd_does_not_delay_the_requests_to_another),
        cmocka_unit_test(requests_to_a_removed_nsqlookupd_are_dropped),
        cmocka_unit_test(requests_about_deleted_topics_are_dropped),
        cmocka_unit_test(without_a_timeout_a_topic_starts_after_a_minute),
        cmocka_unit_test(the_memory_for_questions_has_a_bound),
        cmocka_unit_test(a_topic_that_waited_for_room_too_long_is_not_asked_about),
        cmocka_unit_test(an_nsqlookupd_may_be_removed_meanwhile),
        cmocka_unit_test(an_nsqlookupd_may_lose_its_address_meanwhile),
        cmocka_unit_test(a_started_topic_may_keep_its_messages),
        cmocka_unit_test(there_may_be_no_room_for_the_channels),
        cmocka_unit_test(channels_of_answers_leave_room_for_names),
        cmocka_unit_test(the_end_drops_the_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
