/* SPDX-License-Identifier: MIT */
/*
 * Tests of session/v2.h: how a conversation begins and ends, heartbeats, deadlines, output that is
 * not taken, and the log. Commands are in test_commands.c, messages in test_session.c.
 */
#include "session/v2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "session/session.h"
#include "support/cuts.h"

#define CHECK(table) cuts_check_cases((table), sizeof(table) / sizeof(table)[0])
#define S TIME_SECOND

/* --- how it begins ---------------------------------------------------------------------------- */

static const struct cuts_case beginnings[] = {
    CUTS_CASE_WITH("the magic and a command in one", "  V2PUB t\n\0\0\0\1x|", "R OK",
                   .flags = CASE_RAW),
    CUTS_CASE_WITH("V1 is nsqlookupd's", "  V1|", "E E_BAD_PROTOCOL; SHUT", .flags = CASE_RAW),
    CUTS_CASE_WITH("another protocol, said at the fourth byte", "GET |/ HTTP/1.1\r\n\r\n",
                   "E E_BAD_PROTOCOL; SHUT", .flags = CASE_RAW),
    CUTS_CASE_WITH("small letters", "  v2|", "E E_BAD_PROTOCOL; SHUT", .flags = CASE_RAW),
    CUTS_CASE_WITH("no byte", "", "CLOSED", .flags = CASE_RAW | CASE_EOF),
    CUTS_CASE_WITH("a part of the magic", "  V", "CLOSED", .flags = CASE_RAW | CASE_EOF),
    CUTS_CASE_WITH("a wrong magic, then the end", "  V3|", "E E_BAD_PROTOCOL; SHUT; CLOSED",
                   .flags = CASE_RAW | CASE_EOF),
};

static void a_conversation_begins_with_four_bytes(void **state)
{
    (void)state;
    CHECK(beginnings);
}

/* --- how it ends ------------------------------------------------------------------------------ */

static const struct cuts_case ends[] = {
    CUTS_CASE_WITH("between commands", "NOP\n", "CLOSED", .flags = CASE_EOF),
    CUTS_CASE_WITH("inside a line, which is dropped", "PUB t\n\0\0\0\1x|FOO", "R OK; CLOSED",
                   .flags = CASE_EOF),
    CUTS_CASE_WITH("complete commands in front are answered",
                   "PUB t\n\0\0\0\1x|PUB t\n\0\0\0\1y|PUB t\n\0\0\0\2z",
                   "R OK; R OK; E E_BAD_MESSAGE PUB failed to read message body; CLOSED",
                   .flags = CASE_EOF),
    CUTS_CASE_WITH("a consumer", "SUB t c\n|RDY 1\n", "R OK; CLOSED", .flags = CASE_EOF),
    CUTS_CASE_WITH("after a fatal error", "FOO\n|", "E E_INVALID invalid command FOO; SHUT; CLOSED",
                   .flags = CASE_EOF),
};

static void the_end_of_input_at_every_stage(void **state)
{
    (void)state;
    CHECK(ends);
}

