/* SPDX-License-Identifier: MIT */
/* Tests that one step of peer/peer_channels.h does no more than its allowance of effort
 * (base/effort.h), however many topics are new and however much the nsqlookupds answer. */
#include "peer/peer_channels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/world.h"

#define INFO "\0\0\0\x2b{\"broadcast_address\":\"h\",\"http_port\":4161 }"
#define TOPICS 10

static const char *const addresses[] = {"l:4160"};

/* A world with one nsqlookupd, which has answered IDENTIFY. */
static struct world *begin(void)
{
    struct engine_config config = world_config();
    config.peers.addresses = addresses;
    config.peers.address_count = 1;
    config.log_level = LOG_FATAL;
    struct world *w = world_new(&config);
    world_settle(w);
    struct client *l = world_accept(w);
    client_bytes(l);
    SEND(l, INFO);
    return w;
}

/* Makes topics. No step follows. */
static void make_topics(struct world *w)
{
    for (int i = 0; i < TOPICS; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        assert_non_null(broker_topic(&w->engine->broker, text_span(name), BUDGET_CLIENT));
    }
}

/* One step with this allowance. */
static void step(struct world *w, size_t units)
{
    effort_allow(&w->engine->broker.core.effort, units);
    peer_channels_step(&w->engine->peers.channels, w->now);
}

static size_t length(const struct list *list)
{
    size_t n = 0;
    for (const struct list *l = list->next; l != list; l = l->next) {
        n++;
    }
    return n;
}

/* How many topics wait until they are asked about, and how many questions there are. */
static size_t waiting(const struct world *w)
{
    return length(&w->engine->broker.core.starting_topics);
}

static size_t asking(const struct world *w)
{
    return length(&w->engine->peers.channels.asking);
}

static void questions_begin_one_by_one(void **state)
{
    (void)state;
    struct world *w = begin();
    make_topics(w);
    for (size_t i = 1; i <= TOPICS; i++) {
        step(w, 1);
        assert_int_equal(asking(w), i);
        assert_int_equal(waiting(w), TOPICS - i);
    }
    assert_int_equal(world_dialled(w), 0); /* there was no effort left for requests */
    for (size_t i = 1; i <= TOPICS; i++) {
        step(w, 1);
        assert_int_equal(length(&w->engine->serve.to_connect), i);
    }
    world_settle(w);
    assert_int_equal(world_dialled(w), TOPICS);
    world_free(w);
}

static void late_topics_start_one_by_one(void **state)
{
    (void)state;
    struct world *w = begin();
    make_topics(w);
    for (size_t i = 0; i < TOPICS / 2; i++) {
        step(w, 1); /* begins one question; the first step notes the time */
    }
    w->now += 5 * TIME_SECOND;
    for (size_t i = 1; i <= TOPICS; i++) {
        step(w, 1);
        assert_int_equal(asking(w) + waiting(w), TOPICS - i);
    }
    world_settle(w);
    world_free(w);
}

/* The list of nsqlookupds becomes empty before the topics are asked about. */
static void topics_start_when_nobody_is_left_to_ask(void **state)
{
    (void)state;
    struct world *w = begin();
    make_topics(w);
    peers_set(&w->engine->peers, NULL, 0, w->now);
    for (size_t i = 1; i <= TOPICS; i++) {
        step(w, 1);
        assert_int_equal(waiting(w), TOPICS - i);
    }
    assert_int_equal(asking(w), 0);
    world_settle(w);
    world_free(w);
}

/* Lets all requests be answered with this body. No step follows. */
static void answer_all(struct world *w, struct span body)
{
    struct client *servers[TOPICS];
    struct buf answer = {0};
    text_append(&answer, "HTTP/1.1 200 OK\r\nContent-Length: ");
    text_append_unsigned(&answer, body.n);
    text_append(&answer, "\r\n\r\n");
    buf_append(&answer, body);
    make_topics(w);
    world_settle(w);
    for (size_t i = 0; i < TOPICS; i++) {
        servers[i] = world_accept(w);
    }
    for (size_t i = 0; i < TOPICS; i++) {
        size_t n = w->handler.recv(w->handler.self, servers[i]->conn, buf_span(&answer), w->now);
        assert_int_equal(n, answer.n);
    }
    buf_free(&answer);
}

/* Reading an answer costs effort for its bytes, and for each channel. */
static void answers_are_handled_one_by_one(void **state)
{
    (void)state;
    struct buf bodies[2] = {{0}, {0}};
    text_append(&bodies[0], "{\"channels\":[]}");
    while (bodies[0].n < 8000) {
        text_append(&bodies[0], " ");
    }
    text_append(&bodies[1], "{\"channels\":[\"c\"");
    for (int i = 0; i < 100; i++) {
        text_append(&bodies[1], ",\"c");
        text_append_decimal(&bodies[1], i);
        text_append(&bodies[1], "\"");
    }
    text_append(&bodies[1], "]}");
    for (size_t i = 0; i < 2; i++) {
        struct world *w = begin();
        answer_all(w, buf_span(&bodies[i]));
        assert_int_equal(asking(w), TOPICS);
        for (size_t n = 1; n <= TOPICS; n++) {
            step(w, 500);
            assert_int_equal(asking(w), TOPICS - n);
        }
        world_settle(w);
        world_free(w);
        buf_free(&bodies[i]);
    }
}

static void answers_have_at_most_64_kib(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct world *w = begin();
        struct buf body = {0};
        text_append(&body, "{\"channels\":[\"c\"]}");
        while (body.n < 65536 + more) {
            text_append(&body, " ");
        }
        make_topics(w);
        world_settle(w);
        struct client *l = world_accept(w);
        client_sendf(l, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", body.n);
        client_send(l, buf_span(&body));
        const struct topic *t = broker_find_topic(&w->engine->broker, SPAN("t0"));
        assert_false(t->starting);
        assert_int_equal(t->table.count, more == 0 ? 1 : 0);
        buf_free(&body);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_begin_one_by_one),
        cmocka_unit_test(late_topics_start_one_by_one),
        cmocka_unit_test(topics_start_when_nobody_is_left_to_ask),
        cmocka_unit_test(answers_are_handled_one_by_one),
        cmocka_unit_test(answers_have_at_most_64_kib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
