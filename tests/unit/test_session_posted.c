/* SPDX-License-Identifier: MIT */
/*
 * Tests of publishes that wait for the disk: they are posted, the session parses on, and replies
 * leave in the order of their commands. In these worlds every publishing command waits, and the
 * test says when each is answered.
 */
#include "session/owed.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "session/session.h"
#include "support/cuts.h"

#define S TIME_SECOND
#define NOT_SAFE(command) "E E_" command "_FAILED " command " failed the disk is broken"
#define NOT_IN_FLIGHT "E E_FIN_FAILED FIN 0123456789abcdef failed ID not in flight"

static struct engine_config config_that_waits(void)
{
    struct engine_config config = world_config();
    config.broker.wait_publishes = true;
    return config;
}

static struct world *world_that_waits(void)
{
    struct engine_config config = config_that_waits();
    struct world *w = world_new(&config);
    w->answers = ANSWER_WHEN_TOLD;
    return w;
}

static struct topic *topic_t(const struct world *w)
{
    return broker_find_topic(&w->engine->broker, SPAN("t"));
}

static struct client *subscribe(struct world *w, const char *identify)
{
    struct client *c = world_connect(w);
    client_identify(c, identify);
    SEND(c, "SUB t c\nRDY 1\n");
    client_expect(c, "R OK; R OK");
    return c;
}

static bool reads(const struct client *c)
{
    return (c->want & WANT_READ) != 0;
}

/* --- replies in order ------------------------------------------------------------------------- */

static void publishes_do_not_hold_back_the_next_command(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *c = world_connect(w);
    SEND(c, "PUB t\n\0\0\0\1xMPUB t\n\0\0\0\x9\0\0\0\1\0\0\0\1yDPUB t 0\n\0\0\0\1z");
    assert_int_equal(world_asked(w), 3);
    assert_true(reads(c));
    client_expect_nothing(c);
    for (unsigned i = 1; i <= 3; i++) {
        world_answer(w, true);
        client_expect(c, "R OK");
        assert_int_equal(topic_t(w)->message_count, i);
    }
    world_free(w);
}

static void replies_keep_the_order_of_their_commands(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *c = world_connect(w);
    SEND(c, "PUB t\n\0\0\0\1x");
    SEND(c, "SUB t c\nFIN 0123456789abcdef\nPUB t\n\0\0\0\1yCLS\nTOUCH 0123456789abcdef\n");
    client_expect_nothing(c);
    world_answer(w, true);
    client_expect(c, "R OK; R OK; " NOT_IN_FLIGHT);
    world_answer(w, true);
    client_expect(c, "R OK; R CLOSE_WAIT; "
                     "E E_TOUCH_FAILED TOUCH 0123456789abcdef failed ID not in flight");
    world_free(w);
}

static void answers_may_come_in_any_order(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *c = world_connect(w);
    struct client *d = subscribe(w, "{}");
    SEND(d, "RDY 9\n");
    SEND(c, "PUB t\n\0\0\0\1aPUB t\n\0\0\0\1bPUB t\n\0\0\0\1cNOP\nPUB t\n\0\0\0\1d");
    world_answer_at(w, 2, true);
    client_expect_nothing(c);
    client_expect(d, "M 1 c"); /* messages do not wait for replies */
    world_answer_at(w, 0, true);
    client_expect(c, "R OK");
    world_answer_at(w, 1, true);
    client_expect_nothing(c);
    world_answer(w, true);
    client_expect(c, "R OK; R OK; R OK");
    client_expect(d, "M 1 a; M 1 d; M 1 b");
    world_free(w);
}

static void answers_that_nobody_waits_for_are_ignored(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *c = world_connect(w);
    SEND(c, "PUB t\n\0\0\0\1aPUB t\n\0\0\0\1b");
    const struct answer done = {{NULL, 0}, {NULL, 0}};
    uint64_t first;
    struct span asked = buf_span(&w->asked);
    assert(asked.n == 2 * sizeof first && asked.p != NULL); /* also told to the analyzer */
    memcpy(&first, asked.p, sizeof first);
    world_answer(w, true);
    w->handler.answer(w->handler.self, first, &done, w->now);
    w->handler.answer(w->handler.self, 99, &done, w->now);
    w->handler.answer(w->handler.self, 0, &done, w->now);
    world_settle(w);
    client_expect(c, "R OK");
    assert_int_equal(topic_t(w)->message_count, 1);
    world_free(w);
}