/* After a fatal error, input is thrown away for a second; then the socket is closed. */
static void after_a_fatal_error_it_lingers(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    SEND(c, "FOO\nPUB t\n\0\0\0\1x");
    client_expect(c, "E E_INVALID invalid command FOO; SHUT");
    SEND(c, "more");
    world_advance(w, S - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect_closed(c);
    world_expect_no_log(w, "INFO TOPIC(t): created");
    world_free(w);
}

static void what_is_unsent_leaves_before_the_close(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    client_stall(c, true);
    SEND(c, "PUB t\n\0\0\0\1xFOO\n");
    client_expect_nothing(c);
    assert_int_equal(client_take(c, 3), 3);
    world_advance(w, 2 * S);
    assert_int_equal(client_take(c, 6), 6);
    client_stall(c, false);
    client_expect(c, "R OK; E E_INVALID invalid command FOO; SHUT");
    client_eof(c);
    client_expect_closed(c);
    world_free(w);
}

static void output_may_be_taken_byte_by_byte(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    c->at_most = 1;
    SEND(c, "SUB t c\nRDY 1\nPUB t\n\0\0\0\5helloFOO\n");
    client_expect(c, "R OK; R OK; M 1 hello; E E_INVALID invalid command FOO; SHUT");
    world_free(w);
}

/* --- heartbeats ------------------------------------------------------------------------------- */

static void a_silent_client_is_asked_once_and_closed(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    world_advance(w, 30 * S - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect_heartbeat(c);
    world_advance(w, 30 * S - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect_closing(c); /* before the second heartbeat, without an error */
    world_expect_log(w, "ERROR client(10.0.0.1:4000) - failed to read command - i/o timeout");
    world_free(w);
}

static void the_interval_is_the_clients(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    world_advance(w, 500 * TIME_MS);
    client_identify(c, "{\"heartbeat_interval\":1000}");
    client_expect_ok(c);
    world_advance(w, S - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect_heartbeat(c);
    world_advance(w, S - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect_closing(c);
    world_free(w);
}

/* Heartbeats are sent at their times whatever the client sends. Every command counts as an answer.
 */
static void any_command_keeps_the_connection(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    client_identify(c, "{\"heartbeat_interval\":1000}");
    client_expect_ok(c);
    for (int i = 0; i < 5; i++) {
        world_advance(w, 700 * TIME_MS);
        SEND(c, "NOP\n");
    }
    client_expect(c, "R _heartbeat_; R _heartbeat_; R _heartbeat_"); /* 3.5 s */
    world_advance(w, 2 * S - 1);
    client_expect(c, "R _heartbeat_; R _heartbeat_");
    world_advance(w, 1);
    client_expect_closing(c);
    world_free(w);
}

static void a_part_of_a_line_is_no_command(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    world_advance(w, 59 * S);
    client_expect_heartbeat(c);
    SEND(c, "NO");
    world_advance(w, S);
    client_expect_closing(c);
    world_free(w);
}

static void heartbeats_can_be_off(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    client_identify(c, "{\"heartbeat_interval\":-1}");
    client_expect_ok(c);
    assert_int_equal(w->handler.next_deadline(w->handler.self),
                     w->now + 30 * S); /* a stale timer */
    world_advance(w, 100000 * S);
    assert_int_equal(w->handler.next_deadline(w->handler.self), TIME_NEVER);
    SEND(c, "PUB t\n\0\0");
    world_advance(w, 100000 * S);
    SEND(c, "\0\1x");
    client_expect_ok(c);
    world_free(w);
}

/* nsqd's message pump uses the first IDENTIFY only. */
static void a_second_identify_moves_the_read_deadline_alone(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    client_identify(c, "{\"heartbeat_interval\":2000}");
    world_advance(w, 500 * TIME_MS);
    client_identify(c, "{\"heartbeat_interval\":1000}");
    client_expect(c, "R OK; R OK");
    world_advance(w, 1500 * TIME_MS - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect_heartbeat(c); /* 2 s after the first */
    world_advance(w, 500 * TIME_MS - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect_closing(c); /* 2 x 1 s after the second */
    world_free(w);
}

static void a_second_identify_may_leave_no_time_for_a_heartbeat(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    client_identify(c, "{}");
    client_identify(c, "{\"heartbeat_interval\":1000}");
    client_expect(c, "R OK; R OK");
    world_advance(w, 2 * S);
    client_expect_closing(c);
    world_free(w);
}

static void heartbeats_that_are_off_stay_off(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    client_identify(c, "{\"heartbeat_interval\":-1}");
    client_identify(c, "{\"heartbeat_interval\":1000}");
    client_expect(c, "R OK; R OK");
    world_advance(w, 2 * S - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect_closing(c); /* but a command has a deadline again */
    world_free(w);
}

/* A client with a heartbeat each second, and deadlines so far off that they do not matter. */
static struct client *ticking(struct world *w, const char *second_identify)
{
    struct client *c = world_connect(w);
    client_identify(c, "{\"heartbeat_interval\":1000}");
    client_identify(c, second_identify);
    client_expect(c, "R OK; R OK");
    return c;
}

static void heartbeats_that_were_missed_are_not_made_up_for(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = ticking(w, "{\"heartbeat_interval\":60000}");
    world_jump(w, 3500 * TIME_MS);
    client_expect(c, "R _heartbeat_");
    world_advance(w, 500 * TIME_MS - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect_heartbeat(c);
    world_jump(w, 3 * S); /* exactly a third of it */
    client_expect(c, "R _heartbeat_");
    world_advance(w, S);
    client_expect_heartbeat(c);
    world_free(w);
}

/* Ten thousand clients that came one after the other would wake the server up hundreds of times a
 * second. */
static void heartbeats_that_are_due_together_leave_together(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *a = world_connect(w); /* on the 50 ms, so its heartbeat is exact */
    world_advance(w, 1);
    struct client *b = world_connect(w);
    world_advance(w, 50 * TIME_MS - 1);
    struct client *c = world_connect(w);
    world_advance(w, 29950 * TIME_MS - 1);
    client_expect_nothing(a);
    world_advance(w, 1);
    client_expect_heartbeat(a);
    assert_int_equal(w->handler.next_deadline(w->handler.self), w->now + 50 * TIME_MS);
    world_advance(w, 50 * TIME_MS - 1);
    client_expect_nothing(b);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect_heartbeat(b);
    client_expect_heartbeat(c);
    SEND(b, "NOP\n");
    world_advance(w, 30 * S - 50 * TIME_MS);
    client_expect_closing(a);
    world_advance(w, 50 * TIME_MS - 1);
    client_expect_nothing(b);
    world_advance(w, 1);
    client_expect_heartbeat(b); /* late by no more than the first was */
    client_expect_closing(c);   /* the read deadline is exact */
    world_free(w);
}

/* --client-timeout can set an interval shorter than a second. 50 ms would be a large part of it:
 * the read deadline comes after two intervals. */
static void short_intervals_are_exact(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.v2.heartbeat_interval = 10 * TIME_MS;
    struct world *w = world_new(&config);
    world_advance(w, 3 * TIME_MS);
    struct client *c = world_connect(w);
    world_advance(w, 10 * TIME_MS - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect_heartbeat(c);
    world_free(w);
}

/* --- the read deadline in a body -------------------------------------------------------------- */

static void check_deadline_in(struct span input, const char *error)
{
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    client_send(c, input);
    world_advance(w, 59 * S);
    client_expect_heartbeat(c);
    SEND(c, "\0"); /* does not renew the deadline */
    world_advance(w, S - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect(c, error);
    world_free(w);
}

static void the_deadline_is_for_the_command_with_its_body(void **state)
{
    (void)state;
    check_deadline_in(SPAN("PUB t\n\0"),
                      "E E_BAD_MESSAGE PUB failed to read message body size; SHUT");
    check_deadline_in(SPAN("PUB t\n\0\0\0\4"),
                      "E E_BAD_MESSAGE PUB failed to read message body; SHUT");
    check_deadline_in(SPAN("MPUB t\n\0\0\0\4\0"),
                      "E E_BAD_BODY MPUB failed to read message count; SHUT");
    check_deadline_in(SPAN("IDENTIFY\n\0\0\0\4"),
                      "E E_BAD_BODY IDENTIFY failed to read body; SHUT");
}

/* --- output that is not taken ----------------------------------------------------------------- */

static void output_must_be_taken_within_a_heartbeat_interval(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    client_identify(c, "{\"heartbeat_interval\":2000}");
    client_expect_ok(c);
    client_stall(c, true);
    world_advance(w, S);
    SEND(c, "PUB t\n\0\0\0\1x");
    world_advance(w, 2 * S - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect_closed(c);
    world_expect_log(w, "ERROR client(10.0.0.1:4000) - output not taken in time, closing");
    world_expect_log(w, "INFO PROTOCOL(V2): [10.0.0.1:4000] exiting ioloop");
    world_free(w);
}

static void without_heartbeats_output_may_wait(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c = world_connect(w);
    client_stall(c, true);
    SEND(c, "PUB t\n\0\0\0\1x"); /* the client has 30 s to take them; but then */
    client_identify(c, "{\"heartbeat_interval\":-1}");
    world_advance(w, 1000 * S);
    client_stall(c, false);
    client_expect(c, "R OK; R OK");
    world_free(w);
}

/* A connection that has been given up gets no message that another consumer could have. */
static void a_client_that_is_closed_for_its_output_gets_no_more_messages(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *a = world_connect(w);
    struct client *b = world_connect(w);
    SEND(b, "SUB t c\n");
    SEND(a, "SUB t c\nRDY 9\n");
    client_expect_ok(a);
    client_expect_ok(b);
    client_stall(a, true);
    SEND(a, "DPUB t 30000\n\0\0\0\1x");
    SEND(b, "RDY 1\n");
    world_advance(w, 29 * S);
    client_expect_nothing(b);
    world_advance(w, S);
    client_expect_closed(a);
    client_expect(b, "R _heartbeat_; M 1 x");
    world_free(w);
}

/* Nor does a client that has ended its session with an error, while its connection is still there.
 */
static void a_connection_that_lingers_gets_no_more_messages(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *a = world_connect(w);
    struct client *b = world_connect(w);
    SEND(a, "SUB t c\nRDY 9\nFOO\n");
    client_expect(a, "R OK; E E_INVALID invalid command FOO; SHUT");
    SEND(b, "SUB t c\nRDY 1\nPUB t\n\0\0\0\1x");
    client_expect(b, "R OK; R OK; M 1 x");
    client_expect_nothing(a);
    world_free(w);
}

static void tiny_high_water(struct engine_config *config)
{
    config->serve.high_water = 100;
}

static struct world *world_with_tiny_high_water(void)
{
    struct engine_config config = world_config();
    tiny_high_water(&config);
    return world_new(&config);
}

/* Nothing else ends such a connection, so its heartbeats must not pile up. */
static void heartbeats_do_not_pile_up_in_full_output(void **state)
{
    (void)state;
    struct world *w = world_with_tiny_high_water();
    struct client *c = ticking(w, "{\"heartbeat_interval\":-1}");
    client_stall(c, true);
    world_advance(w, 1000 * S);
    assert_in_range(c->unsent, 101, 119);
    client_stall(c, false);
    client_expect(c, "R _heartbeat_; R _heartbeat_; R _heartbeat_; R _heartbeat_; R _heartbeat_; "
                     "R _heartbeat_");
    world_advance(w, S);
    client_expect_heartbeat(c);
    world_free(w);
}

/* Each PUB is answered with 10 bytes, so the eleventh fills the output. */
static void a_client_that_does_not_take_replies_is_not_read_from(void **state)
{
    (void)state;
    struct world *w = world_with_tiny_high_water();
    struct client *c = world_connect(w);
    client_stall(c, true);
    for (int i = 0; i < 15; i++) {
        SEND(c, "PUB t\n\0\0\0\1x");
    }
    assert_int_equal(c->unsent, 110);
    assert_int_equal(c->want, WANT_WRITE);
    assert_int_equal(broker_find_topic(&w->engine->broker, SPAN("t"))->message_count, 11);
    assert_int_equal(client_take(c, 9), 9);
    assert_int_equal(c->want, WANT_WRITE);
    assert_int_equal(client_take(c, 1), 1);
    assert_int_equal(broker_find_topic(&w->engine->broker, SPAN("t"))->message_count, 12);
    client_stall(c, false);
    assert_int_equal(broker_find_topic(&w->engine->broker, SPAN("t"))->message_count, 15);
    client_expect(c, "R OK; R OK; R OK; R OK; R OK; R OK; R OK; R OK; R OK; R OK; R OK; R OK; "
                     "R OK; R OK; R OK");
    world_free(w);
}

/* The server does not read, so the client is not late. */
static void while_output_is_full_no_command_is_awaited(void **state)
{
    (void)state;
    struct world *w = world_with_tiny_high_water();
    struct client *c = world_connect(w);
    client_identify(c, "{\"msg_timeout\":900000}");
    SEND(c, "SUB t c\nRDY 1\n");
    client_expect(c, "R OK; R OK");
    client_stall(c, true);
    client_send_filled(c, "PUB t", 'x', 4 * CONN_WRITE_CHUNK);
    for (int i = 0; i < 4; i++) {
        world_advance(w, 20 * S);
        assert_int_equal(client_take(c, CONN_WRITE_CHUNK), CONN_WRITE_CHUNK);
    }
    assert_int_equal(c->want, WANT_WRITE | WANT_READ); /* 80 s have passed */
    client_stall(c, false);
    client_heard(c);
    world_advance(w, 60 * S - 1);
    assert_false(c->shut);
    world_free(w);
}

/* Output that becomes full and drains again at once is no sign that the client is alive. */
static void a_client_that_only_reads_is_closed(void **state)
{
    (void)state;
    struct world *w = world_with_tiny_high_water();
    struct client *c = world_connect(w);
    struct client *p = world_connect(w);
    client_identify(c, "{\"heartbeat_interval\":1000}");
    SEND(c, "SUB t c\nRDY 100\n");
    for (int i = 0; i < 19; i++) {
        world_advance(w, S / 10);
        client_send_filled(p, "PUB t", 'x', 200);
    }
    assert_false(c->shut);
    client_heard(c);
    world_advance(w, S / 10);
    assert_true(c->shut);
    client_heard(c);
    client_heard(p);
    world_free(w);
}

/* --- high water ------------------------------------------------------------------------------- */

/* A message of 34 + 40 bytes: two of them pass the mark of 100. */
#define FORTY "0123456789012345678901234567890123456789"

static void a_consumer_that_does_not_read_gets_no_messages(void **state)
{
    (void)state;
    struct world *w = world_with_tiny_high_water();
    struct client *a = world_connect(w);
    struct client *b = world_connect(w);
    struct client *p = world_connect(w);
    SEND(a, "SUB t c\nRDY 10\n");
    client_expect_ok(a);
    client_stall(a, true);
    for (int i = 0; i < 5; i++) {
        SEND(p, "PUB t\n\0\0\0\x28" FORTY);
    }
    assert_int_equal(a->unsent, 2 * 74);
    assert_int_equal(client_session(a)->consumer.in_flight_count, 2);
    SEND(b, "SUB t c\nRDY 1\n"); /* it does not wait for the other */
    client_expect(b, "R OK; M 1 " FORTY);
    assert_int_equal(client_take(a, 47), 47);
    assert_int_equal(client_session(a)->consumer.in_flight_count, 2);
    assert_int_equal(client_take(a, 1), 1); /* 100 are left */
    assert_int_equal(client_session(a)->consumer.in_flight_count, 3);
    assert_int_equal(a->unsent, 174);
    client_stall(a, false);
    client_expect(a, "M 1 " FORTY "; M 1 " FORTY "; M 1 " FORTY "; M 1 " FORTY);
    world_free(w);
}

/* There is a backlog, a consumer whose output becomes full several times, and more input. The order
 * of the output must not depend on how the input was cut. */
static void play_full_output(struct world *w)
{
    struct client *p = world_connect(w);
    for (int i = 0; i < 5; i++) {
        SEND(p, "PUB t\n\0\0\0\x28" FORTY);
    }
    struct client *c = world_connect(w);
    SEND(c, "SUB t c\nRDY 6\nNOP\nPUB t\n\0\0\0\1xNOP\nCLS\n");
    world_advance(w, S);
    client_stall(c, true);
    SEND(c, "PUB t\n\0\0\0\1xPUB t\n\0\0\0\1xPUB t\n\0\0\0\1xPUB t\n\0\0\0\1xPUB t\n\0\0\0\1x"
            "PUB t\n\0\0\0\1xPUB t\n\0\0\0\1xPUB t\n\0\0\0\1xPUB t\n\0\0\0\1xPUB t\n\0\0\0\1x"
            "PUB t\n\0\0\0\1xPUB t\n\0\0\0\1xFOO\nmore");
    world_advance(w, S);
    client_take(c, 50);
    world_advance(w, S);
    client_stall(c, false);
    world_advance(w, 5 * S);
}

static void cuts_do_not_matter_to_full_output(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.serve.high_water = 100;
    cuts_check(&config, play_full_output);
}

/* --- the log ---------------------------------------------------------------------------------- */

static void the_log_tells_the_story(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.log_level = LOG_DEBUG;
    struct world *w = world_new(&config);
    struct client *c = world_connect(w);
    client_identify(c, "{\"client_id\":\"me\",\"hostname\":\"here\",\"user_agent\":\"ua\","
                       "\"msg_timeout\":5000,\"snappy\":true}");
    SEND(c, "SUB t c#ephemeral\nCLS\nRDY 1\nFIN 0123456789abcdef\n");
    client_eof(c);
    world_expect_log(w, "INFO TCP: new client(10.0.0.1:4000)");
    world_expect_log(w, "INFO CLIENT(10.0.0.1:4000): desired protocol magic '  V2'");
    world_expect_log(w, "DEBUG PROTOCOL(V2): [10.0.0.1:4000] [IDENTIFY]");
    world_expect_log(w, "INFO [10.0.0.1:4000] IDENTIFY: {ClientID:me Hostname:here "
                        "HeartbeatInterval:0 OutputBufferSize:0 OutputBufferTimeout:0 "
                        "FeatureNegotiation:0 TLSv1:0 Deflate:0 DeflateLevel:0 Snappy:1 "
                        "SampleRate:0 MsgTimeout:5000 UserAgent:ua}");
    world_expect_log(w, "DEBUG PROTOCOL(V2): [10.0.0.1:4000] [SUB t c#ephemeral]");
    world_expect_log(w, "INFO TOPIC(t): created");
    world_expect_log(w, "INFO TOPIC(t): new channel(c#ephemeral)");
    world_expect_log(w, "INFO PROTOCOL(V2): [10.0.0.1:4000] ignoring RDY after CLS in state "
                        "ClientStateV2Closing");
    world_expect_log(w, "ERROR [10.0.0.1:4000] - E_FIN_FAILED FIN 0123456789abcdef failed ID not "
                        "in flight");
    assert_int_equal(world_logged(w, "INFO PROTOCOL(V2): [10.0.0.1:4000] exiting ioloop"), 1);
    world_expect_log(w, "INFO CHANNEL(c#ephemeral): deleting");
    world_free(w);
}

static void a_level_leaves_the_lower_ones_out(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.log_level = LOG_ERROR;
    struct world *w = world_new(&config);
    struct client *c = world_connect(w);
    client_identify(c, "{}");
    SEND(c, "SUB t c\nFOO\n");
    client_expect(c, "R OK; R OK; E E_INVALID invalid command FOO; SHUT");
    assert_string_equal((buf_append(&w->log, span_make("", 1)), (const char *)w->log.p),
                        "ERROR [10.0.0.1:4000] - E_INVALID invalid command FOO\n");
    world_free(w);
}

static void other_ends_are_logged(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *longest = world_connect(w);
    struct client *bad = world_open(w);
    struct client *none = world_open(w);
    struct client *lost = world_connect(w);
    struct client *part = world_open(w);
    char line[NSQ_LINE_MAX];
    memset(line, 'x', sizeof line);
    client_send(longest, span_make(line, sizeof line));
    SEND(bad, "GET ");
    client_eof(none);
    client_drop(lost);
    SEND(part, "  V");
    client_eof(part);
    world_expect_log(w, "ERROR client(10.0.0.1:4000) - failed to read command - line too long");
    world_expect_log(w, "ERROR client(10.0.0.2:4000) bad protocol magic 'GET '");
    world_expect_log(w, "ERROR client(10.0.0.3:4000) failed to read protocol version - EOF");
    world_expect_log(
        w, "ERROR client(10.0.0.5:4000) failed to read protocol version - unexpected EOF");
    world_expect_log(w, "ERROR client(10.0.0.4:4000) - connection lost");
    world_expect_log(w, "INFO PROTOCOL(V2): [10.0.0.4:4000] exiting ioloop");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_begins_with_four_bytes),
        cmocka_unit_test(the_end_of_input_at_every_stage),
        cmocka_unit_test(after_a_fatal_error_it_lingers),
        cmocka_unit_test(what_is_unsent_leaves_before_the_close),
        cmocka_unit_test(output_may_be_taken_byte_by_byte),
        cmocka_unit_test(a_silent_client_is_asked_once_and_closed),
        cmocka_unit_test(the_interval_is_the_clients),
        cmocka_unit_test(any_command_keeps_the_connection),
        cmocka_unit_test(a_part_of_a_line_is_no_command),
        cmocka_unit_test(heartbeats_can_be_off),
        cmocka_unit_test(a_second_identify_moves_the_read_deadline_alone),
        cmocka_unit_test(a_second_identify_may_leave_no_time_for_a_heartbeat),
        cmocka_unit_test(heartbeats_that_are_off_stay_off),
        cmocka_unit_test(heartbeats_that_were_missed_are_not_made_up_for),
        cmocka_unit_test(heartbeats_that_are_due_together_leave_together),
        cmocka_unit_test(short_intervals_are_exact),
        cmocka_unit_test(the_deadline_is_for_the_command_with_its_body),
        cmocka_unit_test(output_must_be_taken_within_a_heartbeat_interval),
        cmocka_unit_test(without_heartbeats_output_may_wait),
        cmocka_unit_test(a_client_that_is_closed_for_its_output_gets_no_more_messages),
        cmocka_unit_test(a_connection_that_lingers_gets_no_more_messages),
        cmocka_unit_test(heartbeats_do_not_pile_up_in_full_output),
        cmocka_unit_test(a_client_that_does_not_take_replies_is_not_read_from),
        cmocka_unit_test(while_output_is_full_no_command_is_awaited),
        cmocka_unit_test(a_client_that_only_reads_is_closed),
        cmocka_unit_test(a_consumer_that_does_not_read_gets_no_messages),
        cmocka_unit_test(cuts_do_not_matter_to_full_output),
        cmocka_unit_test(the_log_tells_the_story),
        cmocka_unit_test(a_level_leaves_the_lower_ones_out),
        cmocka_unit_test(other_ends_are_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
