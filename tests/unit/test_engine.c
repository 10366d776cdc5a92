/* SPDX-License-Identifier: MIT */
/*
 * Tests of engine/engine.h: the contract of serve/handler.h, bounded steps, log lines as asks, the
 * graceful end; also that two engines share nothing and that cuts do not matter.
 */
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "session/session.h"
#include "support/cuts.h"

#define S TIME_SECOND

static int64_t next_deadline(const struct world *w)
{
    return w->handler.next_deadline(w->handler.self);
}

/* --- defaults --------------------------------------------------------------------------------- */

/* The defaults of nsqd's flags, as in its --help. */
static void the_defaults_are_nsqds(void **state)
{
    (void)state;
    const struct engine_config config = engine_defaults();
    assert_int_equal(config.broker.mem_queue_size, 10000);
    assert_int_equal(config.broker.max_msg_timeout, INT64_C(900000000000));
    assert_int_equal(config.broker.max_consumers, 0);
    const struct v2_config *v2 = &config.v2;
    assert_int_equal(v2->limits.max_line, 16384);
    assert_int_equal(v2->limits.max_msg_size, 1048576);
    assert_int_equal(v2->limits.max_body_size, 5242880);
    assert_int_equal(v2->max_rdy_count, 2500);
    assert_int_equal(v2->msg_timeout, INT64_C(60000000000));
    assert_int_equal(v2->max_msg_timeout, INT64_C(900000000000));
    assert_int_equal(v2->max_req_timeout, INT64_C(3600000000000));
    assert_int_equal(v2->heartbeat_interval, INT64_C(30000000000));
    assert_int_equal(v2->max_heartbeat_interval, INT64_C(60000000000));
    assert_int_equal(v2->output_buffer_timeout, 250000000);
    assert_int_equal(v2->min_output_buffer_timeout, 25000000);
    assert_int_equal(v2->max_output_buffer_timeout, INT64_C(30000000000));
    assert_int_equal(v2->max_output_buffer_size, 65536);
    assert_int_equal(v2->max_deflate_level, 6);
    assert_true(v2->deflate);
    assert_true(v2->snappy);
    assert_false(config.broker.wait_publishes);
    assert_int_equal(v2->max_owed_replies, 4096);
    assert_int_equal(config.log_level, LOG_INFO);
    /* nsqref's own. */
    assert_int_equal(config.serve.max_connections, 10000);
    assert_int_equal(config.serve.high_water, 1048576);
    assert_int_equal(config.broker.mem_queue_bytes, 1073741824);
}

/* --- conversations at every cut --------------------------------------------------------------- */

/* One connection that publishes to itself, with all commands in one piece. */
static void play_alone(struct world *w)
{
    struct client *c = world_open(w);
    SEND(c,
         "  V2IDENTIFY\n\0\0\0\x1b{\"heartbeat_interval\":1000}SUB t c\r\nRDY 1\nPUB t\n\0\0\0\1x"
         "RDY 0\nNOP\nPUB t\n\0\0\0\1yRDY 2\n"
         "MPUB t\n\0\0\0\x17\0\0\0\3\0\0\0\1a\0\0\0\2bc\0\0\0\3defTOUCH 0123456789abcdef\n"
         "REQ 0123456789abcdef 0\nFIN 0123456789abcdef\nDPUB t 500\n\0\0\0\1zRDY 100\nCLS\n");
    world_advance(w, 3 * S);
}

/* Producers and consumers, commands with ids of another consumer's messages, timeouts, an early
 * end. */
static void play_together(struct world *w)
{
    struct client *p = world_connect(w);
    struct client *a = world_connect(w);
    struct client *b = world_connect(w);
    struct message_id id;
    client_identify(a, "{\"msg_timeout\":1000}");
    SEND(a, "SUB t c\nRDY 2\n");
    SEND(b, "SUB t c\nRDY 1\n");
    client_expect(a, "R OK; R OK");
    SEND(p, "MPUB t\n\0\0\0\x18\0\0\0\4\0\0\0\1a\0\0\0\1b\0\0\0\1c\0\0\0\1dPUB t\n\0\0\0\1e");
    client_expect_message(a, 1, "a", &id);
    client_fin(a, &id);
    client_expect_message(a, 1, "c", &id);
    client_touch(b, &id);
    client_req(a, &id, 300);
    world_advance(w, 500 * TIME_MS);
    SEND(b, "FOO\nmore");
    world_advance(w, 800 * TIME_MS);
    client_eof(a);
    world_advance(w, 61 * S);
}

