/* SPDX-License-Identifier: MIT */
/* Tests of what clients see when their topic or channel is deleted (broker/topology.h). */
#include "session/v2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "session/session.h"
#include "support/world.h"

#define PUB_T "PUB t\n\0\0\0\1m"

static struct client *subscribe(struct world *w, const char *channel)
{
    struct client *c = world_connect(w);
    client_sendf(c, "SUB t %s\nRDY 5\n", channel);
    client_expect_ok(c);
    return c;
}

static void delete_topic(struct world *w)
{
    assert_int_equal(broker_delete_topic(&w->engine->broker, SPAN("t")), TOPOLOGY_OK);
    world_settle(w);
}

static void delete_channel(struct world *w)
{
    assert_int_equal(broker_delete_channel(&w->engine->broker, SPAN("t"), SPAN("c")), TOPOLOGY_OK);
    world_settle(w);
}

static void consumers_of_a_deleted_channel_are_closed(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *a = subscribe(w, "c");
    struct client *b = subscribe(w, "c");
    struct client *other = subscribe(w, "other");
    struct client *producer = world_connect(w);
    SEND(producer, PUB_T);
    client_expect_ok(producer);
    client_expect(a, "M 1 m"); /* in flight when the channel is deleted */
    client_expect(other, "M 1 m");
    delete_channel(w);
    client_expect(a, "SHUT"); /* no frame says why */
    client_expect(b, "SHUT");
    SEND(producer, PUB_T);
    client_expect_ok(producer);
    client_expect(other, "M 1 m");
    client_expect_nothing(a);
    world_free(w);
}

static void a_producer_outlives_its_topic(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = subscribe(w, "c");
    struct client *producer = world_connect(w);
    SEND(producer, PUB_T);
    client_expect_ok(producer);
    client_expect(c, "M 1 m");
    delete_topic(w);
    client_expect(c, "SHUT");
    SEND(producer, PUB_T); /* makes the topic anew */
    client_expect_ok(producer);
    c = subscribe(w, "c");
    client_expect(c, "M 1 m");
    world_free(w);
}

/* What the client sent behind is not read any more. */
static void commands_of_an_orphan_are_not_carried_out(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = subscribe(w, "c");
    delete_channel(w);
    SEND(c, PUB_T "FIN 0123456789abcdef\n");
    client_expect(c, "SHUT");
    assert_int_equal(broker_find_topic(&w->engine->broker, SPAN("t"))->message_count, 0);
    world_free(w);
}

/* A consumer that has published gets the answers that it is owed. */
static void owed_replies_come_before_the_end(void **state)
{
    (void)state;
    for (int topic_too = 0; topic_too <= 1; topic_too++) {
        struct engine_config config = world_config();
        config.broker.wait_publishes = true;
        struct world *w = world_new(&config);
        w->answers = ANSWER_WHEN_TOLD;
        struct client *c = subscribe(w, "c");
        SEND(c, PUB_T);
        if (topic_too == 1) {
            delete_topic(w);
        } else {
            delete_channel(w);
        }
        client_expect_nothing(c);
        world_answer(w, true);
        client_expect(c, topic_too == 1 ? "E E_PUB_FAILED PUB failed exiting; SHUT" : "R OK; SHUT");
        world_free(w);
    }
}

/* A command that waits for an authorization is given up, and its topic is not made anew. */
static void an_open_question_to_an_auth_server_ends(void **state)
{
    (void)state;
    static const char *const servers[] = {"a:1"};
    static const char granted[] =
        "{\"ttl\":1,\"authorizations\":[{\"topic\":\".*\",\"channels\":[\".*\"],"
        "\"permissions\":[\"publish\",\"subscribe\"]}]}";
    struct engine_config config = world_config();
    config.auth.servers = servers;
    config.auth.server_count = 1;
    struct world *w = world_new(&config);
    struct client *c = world_connect(w);
    SEND(c, "AUTH\n\0\0\0\6s3cret");
    client_sendf(world_accept(w), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                 sizeof granted - 1, granted);
    SEND(c, "SUB t c\n");
    client_expect(c, "R {\"identity\":\"\",\"identity_url\":\"\",\"permission_count\":1}; R OK");
    world_advance(w, 2 * TIME_SECOND);
    SEND(c, PUB_T);
    struct client *server = world_accept(w);
    delete_topic(w);
    client_expect(c, "SHUT");
    assert_true(server->closed);
    assert_null(broker_find_topic(&w->engine->broker, SPAN("t")));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consumers_of_a_deleted_channel_are_closed),
        cmocka_unit_test(a_producer_outlives_its_topic),
        cmocka_unit_test(commands_of_an_orphan_are_not_carried_out),
        cmocka_unit_test(owed_replies_come_before_the_end),
        cmocka_unit_test(an_open_question_to_an_auth_server_ends),
    };
    return cmocka_run_group_tests_name("session_orphans", tests, NULL, NULL);
}