static void clients_do_not_wait_for_each_other(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *a = world_connect(w);
    struct client *b = world_connect(w);
    SEND(a, "PUB t\n\0\0\0\1a");
    SEND(b, "PUB t\n\0\0\0\1b");
    world_answer_at(w, 1, true);
    client_expect(b, "R OK");
    client_expect_nothing(a);
    world_answer(w, true);
    client_expect(a, "R OK");
    world_free(w);
}

/* --- what does not wait ----------------------------------------------------------------------- */

static void messages_and_heartbeats_pass(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *c = subscribe(w, "{\"heartbeat_interval\":1000}");
    struct client *p = world_connect(w);
    SEND(p, "PUB t\n\0\0\0\1x");
    SEND(c, "PUB t\n\0\0\0\1y");
    world_advance(w, 500 * TIME_MS);
    world_answer(w, true);
    client_expect(c, "M 1 x");
    world_advance(w, 4 * S); /* a client that waits for a reply is not late */
    client_expect(c, "R _heartbeat_; R _heartbeat_; R _heartbeat_; R _heartbeat_");
    world_answer(w, true);
    client_expect(c, "R OK");
    world_advance(w, 2 * S - 1); /* from the reply on it may be */
    client_expect(c, "R _heartbeat_; R _heartbeat_");
    world_advance(w, 1);
    client_expect_closing(c);
    world_free(w);
}

static void consuming_commands_act_at_once(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *c = subscribe(w, "{\"msg_timeout\":2000}");
    struct client *p = world_connect(w);
    struct message_id id;
    SEND(p, "MPUB t\n\0\0\0\x13\0\0\0\3\0\0\0\1a\0\0\0\1b\0\0\0\1c");
    world_answer(w, true);
    client_expect_message(c, 1, "a", &id);
    SEND(c, "PUB t\n\0\0\0\1x");
    client_fin(c, &id);
    client_expect_message(c, 1, "b", &id);
    client_req(c, &id, 0);
    client_expect_message(c, 1, "c", &id);
    SEND(c, "RDY 2\n");
    client_expect(c, "M 2 b");
    world_advance(w, 1900 * TIME_MS);
    client_touch(c, &id);
    SEND(c, "RDY 1\n");
    world_advance(w, S);
    client_fin(c, &id); /* TOUCH has kept it in flight */
    client_expect(c, "M 3 b");
    world_answer(w, true);
    client_expect(c, "R OK");
    world_free(w);
}

/* Ids and timestamps are those of the command, not of the answer. */
static void a_message_says_when_it_was_published(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *c = subscribe(w, "{\"heartbeat_interval\":60000}");
    struct message_id second;
    SEND(c, "RDY 2\nPUB t\n\0\0\0\1x");
    world_advance(w, 5 * S);
    SEND(c, "PUB t\n\0\0\0\1y");
    world_advance(w, 5 * S);
    world_answer_at(w, 1, true);
    client_expect_message(c, 1, "y", &second);
    assert_int_equal(c->timestamp, (INT64_C(1767225600) + 5) * S);
    world_answer(w, true);
    client_expect(c, "R OK; R OK; M 1 x");
    world_free(w);
}

/* --- errors ----------------------------------------------------------------------------------- */