/* Ends at every stage of a command, and input that comes too late. */
static void play_ends(struct world *w)
{
    static const struct span inputs[] = {
        SPAN_LITERAL(""),
        SPAN_LITERAL("  V"),
        SPAN_LITERAL("  V1rest"),
        SPAN_LITERAL("  V2NOP\nPU"),
        SPAN_LITERAL("  V2PUB t\n\0\0"),
        SPAN_LITERAL("  V2PUB t\n\0\0\0\5hel"),
        SPAN_LITERAL("  V2PUB t\n\0\0\0\0rest"),
        SPAN_LITERAL("  V2IDENTIFY\n\0\0\0\1xrest"),
    };
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        struct client *c = world_open(w);
        client_send(c, inputs[i]);
        client_eof(c);
    }
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        struct client *c = world_open(w);
        client_send(c, inputs[i]);
    }
    world_advance(w, 62 * S);
}

static void cuts_do_not_matter(void **state)
{
    (void)state;
    cuts_check(NULL, play_alone);
    cuts_check(NULL, play_together);
    cuts_check(NULL, play_ends);
}

/* --- two engines ------------------------------------------------------------------------------ */

static struct world *world_of(unsigned node)
{
    struct engine_config config = world_config();
    config.broker.node_id = node;
    return world_new(&config);
}

static struct client *hold_conversation(struct world *w, struct client *c, int part)
{
    switch (part) {
    case 0:
        return world_connect(w);
    case 1:
        SEND(c, "SUB t c\nRDY 1\nPUB t\n\0\0\0\1x");
        return c;
    case 2:
        world_advance(w, 30 * S);
        return c;
    default:
        SEND(c, "PUB t\n\0\0\0\1yFOO\n");
        return c;
    }
}

