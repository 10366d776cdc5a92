/* SPDX-License-Identifier: MIT */
/*
 * Tests of session/session.h: what a session does with messages (delivery, timeouts, FIN, REQ,
 * TOUCH, CLS), the memory budget, and the counters for /stats.
 */
#include "session/session.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/cuts.h"

#define S TIME_SECOND

static struct topic *topic_of(const struct world *w, const char *name)
{
    return broker_find_topic(&w->engine->broker, span_make(name, strlen(name)));
}

static struct channel *channel_c(const struct world *w)
{
    return topic_find_channel(topic_of(w, "t"), SPAN("c"));
}

static struct consumer *consumer_of(const struct client *c)
{
    return &client_session(c)->consumer;
}

/* A client that is subscribed to t and c, with RDY 1 and a message's time limit. */
static struct client *subscribe(struct world *w, const char *identify)
{
    struct client *c = world_connect(w);
    client_identify(c, identify);
    SEND(c, "SUB t c\nRDY 1\n");
    client_expect(c, "R OK; R OK");
    return c;
}

static void expect_not_in_flight(struct client *c, const char *command, const struct message_id *id)
{
    char text[128];
    snprintf(text, sizeof text, "E E_%s_FAILED %s %s failed ID not in flight", command, command,
             id->text);
    client_expect(c, text);
}

/* --- delivery --------------------------------------------------------------------------------- */

static void a_message_says_when_it_was_published(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    world_advance(w, 5 * S);
    SEND(c, "PUB t\n\0\0\0\1x");
    world_advance(w, 5 * S);
    SEND(c, "SUB t c\nRDY 1\n");
    client_expect(c, "R OK; R OK; M 1 x");
    struct client *d = world_connect(w);
    SEND(d, "PUB t\n\0\0\0\1y");
    struct message_id id;
    SEND(c, "RDY 2\n");
    client_expect_message(c, 1, "y", &id);
    assert_int_equal(c->timestamp, (INT64_C(1767225600) + 10) * S);
    world_free(w);
}