static void a_failure_ends_the_connection_after_the_replies_before_it(void **state)
{
    (void)state;
    static const struct {
        struct span command;
        const char *error;
    } rows[] = {
        {SPAN_LITERAL("PUB t\n\0\0\0\1x"), "R OK; " NOT_SAFE("PUB") "; SHUT"},
        {SPAN_LITERAL("DPUB t 1\n\0\0\0\1x"), "R OK; " NOT_SAFE("DPUB") "; SHUT"},
        {SPAN_LITERAL("MPUB t\n\0\0\0\x9\0\0\0\1\0\0\0\1y"), "R OK; " NOT_SAFE("MPUB") "; SHUT"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *w = world_that_waits();
        struct client *c = world_connect(w);
        SEND(c, "PUB t\n\0\0\0\1a");
        client_send(c, rows[i].command);
        SEND(c, "PUB t\n\0\0\0\1bSUB t c\n");
        world_answer_at(w, 1, false);
        client_expect_nothing(c);
        world_answer_at(w, 0, true);
        client_expect(c, rows[i].error);
        SEND(c, "PUB t\n\0\0\0\1c"); /* is not read */
        assert_int_equal(world_asked(w), 1);
        world_answer(w, true); /* b was posted, and is published */
        assert_int_equal(topic_t(w)->message_count, 2);
        client_expect_nothing(c);
        world_free(w);
    }
}

static void a_fatal_error_waits_for_the_replies_before_it(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *c = subscribe(w, "{\"heartbeat_interval\":1000}");
    struct client *p = world_connect(w);
    SEND(c, "PUB t\n\0\0\0\1aPUB t\n\0\0\0\1bFOO\nPUB t\n\0\0\0\1c");
    assert_int_equal(world_asked(w), 2); /* nothing is parsed behind FOO */
    assert_int_equal(c->want, 0);
    SEND(p, "PUB t\n\0\0\0\1p");
    world_answer_at(w, 2, true);
    client_expect_nothing(c); /* and nothing is delivered any more */
    world_advance(w, 10 * S); /* nor is there a heartbeat, or a deadline for commands */
    client_expect_nothing(c);
    world_answer(w, true);
    client_expect(c, "R OK");
    world_answer(w, true);
    client_expect(c, "R OK; E E_INVALID invalid command FOO; SHUT");
    world_free(w);
}

static void a_failure_replaces_the_fatal_error_behind_it(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *c = world_connect(w);
    SEND(c, "PUB t\n\0\0\0\1aFOO\n");
    world_answer(w, false);
    client_expect(c, NOT_SAFE("PUB") "; SHUT");
    world_free(w);
}

/* A line that is too long has no reply, but its end comes in order too. */
static void a_line_that_is_too_long_ends_after_the_replies_before_it(void **state)
{
    (void)state;
    struct engine_config config = config_that_waits();
    config.v2.limits.max_line = 20;
    struct world *w = world_new(&config);
    w->answers = ANSWER_WHEN_TOLD;
    struct client *c = world_connect(w);
    SEND(c, "PUB t\n\0\0\0\1aFIN 0123456789abcdef0\n");
    client_expect_nothing(c);
    world_answer(w, true);
    client_expect(c, "R OK; SHUT");
    world_free(w);
}

/* --- authorization ---------------------------------------------------------------------------- */

/* The auth server that was asked last grants topic t for one second. */
static void grant(struct world *w)
{
    static const char body[] = "{\"ttl\":1,\"authorizations\":[{\"topic\":\"t\","
                               "\"channels\":[\".*\"],\"permissions\":[\"publish\"]}]}";
    client_sendf(world_accept(w), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                 sizeof body - 1, body);
}

/* A client that is authorized for one second, with a publish behind which another one waits for the
 * auth server. */
static struct client *with_expired_grant(struct world *w)
{
    struct client *c = world_connect(w);
    SEND(c, "AUTH\n\0\0\0\1s");
    grant(w);
    assert_int_equal(client_events(c), 1);
    client_heard(c);
    SEND(c, "PUB t\n\0\0\0\1x");
    world_advance(w, 1 * S + 1);
    SEND(c, "PUB t\n\0\0\0\1yPUB t\n\0\0\0\1z");
    assert_int_equal(world_dialled(w), 1);
    assert_int_equal(world_asked(w), 1);
    assert_false(reads(c));
    return c;
}

static struct world *world_that_authorizes(void)
{
    static const char *const servers[] = {"a:1"};
    struct engine_config config = config_that_waits();
    config.auth.servers = servers;
    config.auth.server_count = 1;
    struct world *w = world_new(&config);
    w->answers = ANSWER_WHEN_TOLD;
    return w;
}

static void a_command_that_is_held_keeps_its_place(void **state)
{
    (void)state;
    struct world *w = world_that_authorizes();
    struct client *c = with_expired_grant(w);
    world_answer(w, true);
    client_expect(c, "R OK");
    assert_false(reads(c)); /* for the auth server alone */
    grant(w);
    assert_int_equal(world_asked(w), 2);
    world_answer(w, true);
    client_expect(c, "R OK");
    world_free(w);
    w = world_that_authorizes();
    c = with_expired_grant(w);
    grant(w);
    assert_int_equal(world_asked(w), 3);
    world_answer_at(w, 1, true);
    client_expect_nothing(c);
    world_answer(w, true);
    client_expect(c, "R OK; R OK");
    world_free(w);
}

/* The connection ends with the publish before it, and nothing follows. */
static void a_failure_gives_up_a_command_that_is_held(void **state)
{
    (void)state;
    struct world *w = world_that_authorizes();
    struct client *c = with_expired_grant(w);
    world_answer(w, false);
    client_expect(c, NOT_SAFE("PUB") "; SHUT");
    assert_int_equal(world_dialled(w), 0);
    assert_int_equal(world_asked(w), 0);
    assert_int_equal(topic_t(w)->message_count, 0);
    world_free(w);
}

/* A publish that was authorized when its client had left is posted as well. */
static void a_held_publish_outlives_its_client(void **state)
{
    (void)state;
    struct world *w = world_that_authorizes();
    struct client *c = with_expired_grant(w);
    client_drop(c);
    grant(w);
    assert_int_equal(world_asked(w), 2); /* x and y, which were whole; z was not read */
    world_answer(w, true);
    world_answer(w, true);
    assert_int_equal(topic_t(w)->message_count, 2);
    world_free(w);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void the_end_of_input_waits_for_the_replies_before_it(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *c = world_connect(w);
    struct client *d = world_connect(w);
    struct client *e = world_connect(w);
    SEND(c, "PUB t\n\0\0\0\1xPUB t\n\0\0\0\1yPUB");
    SEND(d, "PUB t\n\0\0\0\1z");
    SEND(e, "PUB t\n\0\0\0\1zPUB t\n\0\0\0\5z");
    client_eof(c);
    client_eof(d);
    client_eof(e);
    world_answer(w, true);
    client_expect(c, "R OK");
    world_answer(w, true);
    client_expect(c, "R OK; CLOSED");
    world_answer(w, false);
    client_expect(d, NOT_SAFE("PUB") "; CLOSED");
    client_expect_nothing(e);
    world_answer(w, true);
    client_expect(e, "R OK; E E_BAD_MESSAGE PUB failed to read message body; CLOSED");
    world_free(w);
}

/* What was posted was whole. Nobody is told what became of it. */
static void a_posted_publish_outlives_its_client(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *c = world_connect(w);
    struct client *e = subscribe(w, "{}");
    SEND(e, "RDY 9\n");
    size_t used = world_used(w);
    SEND(c, "PUB t\n\0\0\0\1xPUB t\n\0\0\0\1yPUB t\n\0\0\0\1zFOO\nPUB t\n\0\0\0\5z");
    client_drop(c);
    world_answer(w, true);
    client_expect(e, "M 1 x");
    world_answer(w, false);
    client_expect_nothing(e);
    world_answer(w, true);
    client_expect(e, "M 1 z");
    assert_true(world_used(w) < used + 1000);
    world_free(w);
}

static void replies_may_be_owed_at_the_end(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *c = world_connect(w);
    SEND(c, "PUB t\n\0\0\0\1xFOO\n");
    struct client *d = world_connect(w);
    w->handler.recv(w->handler.self, d->conn, SPAN("PUB t\n\0\0\0\1y"), w->now); /* not asked yet */
    world_free(w);
}

/* --- bounds ----------------------------------------------------------------------------------- */

static void input_stops_while_too_many_replies_are_owed(void **state)
{
    (void)state;
    enum { MOST = 50 };
    struct engine_config config = config_that_waits();
    config.v2.max_owed_replies = MOST;
    struct world *w = world_new(&config);
    w->answers = ANSWER_WHEN_TOLD;
    struct client *c = world_connect(w);
    size_t used = world_used(w);
    SEND(c, "SUB t c\nPUB t\n\0\0\0\1x");
    for (unsigned i = 1; i < MOST - 1; i++) {
        SEND(c, "FIN 0123456789abcdef\n"); /* errors count like all replies */
    }
    assert_true(reads(c));
    assert_true(world_used(w) > used + MOST * sizeof(struct owed));
    SEND(c, "PUB t\n\0\0\0\1yPUB t\n\0\0\0\1z");
    assert_false(reads(c));
    assert_int_equal(world_asked(w), 2);
    client_expect(c, "R OK");
    world_answer(w, true);
    assert_int_equal(client_events(c), MOST - 1);
    client_heard(c);
    assert_true(reads(c));
    assert_int_equal(world_asked(w), 2);
    world_answer(w, true);
    world_answer(w, true);
    client_expect(c, "R OK; R OK");
    world_free(w);
}

/* The bytes behind such an IDENTIFY are the codec's, and the replies before it must not be. */
static void a_codec_waits_for_the_replies_before_it(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *c = world_connect(w);
    SEND(c, "PUB t\n\0\0\0\1x");
    client_identify(c, "{\"feature_negotiation\":true,\"snappy\":true}");
    client_expect_nothing(c);
    assert_false(reads(c));
    assert_int_equal(client_conn(c)->stack.count, 0);
    world_answer(w, true);
    client_expect_ok(c);
    struct nsq_frame frame;
    struct nsq_message message;
    assert_true(client_next(c, &frame, &message));
    assert_int_equal(frame.type, NSQ_FRAME_RESPONSE);
    assert_int_equal(frame.data.p[0], '{');
    assert_int_equal(client_conn(c)->stack.count, 1);
    assert_true(reads(c));
    world_free(w);
}

static void an_identify_holds_the_input_behind_owed_replies(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *c = world_connect(w);
    SEND(c, "PUB t\n\0\0\0\1x");
    client_identify(c, "{}");
    SEND(c, "PUB t\n\0\0\0\1yIDENTIFY\n\0\0\0\1{");
    assert_int_equal(world_asked(w), 1);
    world_answer(w, true);
    client_expect(c, "R OK; R OK");
    client_eof(c);
    world_answer(w, true);
    client_expect(c, "R OK; E E_BAD_BODY IDENTIFY failed to decode JSON body; CLOSED");
    world_free(w);
}

/* The time of the reply is the time of the answer. */
static void a_late_answer_is_not_late_output(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *c = world_connect(w);
    client_identify(c, "{\"heartbeat_interval\":60000}");
    client_expect_ok(c);
    SEND(c, "PUB t\n\0\0\0\1x");
    client_stall(c, true);
    w->now += 50 * S;
    world_answer(w, true);
    world_advance(w, 60 * S - 1);
    assert_false(c->closed);
    world_advance(w, 1);
    assert_true(c->closed);
    world_free(w);
}

/* A client waits for SUB's OK before it expects messages. */
static void no_message_overtakes_the_ok_of_its_sub(void **state)
{
    (void)state;
    struct world *w = world_that_waits();
    struct client *a = world_connect(w);
    struct client *b = world_connect(w);
    SEND(a, "PUB t\n\0\0\0\1x");
    SEND(a, "SUB t c\nRDY 5\n");
    SEND(b, "PUB t\n\0\0\0\1y");
    world_answer_at(w, 1, true);
    client_expect(b, "R OK");
    client_expect_nothing(a);
    world_answer(w, true);
    client_expect(a, "R OK; R OK; M 1 y; M 1 x");
    world_free(w);
}

/* --- cuts ------------------------------------------------------------------------------------- */

static void answer_all(struct world *w)
{
    while (w->answers == ANSWER_WHEN_TOLD && world_asked(w) > 0) {
        world_answer(w, true);
    }
}

static void play_publishing(struct world *w)
{
    struct client *a = world_connect(w);
    struct client *b = world_connect(w);
    SEND(b, "SUB t c\nRDY 9\n");
    SEND(a, "PUB t\n\0\0\0\1aMPUB t\n\0\0\0\xe\0\0\0\2\0\0\0\1b\0\0\0\1cDPUB t 1000\n\0\0\0\1d");
    answer_all(w);
    SEND(b, "PUB t\n\0\0\0\1e");
    answer_all(w);
    SEND(b, "PUB t\n\0\0\0\1f");
    answer_all(w);
    world_advance(w, 2 * S);
    SEND(a, "MPUB t\n\0\0\0\xe\0\0\0\2\0\0\0\1b\0\0\0\1cFOO\n");
    answer_all(w);
    client_eof(b);
}

/* Commands of all kinds behind publishes that wait: whatever they do is done before the answers. */
static void play_mixed(struct world *w)
{
    struct client *a = world_connect(w);
    struct client *b = world_connect(w);
    SEND(b, "SUB t c\nRDY 9\n");
    SEND(b, "PUB t\n\0\0\0\1eRDY 1\nFIN 0123456789abcdef\nNOP\nPUB t\n\0\0\0\1fCLS\n");
    SEND(a, "PUB t\n\0\0\0\1aIDENTIFY\n\0\0\0\2{}PUB t\n\0\0\0\1bSUB t c\nRDY 2\n");
    world_advance(w, 10 * S);
    world_answer_at(w, 1, true);
    SEND(b, "REQ 0123456789abcdef 0\nPUB t\n\0\0\0\1gPUB\n");
    SEND(a, "PUB t\n\0\0\0\1hRDY 3\n");
    world_answer_at(w, 2, true);
    answer_all(w);
}

/* The second of three fails. */
static void play_failing(struct world *w)
{
    struct client *a = world_connect(w);
    SEND(a, "PUB t\n\0\0\0\1aPUB t\n\0\0\0\1bPUB t\n\0\0\0\1cFIN 0\n");
    world_answer_at(w, 1, false);
    answer_all(w);
}

static void play_end(struct world *w)
{
    struct client *a = world_connect(w);
    SEND(a, "PUB t\n\0\0\0\1aPUB t\n\0\0\0\1bMPUB t\n\0\0\0\x9\0\0\0\1\0\0");
    client_eof(a);
    answer_all(w);
}

static void when_told(struct world *w, cuts_play *play)
{
    w->answers = ANSWER_WHEN_TOLD;
    play(w);
}

static void play_publishing_posted(struct world *w)
{
    when_told(w, play_publishing);
}

static void play_mixed_posted(struct world *w)
{
    when_told(w, play_mixed);
}

static void play_failing_posted(struct world *w)
{
    when_told(w, play_failing);
}

static void play_end_posted(struct world *w)
{
    when_told(w, play_end);
}

static void play_publishing_refused(struct world *w)
{
    w->answers = ANSWER_WITH_FAILURE;
    struct client *a = world_connect(w);
    SEND(a, "PUB t\n\0\0\0\1aMPUB t\n\0\0\0\xe\0\0\0\2\0\0\0\1b\0\0\0\1cDPUB t 1000\n\0\0\0\1d");
}

static void cuts_do_not_matter(void **state)
{
    (void)state;
    struct engine_config config = config_that_waits();
    cuts_check(NULL, play_publishing);
    cuts_check(&config, play_publishing);
    cuts_check(&config, play_publishing_posted);
    cuts_check(&config, play_mixed_posted);
    cuts_check(&config, play_failing_posted);
    cuts_check(&config, play_end_posted);
    cuts_check(&config, play_publishing_refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_message_overtakes_the_ok_of_its_sub),
        cmocka_unit_test(publishes_do_not_hold_back_the_next_command),
        cmocka_unit_test(replies_keep_the_order_of_their_commands),
        cmocka_unit_test(answers_may_come_in_any_order),
        cmocka_unit_test(answers_that_nobody_waits_for_are_ignored),
        cmocka_unit_test(clients_do_not_wait_for_each_other),
        cmocka_unit_test(messages_and_heartbeats_pass),
        cmocka_unit_test(consuming_commands_act_at_once),
        cmocka_unit_test(a_message_says_when_it_was_published),
        cmocka_unit_test(a_failure_ends_the_connection_after_the_replies_before_it),
        cmocka_unit_test(a_fatal_error_waits_for_the_replies_before_it),
        cmocka_unit_test(a_failure_replaces_the_fatal_error_behind_it),
        cmocka_unit_test(a_line_that_is_too_long_ends_after_the_replies_before_it),
        cmocka_unit_test(a_command_that_is_held_keeps_its_place),
        cmocka_unit_test(a_failure_gives_up_a_command_that_is_held),
        cmocka_unit_test(a_held_publish_outlives_its_client),
        cmocka_unit_test(the_end_of_input_waits_for_the_replies_before_it),
        cmocka_unit_test(a_posted_publish_outlives_its_client),
        cmocka_unit_test(replies_may_be_owed_at_the_end),
        cmocka_unit_test(input_stops_while_too_many_replies_are_owed),
        cmocka_unit_test(a_codec_waits_for_the_replies_before_it),
        cmocka_unit_test(an_identify_holds_the_input_behind_owed_replies),
        cmocka_unit_test(a_late_answer_is_not_late_output),
        cmocka_unit_test(cuts_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
