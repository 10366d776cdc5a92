/* SPDX-License-Identifier: MIT */
#include "support/stats_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

void stage_open(struct stats_stage *s, const struct engine_config *config)
{
    *s = (struct stats_stage){.world = world_new(config)};
    struct world *w = s->world;
    w->handler.wall(w->handler.self, STAGE_START * TIME_SECOND - w->now);
    s->server = (struct stats_server){.broker = &w->engine->broker,
                                      .serve = &w->engine->serve,
                                      .health = SPAN("OK"),
                                      .start_time = STAGE_START * TIME_SECOND + 1,
                                      .uptime = INT64_C(5404850377)};
}

void stage_close(struct stats_stage *s)
{
    buf_free(&s->page);
    world_free(s->world);
}

int64_t stage_wall(const struct stats_stage *s)
{
    return s->world->now + s->world->engine->v2.wall_offset;
}

struct broker *stage_broker(const struct stats_stage *s)
{
    return &s->world->engine->broker;
}

struct topic *stage_topic(struct stats_stage *s, const char *topic)
{
    return broker_topic(stage_broker(s), text_span(topic), BUDGET_CLIENT);
}

struct channel *stage_channel(struct stats_stage *s, const char *topic, const char *channel)
{
    return topic_channel(stage_topic(s, topic), text_span(channel), s->world->now);
}

/* A message is timed out, another one comes after it. */
static void play_consumer(struct stats_stage *s, struct client *producer)
{
    struct world *w = s->world;
    struct message_id id;
    struct client *c = world_connect_from(w, "127.0.0.1:34788");
    client_identify(c, "{\"client_id\":\"c1\",\"hostname\":\"host\",\"user_agent\":\"agent/1\","
                       "\"msg_timeout\":1000}");
    SEND(c, "SUB alpha one\n");
    client_expect(c, "R OK; R OK");
    stage_channel(s, "alpha", "two");
    broker_pause_channel(stage_broker(s), SPAN("alpha"), SPAN("two"), true);
    stage_topic(s, "gamma");
    SEND(producer, "PUB alpha\n\0\0\0\2m0PUB alpha\n\0\0\0\2m1PUB alpha\n\0\0\0\2m2PUB alpha\n"
                   "\0\0\0\2m3");
    client_expect(producer, "R OK; R OK; R OK; R OK");
    SEND(c, "RDY 1\n");
    client_expect_message(c, 1, "m0", &id);
    client_fin(c, &id);
    client_expect_message(c, 1, "m1", &id);
    client_req(c, &id, 3600000);
    client_expect_message(c, 1, "m2", &id);
    SEND(c, "RDY 0\n");
    world_advance(w, 5 * TIME_SECOND);
    SEND(c, "RDY 1\n");
    client_expect_message(c, 1, "m3", &id);
    client_touch(c, &id);
}

void stage_play(struct stats_stage *s)
{
    struct world *w = s->world;
    struct client *producer = world_connect_from(w, "127.0.0.1:34782");
    client_identify(producer, "{\"client_id\":\"p<1>\",\"hostname\":\"h\xc3\xa9st\","
                              "\"user_agent\":\"prod/1\"}");
    SEND(producer, "PUB beta\n\0\0\0\5helloPUB beta\n\0\0\0\1x");
    client_expect(producer, "R OK; R OK; R OK");
    broker_pause_topic(stage_broker(s), SPAN("beta"), true, w->now);
    play_consumer(s, producer);
    struct client *second = world_connect_from(w, "127.0.0.1:46078");
    SEND(second, "PUB beta\n\0\0\0\3abc");
    struct client *closing = world_connect_from(w, "127.0.0.1:46090");
    SEND(closing, "SUB alpha one\nCLS\n");
    client_expect(closing, "R OK; R CLOSE_WAIT");
    world_advance(w, 400 * TIME_MS);
}

const char *stage_page(struct stats_stage *s, const struct stats_filter *filter, size_t most,
                       size_t units)
{
    struct stats stats;
    bool done = false;
    buf_free(&s->page);
    stats_begin(&stats, &s->server, filter);
    while (!done) {
        struct buf part = {0}; /* each part goes into a buffer of its own */
        effort_allow(&stage_broker(s)->core.effort, units);
        done = stats_write(&stats, &part, most, s->world->now, stage_wall(s));
        assert_true(part.n <= most + STATS_ITEM_MAX);
        buf_append(&s->page, buf_span(&part));
        buf_free(&part);
    }
    assert_true(stats_write(&stats, &s->page, most, s->world->now, stage_wall(s)));
    stats_end(&stats);
    buf_append(&s->page, span_make("", 1));
    return (const char *)buf_span(&s->page).p;
}

void stage_expect(struct stats_stage *s, const struct stats_filter *filter, const char *expected)
{
    static const size_t mosts[] = {SIZE_MAX / 2, 1, 700};
    size_t n = strlen(expected);
    char *text = malloc(n + 1);
    assert_non_null(text);
    for (size_t i = 0; i <= n; i++) {
        text[i] = expected[i] == '\'' ? '"' : expected[i];
    }
    for (size_t i = 0; i < sizeof mosts / sizeof mosts[0]; i++) {
        assert_string_equal(stage_page(s, filter, mosts[i], SIZE_MAX), text);
        assert_string_equal(stage_page(s, filter, mosts[i], 1), text);
    }
    free(text);
}