static void a_message_that_is_not_finished_comes_again(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = subscribe(w, "{\"msg_timeout\":2000,\"heartbeat_interval\":60000}");
    SEND(c, "PUB t\n\0\0\0\1x");
    struct message_id id;
    struct message_id again;
    client_expect_ok(c);
    client_expect_message(c, 1, "x", &id);
    world_advance(w, 2 * S - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect_message(c, 2, "x", &again);
    assert_string_equal(id.text, again.text);
    assert_int_equal(channel_c(w)->timeout_count, 1);
    client_fin(c, &id); /* the id is in flight again, so this is fine */
    client_expect_nothing(c);
    client_fin(c, &id);
    expect_not_in_flight(c, "FIN", &id);
    assert_int_equal(consumer_of(c)->finish_count, 1);
    assert_int_equal(channel_in_flight_count(channel_c(w)), 0);
    world_free(w);
}

static void a_message_that_timed_out_is_not_in_flight(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = subscribe(w, "{\"msg_timeout\":2000}");
    SEND(c, "PUB t\n\0\0\0\1x");
    struct message_id id;
    client_expect_ok(c);
    client_expect_message(c, 1, "x", &id);
    SEND(c, "RDY 0\n");
    world_advance(w, 2 * S);
    client_expect_nothing(c);
    client_fin(c, &id);
    expect_not_in_flight(c, "FIN", &id);
    client_touch(c, &id);
    expect_not_in_flight(c, "TOUCH", &id);
    client_req(c, &id, 0);
    expect_not_in_flight(c, "REQ", &id);
    SEND(c, "RDY 1\n");
    client_expect_message(c, 2, "x", NULL);
    world_free(w);
}

/* nsqd looks for timeouts every 100 ms. Without that interval the message would be delivered again
 * without end. */
static void without_a_msg_timeout_messages_are_delivered_again_at_nsqds_interval(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.v2.msg_timeout = 0;
    struct world *w = world_new(&config);
    struct client *c = subscribe(w, "{\"heartbeat_interval\":60000,\"feature_negotiation\":false}");
    SEND(c, "PUB t\n\0\0\0\1x");
    client_expect(c, "R OK; M 1 x");
    world_advance(w, 250 * TIME_MS);
    client_expect(c, "M 2 x; M 3 x");
    struct client *d = world_connect(w); /* a client that never sends IDENTIFY */
    SEND(d, "SUB t d\nPUB t\n\0\0\0\1y");
    SEND(d, "RDY 1\n");
    world_advance(w, 250 * TIME_MS);
    client_expect(d, "R OK; R OK; M 1 y; M 2 y; M 3 y");
    world_free(w);
}

static void touch_starts_the_time_limit_over(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.v2.max_msg_timeout = 3 * S;
    config.broker.max_msg_timeout = 3 * S;
    struct world *w = world_new(&config);
    struct client *c = subscribe(w, "{\"msg_timeout\":2000}");
    SEND(c, "PUB t\n\0\0\0\1x");
    struct message_id id;
    client_expect_ok(c);
    client_expect_message(c, 1, "x", &id);
    world_advance(w, 900 * TIME_MS);
    client_touch(c, &id); /* to 2.9 s */
    world_advance(w, 1100 * TIME_MS);
    client_expect_nothing(c);
    world_advance(w, 899 * TIME_MS);
    client_touch(c, &id); /* not to 4.899 s, but to 3 s: max_msg_timeout */
    client_expect_nothing(c);
    world_advance(w, 101 * TIME_MS - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect_message(c, 2, "x", NULL);
    world_free(w);
}

/* nsqd's message pump uses the first IDENTIFY only; TOUCH uses the latest. */
static void a_second_identify_moves_touch_but_not_deliveries(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    client_identify(c, "{\"msg_timeout\":2000,\"heartbeat_interval\":60000}");
    client_identify(c, "{\"msg_timeout\":5000}");
    SEND(c, "SUB t c\nRDY 1\nPUB t\n\0\0\0\1x");
    struct message_id id;
    client_expect_ok(c);
    client_expect_ok(c);
    client_expect_ok(c);
    client_expect_ok(c);
    client_expect_message(c, 1, "x", &id);
    world_advance(w, 2 * S);
    client_expect_message(c, 2, "x", NULL);
    world_advance(w, S);
    client_touch(c, &id);
    world_advance(w, 5 * S - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect_message(c, 3, "x", NULL);
    world_free(w);
}

static void requeued_messages_come_again_at_their_time(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = subscribe(w, "{}");
    SEND(c, "PUB t\n\0\0\0\1xPUB t\n\0\0\0\1y");
    struct message_id x;
    client_expect_ok(c);
    client_expect_message(c, 1, "x", &x);
    client_expect_ok(c);
    client_req(c, &x, 0); /* behind y */
    struct message_id y;
    client_expect_message(c, 1, "y", &y);
    client_req(c, &y, 500);
    client_expect_message(c, 2, "x", &x);
    client_fin(c, &x);
    world_advance(w, 500 * TIME_MS - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect_message(c, 2, "y", NULL);
    assert_int_equal(channel_c(w)->requeue_count, 2);
    assert_int_equal(consumer_of(c)->requeue_count, 2);
    assert_int_equal(consumer_of(c)->message_count, 4);
    assert_int_equal(consumer_of(c)->in_flight_count, 1);
    world_free(w);
}

static void deferred_messages_wait(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = subscribe(w, "{}");
    SEND(c, "DPUB t 1500\n\0\0\0\1xPUB t\n\0\0\0\1y");
    client_expect(c, "R OK; R OK; M 1 y");
    SEND(c, "RDY 2\n");
    world_advance(w, 1500 * TIME_MS - 1);
    client_expect_nothing(c);
    assert_int_equal(channel_c(w)->timed->deferred_count, 1);
    world_advance(w, 1);
    client_expect(c, "M 1 x");
    world_free(w);
}

/* The delay of one DPUB is not the next command's. */
static void a_delay_is_for_one_command(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = subscribe(w, "{}");
    SEND(c, "RDY 9\nDPUB t 1500\n\0\0\0\1xMPUB t\n\0\0\0\x9\0\0\0\1\0\0\0\1yDPUB t 0\n\0\0\0\1z");
    client_expect(c, "R OK; R OK; M 1 y; R OK; M 1 z");
    world_free(w);
}

static void rdy_is_a_level(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = subscribe(w, "{}");
    SEND(c, "RDY 2\nMPUB t\n\0\0\0\x18\0\0\0\4\0\0\0\1a\0\0\0\1b\0\0\0\1c\0\0\0\1d");
    struct message_id a;
    client_expect_ok(c);
    client_expect_message(c, 1, "a", &a);
    client_expect(c, "M 1 b");
    client_fin(c, &a);
    client_expect_message(c, 1, "c", &a);
    SEND(c, "RDY 1\n");
    client_fin(c, &a); /* one is still in flight */
    client_expect_nothing(c);
    SEND(c, "RDY 2\n");
    client_expect(c, "M 1 d");
    world_free(w);
}

static void after_cls_nothing_more_is_delivered(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = subscribe(w, "{}");
    SEND(c, "RDY 9\nPUB t\n\0\0\0\1x");
    struct message_id id;
    client_expect_ok(c);
    client_expect_message(c, 1, "x", &id);
    SEND(c, "CLS\nRDY 5\nPUB t\n\0\0\0\1y");
    client_expect(c, "R CLOSE_WAIT; R OK");
    assert_int_equal(client_session(c)->state, SESSION_CLOSING);
    assert_int_equal(consumer_of(c)->ready_count, 0);
    client_touch(c, &id);
    client_fin(c, &id);
    client_expect_nothing(c);
    assert_int_equal(consumer_of(c)->finish_count, 1);
    client_eof(c); /* the server never closes by itself */
    client_expect_closed(c);
    world_free(w);
}

/* The messages of a client that has left are delivered again after their timeout. */
static void messages_of_a_client_that_left_wait_for_their_timeout(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *a = subscribe(w, "{\"msg_timeout\":2000}");
    SEND(a, "PUB t\n\0\0\0\1x");
    struct message_id id;
    client_expect_ok(a);
    client_expect_message(a, 1, "x", &id);
    client_eof(a);
    struct client *b = subscribe(w, "{}");
    client_fin(b, &id);
    char text[128];
    snprintf(text, sizeof text, "E E_FIN_FAILED FIN %s failed client does not own message",
             id.text);
    client_expect(b, text);
    world_advance(w, 2 * S - 1);
    client_expect_nothing(b);
    world_advance(w, 1);
    client_expect_message(b, 2, "x", NULL);
    world_free(w);
}

static void consumers_take_turns(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *a = subscribe(w, "{}");
    struct client *b = subscribe(w, "{}");
    struct client *p = world_connect(w);
    SEND(a, "RDY 2\n");
    SEND(b, "RDY 2\n");
    SEND(p, "MPUB t\n\0\0\0\x18\0\0\0\4\0\0\0\1a\0\0\0\1b\0\0\0\1c\0\0\0\1d");
    client_expect(a, "M 1 a; M 1 c");
    client_expect(b, "M 1 b; M 1 d");
    world_free(w);
}

static void a_sample_is_delivered_and_the_rest_is_gone(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = subscribe(w, "{\"sample_rate\":50}");
    SEND(c, "RDY 2000\n");
    struct client *p = world_connect(w);
    for (int i = 0; i < 1000; i++) {
        SEND(p, "PUB t\n\0\0\0\1x");
    }
    assert_in_range(consumer_of(c)->message_count, 430, 570);
    assert_int_equal(channel_c(w)->queue.n, 0);
    assert_int_equal(channel_in_flight_count(channel_c(w)), consumer_of(c)->message_count);
    assert_int_equal(channel_c(w)->message_count, 1000);
    world_free(w);
}

/* --- the memory budget ------------------------------------------------------------------------ */

/* Leaves room for n more bytes, and no reserve. */
static void leave_room(struct world *w, size_t n)
{
    struct budget *budget = &w->engine->broker.core.budget;
    budget->cap = budget->used + n;
    budget->reserve = 0;
}

/* What a command charges when there is room: for a client that has made topic t before. */
static size_t cost_of(struct span command)
{
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    SEND(c, "SUB t c\n");
    SEND(c, "PUB t\n\0\0\0\1x");
    size_t used = world_used(w);
    client_send(c, command);
    size_t cost = world_used(w) - used;
    world_free(w);
    return cost;
}

/* The command has room with `enough`, and is refused with a byte less. */
static void check_room(struct span command, size_t enough, const char *refused)
{
    for (size_t less = 0; less <= 1; less++) {
        struct world *w = world_new(NULL);
        struct client *c = world_connect(w);
        SEND(c, "SUB t c\n");
        SEND(c, "PUB t\n\0\0\0\1x");
        size_t used = world_used(w);
        leave_room(w, enough - less);
        client_send(c, command);
        char text[256];
        snprintf(text, sizeof text, refused, used + enough - less);
        client_expect(c, less == 0 ? "R OK; R OK; R OK" : text);
        if (less == 1) {
            assert_int_equal(world_used(w), used); /* all memory is released */
        }
        world_free(w);
    }
}

#define FAILED(command)                                                                            \
    "R OK; R OK; E E_" command "_FAILED " command                                                  \
    " failed queued bytes would exceed the limit of %zu; SHUT"

#define BODY_COST(n) (sizeof(struct body) + (n) + ALLOC_OVERHEAD)

static void publishing_needs_room(void **state)
{
    (void)state;
    struct span pub = SPAN("PUB t\n\0\0\0\x5hello");
    struct span mpub = SPAN("MPUB t\n\0\0\0\x1\0\0\0\2\0\0\0\5hello\0\0\0\5world");
    assert_int_equal(cost_of(pub), BODY_COST(5));
    check_room(pub, BODY_COST(5), FAILED("PUB"));
    check_room(SPAN("DPUB t 0\n\0\0\0\5hello"), BODY_COST(5), FAILED("DPUB"));
    check_room(mpub, 2 * BODY_COST(5), FAILED("MPUB"));
}

/* An announced size costs nothing; bytes that have arrived do. */
static void what_is_announced_costs_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    size_t used = world_used(w);
    SEND(c, "PUB t\n\0\x10\0\0");
    assert_int_equal(world_used(w), used);
    SEND(c, "x");
    assert_in_range(world_used(w), used + 1, used + 8192);
    leave_room(w, 5000);
    char more[20000] = "";
    client_send(c, span_make(more, sizeof more));
    assert_non_null(strstr(client_heard(c), "E E_PUB_FAILED PUB failed queued bytes would exceed"));
    assert_int_equal(world_used(w), used);
    world_free(w);
}

/* Whether there is room does not depend on how the input is cut, although memory is taken in steps.
 */
static void play_at_the_cap(struct world *w)
{
    static char body[9000];
    for (size_t less = 0; less <= 1; less++) {
        struct client *c = world_connect(w);
        SEND(c, "MPUB t\n"); /* makes the topic */
        leave_room(w, BODY_COST(sizeof body) - less);
        struct buf mpub = {0};
        buf_append(&mpub, SPAN("\0\0\0\1\0\0\0\1\0\0\x23\x28"));
        buf_append(&mpub, span_make(body, sizeof body));
        client_send(c, buf_span(&mpub));
        buf_free(&mpub);
        w->engine->broker.core.budget.cap = SIZE_MAX;
    }
}

static void cuts_do_not_matter_at_the_cap(void **state)
{
    (void)state;
    cuts_check(NULL, play_at_the_cap);
}

/* Every way in which a body can end before it is whole. */
static void unfinished_bodies_are_given_back(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *keep = world_connect(w);
    SEND(keep, "PUB t\n\0\0\0\1x");
    size_t used = world_used(w);
    struct client *c = world_connect(w);
    SEND(c, "MPUB t\n\0\0\0\x20\0\0\0\2\0\0\0\1x\0\0\0\5he");
    client_eof(c);
    assert_true(c->closed);
    assert_int_equal(world_used(w), used);
    c = world_connect(w);
    SEND(c, "MPUB t\n\0\0\0\x20\0\0\0\2\0\0\0\1x\0\0\0\5he");
    client_drop(c);
    assert_int_equal(world_used(w), used);
    c = world_connect(w);
    SEND(c, "MPUB t\n\0\0\0\x20\0\0\0\2\0\0\0\1x\0\0\0\0");
    client_drop(c);
    assert_int_equal(world_used(w), used);
    c = world_connect(w);
    SEND(c, "IDENTIFY\n\0\0\0\x20{");
    client_drop(c);
    assert_int_equal(world_used(w), used);
    c = world_connect(w);
    SEND(c, "PUB t\n\0\0\0\x20x");
    world_advance(w, 61 * S);
    assert_true(c->closed);
    assert_true(keep->closed);
    world_free(w);
}

static void other_commands_need_room_too(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *a = world_connect(w);
    struct client *b = world_connect(w);
    struct client *c = world_connect(w);
    struct client *d = world_connect(w);
    struct client *e = world_connect(w);
    SEND(a, "PUB t\n\0\0\0\1x");
    client_expect_ok(a);
    size_t used = world_used(w);
    leave_room(w, 0);
    SEND(a, "SUB t c\n"); /* a channel */
    SEND(b, "SUB u c\n"); /* a topic */
    SEND(c, "MPUB u\n");
    SEND(d, "IDENTIFY\n\0\0\0\2{}");
    SEND(e, "AUTH\n\0\0\0\1x");
    char text[128];
#define EXPECT(client, code, command)                                                              \
    snprintf(text, sizeof text,                                                                    \
             "E " code " " command " failed queued bytes would exceed the limit of %zu; SHUT",     \
             used);                                                                                \
    client_expect(client, text)
    EXPECT(a, "E_SUB_FAILED", "SUB");
    EXPECT(b, "E_SUB_FAILED", "SUB");
    EXPECT(c, "E_MPUB_FAILED", "MPUB");
    EXPECT(d, "E_IDENTIFY_FAILED", "IDENTIFY");
    EXPECT(e, "E_AUTH_ERROR", "AUTH");
    assert_int_equal(world_used(w), used);
    assert_null(topic_of(w, "u"));
    world_free(w);
}

/* A topic is made when the body is complete. There may be no room for it then. */
static void a_topic_may_find_no_room(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    size_t used = world_used(w);
    leave_room(w, BODY_COST(5));
    SEND(c, "PUB t\n\0\0\0\5hello");
    assert_non_null(strstr(client_heard(c), "E E_PUB_FAILED PUB failed queued bytes"));
    assert_int_equal(world_used(w), used);
    world_free(w);
}

/* All memory that a conversation takes is released, step by step. */
static void memory_is_released(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    size_t empty = world_used(w);
    struct client *c = world_open(w);
    assert_int_equal(world_used(w), empty);
    SEND(c, "  V2");
    size_t connected = world_used(w);
    assert_true(connected > empty);
    client_identify(c, "{\"client_id\":\"x\"}");
    size_t identified = world_used(w);
    client_identify(c, "{\"client_id\":\"y\"}");
    assert_int_equal(world_used(w), identified); /* the new identity replaces the old one */
    SEND(c, "SUB t#ephemeral c#ephemeral\nRDY 1\n");
    size_t subscribed = world_used(w);
    SEND(c, "PUB t#ephemeral\n\0\0\0\1x");
    client_expect(c, "R OK; R OK; R OK; R OK; M 1 x");
    SEND(c, "PUB t#ephemeral\n\0\0\0\1y");
    assert_true(world_used(w) > subscribed);
    client_eof(c);
    assert_true(c->closed);
    assert_int_equal(world_used(w), empty); /* the names were ephemeral */
    world_free(w);
}

/* --- counters --------------------------------------------------------------------------------- */

static uint64_t published(const struct client *c, const char *topic)
{
    for (const struct pub_count *p = client_session(c)->pub_counts; p != NULL; p = p->hh.next) {
        if (span_equal(name_span(&p->topic), span_make(topic, strlen(topic)))) {
            return p->count;
        }
    }
    return 0;
}

/* The counts of a client are freed at once when it leaves, so there are not too many. */
static void a_client_has_a_bounded_number_of_counts(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.log_level = LOG_FATAL;
    struct world *w = world_new(&config);
    struct client *c = world_connect(w);
    for (int i = 0; i < 4100; i++) {
        char line[32];
        snprintf(line, sizeof line, "PUB t%d", i);
        client_send_filled(c, line, 'x', 1);
    }
    assert_int_equal(published(c, "t4095"), 1);
    assert_int_equal(published(c, "t4096"), 0);
    assert_int_equal(HASH_COUNT(client_session(c)->pub_counts), 4096);
    client_send_filled(c, "PUB t4095", 'x', 1);
    client_send_filled(c, "PUB t4097", 'x', 1);
    client_send_filled(c, "PUB t0", 'x', 1);
    assert_int_equal(published(c, "t4095"), 2);
    assert_int_equal(published(c, "t0"), 2);
    world_free(w);
}

static void counters_are_kept_where_they_arise(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    SEND(c, "PUB t\n\0\0\0\5helloMPUB t\n\0\0\0\xe\0\0\0\2\0\0\0\1b\0\0\0\1cDPUB u 9\n\0\0\0\1d");
    SEND(c, "PUB t\n\0\0\0\0");
    assert_int_equal(published(c, "t"), 3);
    assert_int_equal(published(c, "u"), 1);
    assert_int_equal(published(c, "v"), 0);
    assert_int_equal(topic_of(w, "t")->message_count, 3);
    assert_int_equal(topic_of(w, "t")->message_bytes, 7);
    struct client *d = world_connect(w);
    assert_int_equal(client_session(d)->state, SESSION_INIT);
    SEND(d, "SUB t c\nRDY 5\n");
    assert_int_equal(client_session(d)->state, SESSION_SUBSCRIBED);
    assert_int_equal(channel_c(w)->message_count, 3);
    assert_int_equal(consumer_of(d)->message_count, 3);
    assert_int_equal(consumer_of(d)->in_flight_count, 3);
    assert_int_equal(channel_c(w)->queue.n, 0);
    assert_int_equal(client_session(d)->connected, w->now + w->engine->v2.wall_offset);
    world_free(w);
}

static void full_ephemeral_queues_drop_and_count(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.broker.mem_queue_size = 2;
    struct world *w = world_new(&config);
    struct client *c = world_connect(w);
    for (int i = 0; i < 5; i++) {
        SEND(c, "PUB t#ephemeral\n\0\0\0\1x");
        client_expect_ok(c);
    }
    struct topic *t = topic_of(w, "t#ephemeral");
    assert_int_equal(t->message_count, 5);
    assert_int_equal(t->drop_count, 3);
    SEND(c, "SUB t#ephemeral c#ephemeral\n");
    struct channel *channel = topic_find_channel(t, SPAN("c#ephemeral"));
    assert_int_equal(channel->queue.n, 2);
    SEND(c, "PUB t#ephemeral\n\0\0\0\1x");
    assert_int_equal(channel->message_count, 3);
    assert_int_equal(channel->drop_count, 1);
    SEND(c, "RDY 5\n");
    client_expect(c, "R OK; R OK; M 1 x; M 1 x");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_says_when_it_was_published),
        cmocka_unit_test(a_message_that_is_not_finished_comes_again),
        cmocka_unit_test(a_message_that_timed_out_is_not_in_flight),
        cmocka_unit_test(without_a_msg_timeout_messages_are_delivered_again_at_nsqds_interval),
        cmocka_unit_test(touch_starts_the_time_limit_over),
        cmocka_unit_test(a_second_identify_moves_touch_but_not_deliveries),
        cmocka_unit_test(requeued_messages_come_again_at_their_time),
        cmocka_unit_test(deferred_messages_wait),
        cmocka_unit_test(a_delay_is_for_one_command),
        cmocka_unit_test(rdy_is_a_level),
        cmocka_unit_test(after_cls_nothing_more_is_delivered),
        cmocka_unit_test(messages_of_a_client_that_left_wait_for_their_timeout),
        cmocka_unit_test(consumers_take_turns),
        cmocka_unit_test(a_sample_is_delivered_and_the_rest_is_gone),
        cmocka_unit_test(publishing_needs_room),
        cmocka_unit_test(what_is_announced_costs_nothing),
        cmocka_unit_test(cuts_do_not_matter_at_the_cap),
        cmocka_unit_test(unfinished_bodies_are_given_back),
        cmocka_unit_test(other_commands_need_room_too),
        cmocka_unit_test(a_topic_may_find_no_room),
        cmocka_unit_test(memory_is_released),
        cmocka_unit_test(a_client_has_a_bounded_number_of_counts),
        cmocka_unit_test(counters_are_kept_where_they_arise),
        cmocka_unit_test(full_ephemeral_queues_drop_and_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