/* Two conversations that take turns give the same results as each one alone. */
static void two_engines_do_not_influence_each_other(void **state)
{
    (void)state;
    struct world *alone[2];
    struct world *both[2];
    struct client *c[4] = {NULL};
    for (unsigned i = 0; i < 2; i++) {
        alone[i] = world_of(i);
        for (int part = 0; part < 4; part++) {
            c[i] = hold_conversation(alone[i], c[i], part);
        }
    }
    both[0] = world_of(0);
    both[1] = world_of(1);
    for (int part = 0; part < 4; part++) {
        c[2] = hold_conversation(both[0], c[2], part);
        c[3] = hold_conversation(both[1], c[3], part);
    }
    for (int i = 0; i < 2; i++) {
        assert_true(span_equal(buf_span(&c[i]->transcript), buf_span(&c[2 + i]->transcript)));
        assert_true(span_equal(buf_span(&alone[i]->log), buf_span(&both[i]->log)));
    }
    assert_false(span_equal(buf_span(&c[0]->transcript), buf_span(&c[1]->transcript))); /* ids */
    for (int i = 0; i < 2; i++) {
        world_free(alone[i]);
        world_free(both[i]);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static void the_next_deadline_is_the_earliest(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    assert_int_equal(next_deadline(w), TIME_NEVER);
    struct client *c = world_open(w);
    assert_int_equal(next_deadline(w), w->now + 60 * S); /* of the magic */
    SEND(c, "  V2");
    assert_int_equal(next_deadline(w), w->now + 30 * S);
    SEND(c, "SUB t c\nDPUB t 20000\n\0\0\0\1x");
    assert_int_equal(next_deadline(w), w->now + 20 * S);
    SEND(c, "DPUB t 10000\n\0\0\0\1y");
    assert_int_equal(next_deadline(w), w->now + 10 * S);
    world_advance(w, 20 * S);
    assert_int_equal(next_deadline(w), w->now + 10 * S);
    world_free(w);
}

/* Work that `sent` makes possible is done in the next round, which must then follow at once. */
static void a_consumer_that_has_read_is_served_at_once(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.serve.high_water = 10;
    struct world *w = world_new(&config);
    struct client *c = world_connect(w);
    SEND(c, "SUB t c\n");
    SEND(c, "PUB t\n\0\0\0\1x");
    SEND(c, "PUB t\n\0\0\0\1y");
    client_expect(c, "R OK; R OK; R OK");
    client_stall(c, true);
    SEND(c, "RDY 2\n");
    assert_int_equal(client_session(c)->consumer.in_flight_count, 1);
    assert_true(next_deadline(w) > w->now);
    w->handler.sent(w->handler.self, c->conn, 30, w->now);
    assert_int_equal(client_session(c)->consumer.in_flight_count, 1);
    assert_true(next_deadline(w) <= w->now);
    w->handler.step(w->handler.self, w->now, w->now);
    assert_int_equal(client_session(c)->consumer.in_flight_count, 2);
    world_free(w);
}

/* Many messages that are due at once are handled in several steps. */
static void a_step_handles_so_many_messages(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.v2.max_rdy_count = 10000;
    config.broker.effort_a_call = SIZE_MAX;
    struct world *w = world_new(&config);
    struct client *c = world_connect(w);
    SEND(c, "SUB t c\nRDY 10000\n");
    for (int i = 0; i < 5000; i++) {
        client_send(c, SPAN("DPUB t 1000\n\0\0\0\1x"));
    }
    const struct consumer *consumer = &client_session(c)->consumer;
    w->now += S;
    w->handler.step(w->handler.self, w->now, w->now - 1); /* a FIN may be unread */
    assert_int_equal(consumer->in_flight_count, 0);
    for (int steps = 1; steps <= 4; steps++) {
        w->handler.step(w->handler.self, w->now, w->now);
        assert_int_equal(consumer->in_flight_count, steps * ENGINE_TIMERS_A_STEP);
        assert_true(next_deadline(w) <= w->now); /* there is more to do now */
    }
    w->handler.step(w->handler.self, w->now, w->now);
    assert_int_equal(consumer->in_flight_count, 5000);
    assert_true(next_deadline(w) > w->now);
    world_settle(w);
    world_free(w);
}

static void many_heartbeats_that_are_due_come_over_several_steps(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c[SERVE_TIMERS_A_STEP + 1];
    for (int i = 0; i <= SERVE_TIMERS_A_STEP; i++) {
        c[i] = world_connect(w);
    }
    w->now += 30 * S;
    world_round(w);
    client_expect_heartbeat(c[0]);
    client_expect_heartbeat(c[SERVE_TIMERS_A_STEP - 1]);
    client_expect_nothing(c[SERVE_TIMERS_A_STEP]);
    assert_true(next_deadline(w) <= w->now);
    world_round(w);
    client_expect_heartbeat(c[SERVE_TIMERS_A_STEP]);
    assert_int_equal(next_deadline(w), w->now + 30 * S);
    world_free(w);
}

/* Messages carry the wall clock's time; their ids always rise. */
static void the_wall_clock_may_change(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    struct message_id id[3];
    int64_t wall[3] = {2000000000 * S, 1999999999 * S, 2000000001 * S};
    SEND(c, "SUB t c\nRDY 9\n");
    client_expect(c, "R OK");
    for (int i = 0; i < 3; i++) {
        w->handler.wall(w->handler.self, wall[i] - w->now);
        SEND(c, "PUB t\n\0\0\0\1x");
        client_expect_ok(c);
        client_expect_message(c, 1, "x", &id[i]);
        assert_int_equal(c->timestamp, wall[i]);
    }
    assert_true(strcmp(id[0].text, id[1].text) < 0);
    assert_true(strcmp(id[1].text, id[2].text) < 0);
    world_free(w);
}

/* --- connections ------------------------------------------------------------------------------ */

static void connections_are_bounded(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.serve.max_connections = 2;
    struct world *w = world_new(&config);
    struct client *a = world_connect(w);
    struct client *b = world_open(w);
    world_connect_refused(w);
    world_expect_log(w, "WARNING TCP: refusing client(10.0.0.3:4000), too many connections");
    SEND(a, "FOO\n");
    world_connect_refused(w); /* it is still lingering */
    client_eof(a);
    client_expect(a, "E E_INVALID invalid command FOO; SHUT; CLOSED");
    struct client *c = world_connect(w);
    assert_int_equal((uint32_t)c->conn, 0); /* the slot is used again .. */
    world_connect_refused(w);
    client_drop(b);
    SEND(c, "PUB t\n\0\0\0\1x");
    client_expect_ok(c);
    world_free(w);
}

/* Clients that do not send their magic give their places back. */
/* The input up to the judged time has been read. A FIN may have arrived after it. */
static void a_message_waits_for_input_that_is_not_read(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.v2.msg_timeout = S;
    struct world *w = world_new(&config);
    struct client *c = world_connect(w);
    SEND(c, "SUB t c\nRDY 2\nPUB t\n\0\0\0\1x");
    world_advance(w, S / 10);
    SEND(c, "PUB t\n\0\0\0\1y");
    const struct tcp_handler h = engine_handler(w->engine);
    const struct topic *topic = broker_find_topic(&w->engine->broker, SPAN("t"));
    const struct channel *channel = topic_find_channel(topic, SPAN("c"));
    h.step(h.self, w->now + 10 * S, w->now + S - 2);
    assert_int_equal(channel->timeout_count, 1);
    h.step(h.self, w->now + 10 * S, w->now + S);
    assert_int_equal(channel->timeout_count, 2);
    world_free(w);
}

static void a_client_without_a_magic_is_closed(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.serve.max_connections = 2;
    config.v2.heartbeat_interval = 0;
    struct world *w = world_new(&config);
    struct client *silent = world_open(w);
    struct client *slow = world_open(w);
    SEND(slow, "  V");
    world_connect_refused(w);
    world_advance(w, 60 * S - 1);
    client_expect(silent, "");
    client_expect(slow, "");
    world_advance(w, 1);
    client_expect(silent, "CLOSED");
    client_expect(slow, "CLOSED");
    world_expect_log(w,
                     "ERROR client(10.0.0.2:4000) failed to read protocol version - i/o timeout");
    struct client *in_time = world_open(w);
    world_advance(w, 60 * S - 1);
    SEND(in_time, "  V2");
    world_advance(w, 60 * S);
    SEND(in_time, "PUB t\n\0\0\0\1x");
    client_expect_ok(in_time);
    world_free(w);
}

static void a_new_connection_in_an_old_slot_knows_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *a = world_connect(w);
    SEND(a, "SUB t c\nRDY 5\nPUB t\n\0\0\0\1xPUB t\n\0\0");
    uint64_t old = a->conn;
    client_drop(a);
    struct client *b = world_connect(w);
    assert_int_equal((uint32_t)b->conn, (uint32_t)old);
    assert_int_not_equal(b->conn, old);
    assert_int_equal(client_session(b)->state, SESSION_INIT);
    SEND(b, "PUB t\n\0\0\0\1y");
    client_expect_ok(b);
    world_free(w);
}

/* --- the log ---------------------------------------------------------------------------------- */

/* Events wait in a bounded queue. When there is room again, a line says how many were dropped. */
static void lost_log_lines_are_counted(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    SEND(c, "SUB t c\n");
    struct buf many = {0};
    for (int i = 0; i < LOG_WAITING_MAX + 5; i++) {
        buf_append(&many, SPAN("FIN 0123456789abcdef\n"));
    }
    struct span rest = buf_span(&many);
    while (rest.n > 0) { /* all before a log line is taken */
        rest = span_skip(rest, w->handler.recv(w->handler.self, c->conn, rest, w->now));
    }
    world_settle(w);
    assert_int_equal(world_logged(w, "ERROR [10.0.0.1:4000] - E_FIN_FAILED FIN 0123456789abcdef "
                                     "failed ID not in flight"),
                     LOG_WAITING_MAX);
    world_expect_log(w, "WARNING 5 log lines were dropped");
    buf_free(&many);
    world_free(w);
}

/* Log lines come before the ask that followed them. */
static void log_lines_come_before_tickets(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.broker.wait_publishes = true;
    struct world *w = world_new(&config);
    struct client *c = world_connect(w);
    w->handler.recv(w->handler.self, c->conn, SPAN("MPUB t\n\0\0\0\x9\0\0\0\1\0\0\0\1x"), w->now);
    struct ask ask = w->handler.next_ask(w->handler.self);
    assert_int_equal(ask.kind, ASK_LOG);
    assert_string_equal(ask.event->form, "TOPIC(%): created");
    ask = w->handler.next_ask(w->handler.self);
    assert_int_equal(ask.kind, ASK_APPEND);
    assert_int_not_equal(ask.ticket, 0);
    assert_int_equal(w->handler.next_ask(w->handler.self).kind, ASK_NONE);
    w->handler.answer(w->handler.self, ask.ticket, &(struct answer){{NULL, 0}, {NULL, 0}}, w->now);
    world_settle(w);
    client_expect_ok(c);
    world_free(w);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void a_stop_closes_everyone_and_says_what_is_lost(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *silent = world_open(w);
    struct client *p = world_connect(w);
    struct client *c = world_connect(w);
    struct client *e = world_connect(w);
    SEND(c, "SUB t c\nRDY 1\n");
    SEND(p, "PUB t\n\0\0\0\1xPUB t\n\0\0\0\1yPUB t\n\0\0\0\1zDPUB t 1000\n\0\0\0\1d");
    SEND(p, "PUB u\n\0\0\0\1x");
    SEND(e, "SUB e#ephemeral c#ephemeral\nFOO\n");
    client_heard(c);
    client_heard(p);
    client_heard(e);
    assert_false(w->handler.stopped(w->handler.self));
    world_stop(w);
    client_expect_closed(silent);
    client_expect_closed(p);
    client_expect_closed(c);
    client_expect_closed(e);
    assert_true(w->handler.stopped(w->handler.self));
    world_connect_refused(w);
    world_expect_log(w, "INFO TOPIC(t): closing");
    world_expect_log(w, "INFO CHANNEL(c): closing");
    world_expect_log(w, "WARNING CHANNEL(c): losing 2 memory 1 in-flight 1 deferred messages, "
                        "there is no disk yet");
    world_expect_log(w, "WARNING TOPIC(u): losing 1 memory messages, there is no disk yet");
    assert_int_equal(next_deadline(w) > w->now, 1);
    world_free(w);
}

static void a_stop_does_not_wait_for_answers(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.broker.wait_publishes = true;
    struct world *w = world_new(&config);
    w->answers = ANSWER_WHEN_TOLD;
    struct client *c = world_connect(w);
    struct client *d = world_connect(w);
    SEND(c, "PUB t\n\0\0\0\1x");
    SEND(d, "PUB t\n\0\0\0\1y");
    world_stop(w);
    client_expect_closed(c);
    assert_true(w->handler.stopped(w->handler.self));
    world_answer(w, true);
    assert_int_equal(broker_find_topic(&w->engine->broker, SPAN("t"))->message_count, 1);
    world_free(w);
}

static void an_engine_ends_with_everything_open(void **state)
{
    (void)state;
    const struct engine_config config = world_config();
    struct engine *engine = engine_new(&config);
    struct tcp_handler h = engine_handler(engine);
    h.wall(h.self, 0);
    uint64_t a = h.open(h.self, ENGINE_TCP, SPAN("a"), 0);
    uint64_t b = h.open(h.self, ENGINE_TCP, SPAN("b"), 0);
    h.recv(h.self, a, SPAN("  V2SUB t c\nRDY 2\nPUB t\n\0\0\0\1xPUB t\n\0\0\0\2y"), 0);
    h.recv(h.self, b, SPAN("  "), 0);
    engine_free(engine);
}

/* It also ends with a command that was not asked about yet and whose client is gone. */
static void an_engine_ends_with_a_command_pending(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.broker.wait_publishes = true;
    struct engine *engine = engine_new(&config);
    struct tcp_handler h = engine_handler(engine);
    h.wall(h.self, 0);
    uint64_t a = h.open(h.self, ENGINE_TCP, SPAN("a"), 0);
    h.recv(h.self, a, SPAN("  V2PUB t\n\0\0\0\1x"), 0);
    h.closed(h.self, a, CLOSED_BY_ERROR, 0);
    engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_nsqds),
        cmocka_unit_test(cuts_do_not_matter),
        cmocka_unit_test(two_engines_do_not_influence_each_other),
        cmocka_unit_test(the_next_deadline_is_the_earliest),
        cmocka_unit_test(a_consumer_that_has_read_is_served_at_once),
        cmocka_unit_test(a_step_handles_so_many_messages),
        cmocka_unit_test(many_heartbeats_that_are_due_come_over_several_steps),
        cmocka_unit_test(the_wall_clock_may_change),
        cmocka_unit_test(connections_are_bounded),
        cmocka_unit_test(a_message_waits_for_input_that_is_not_read),
        cmocka_unit_test(a_client_without_a_magic_is_closed),
        cmocka_unit_test(a_new_connection_in_an_old_slot_knows_nothing),
        cmocka_unit_test(lost_log_lines_are_counted),
        cmocka_unit_test(log_lines_come_before_tickets),
        cmocka_unit_test(a_stop_closes_everyone_and_says_what_is_lost),
        cmocka_unit_test(a_stop_does_not_wait_for_answers),
        cmocka_unit_test(an_engine_ends_with_everything_open),
        cmocka_unit_test(an_engine_ends_with_a_command_pending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
