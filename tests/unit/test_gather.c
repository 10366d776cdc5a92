/* SPDX-License-Identifier: MIT */
/*
 * Tests of --output-gather-timeout: a consumer that gets messages often gets them together, a
 * single message does not wait, and nothing else waits for longer than without the flag.
 */
#include "serve/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/time.h"
#include "codec/snappy.h"
#include "support/cuts.h"

#define PAUSE (500 * (TIME_MS / 1000))
#define A "PUB t\n\0\0\0\1a"
#define B "PUB t\n\0\0\0\1b"
#define C "PUB t\n\0\0\0\1c"
#define D "PUB t\n\0\0\0\1d"

static struct world *world_that_gathers(void)
{
    struct engine_config config = world_config();
    config.serve.gather_timeout = PAUSE;
    return world_new(&config);
}

static struct client *subscribe(struct world *w, const char *identify, const char *rdy)
{
    struct client *c = world_connect(w);
    client_identify(c, identify);
    client_sendf(c, "SUB t c\n%s\n", rdy);
    client_expect(c, "R OK; R OK");
    return c;
}

/* Two messages at the same time, but not in the same round, whose output leaves together anyway. */
static void publish_both(struct client *p, struct span first, struct span second)
{
    client_send(p, first);
    client_send(p, second);
}
#define publish(p, first, second) publish_both(p, SPAN(first), SPAN(second))

/* Two messages at the same time: the first one leaves at once, the second one waits. */
static void a_second_message_waits(void **state)
{
    (void)state;
    struct world *w = world_that_gathers();
    struct client *p = world_connect(w);
    struct client *c = subscribe(w, "{}", "RDY 9");
    SEND(p, A);
    client_expect(c, "M 1 a");
    publish(p, B, C);
    client_expect_nothing(c);
    world_advance(w, PAUSE - 1);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect(c, "M 1 b; M 1 c");
    client_expect(p, "R OK; R OK; R OK"); /* replies never wait */
    world_free(w);
}

/* What waited is followed by a pause too, so there is one call of the system in each pause. */
static void the_pause_begins_again_when_messages_leave(void **state)
{
    (void)state;
    struct world *w = world_that_gathers();
    struct client *p = world_connect(w);
    struct client *c = subscribe(w, "{}", "RDY 9");
    publish(p, A, B);
    world_advance(w, PAUSE);
    client_expect(c, "M 1 a; M 1 b"); /* b at the end of the pause */
    world_advance(w, PAUSE - 1);
    SEND(p, C);
    client_expect_nothing(c);
    world_advance(w, 1);
    client_expect(c, "M 1 c");
    world_advance(w, PAUSE);
    SEND(p, D);
    client_expect(c, "M 1 d");
    world_free(w);
}

static void a_reply_takes_along_what_waits(void **state)
{
    (void)state;
    struct world *w = world_that_gathers();
    struct client *p = world_connect(w);
    struct client *c = subscribe(w, "{}", "RDY 9");
    publish(p, A, B);
    client_expect(c, "M 1 a");
    SEND(c, "FIN 0123456789abcdef\n");
    client_expect(c, "M 1 b; E E_FIN_FAILED FIN 0123456789abcdef failed ID not in flight");
    world_free(w);
}

/* A message behind a reply that was not sent yet leaves with the reply. */
static void a_message_behind_a_reply_does_not_wait(void **state)
{
    (void)state;
    struct world *w = world_that_gathers();
    struct client *c = subscribe(w, "{}", "RDY 9");
    SEND(c, A);
    client_expect(c, "R OK; M 1 a");
    SEND(c, B);
    client_expect(c, "R OK; M 1 b");
    world_free(w);
}

/* No other message can come before the client has answered. */
static void the_last_message_that_RDY_allows_does_not_wait(void **state)
{
    (void)state;
    struct world *w = world_that_gathers();
    struct client *p = world_connect(w);
    struct client *c = subscribe(w, "{}", "RDY 2");
    SEND(p, A);
    client_expect(c, "M 1 a");
    SEND(p, B);
    client_expect(c, "M 1 b");
    world_free(w);
}

static void a_full_buffer_does_not_wait(void **state)
{
    (void)state;
    struct world *w = world_that_gathers();
    struct client *p = world_connect(w);
    struct client *c = subscribe(w, "{\"output_buffer_size\":64}", "RDY 9");
    publish(p, A, B); /* a frame of a message has 34 bytes and the body */
    client_expect(c, "M 1 a");
    SEND(p, C);
    client_expect(c, "M 1 b; M 1 c");
    world_free(w);
}

/* More than --output-high-water: the consumer gets nothing else before it has read. */
static void a_full_connection_does_not_wait(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.serve.gather_timeout = PAUSE;
    config.serve.high_water = 50;
    struct world *w = world_new(&config);
    struct client *p = world_connect(w);
    struct client *c = subscribe(w, "{}", "RDY 9");
    publish(p, A, B);
    SEND(p, C);
    client_expect(c, "M 1 a; M 1 b; M 1 c");
    world_free(w);
}

static void nothing_waits_for_a_client_that_wants_no_buffer(void **state)
{
    (void)state;
    static const char *const wishes[] = {"{\"output_buffer_timeout\":-1}",
                                         "{\"output_buffer_size\":-1}"};
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
        struct world *w = world_that_gathers();
        struct client *p = world_connect(w);
        struct client *c = subscribe(w, wishes[i], "RDY 9");
        publish(p, A, B);
        SEND(p, C);
        client_expect(c, "M 1 a; M 1 b; M 1 c");
        world_free(w);
    }
}

/* The client's own time counts when it is the shorter one. */
static void nothing_waits_longer_than_the_client_wants(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.serve.gather_timeout = 25 * TIME_MS;
    for (int ms = 25; ms <= 26; ms++) {
        struct world *w = world_new(&config);
        char identify[64];
        snprintf(identify, sizeof identify, "{\"output_buffer_timeout\":%d}", ms);
        struct client *p = world_connect(w);
        struct client *c = subscribe(w, identify, "RDY 9");
        publish(p, A, B);
        client_expect(c, ms == 25 ? "M 1 a; M 1 b" : "M 1 a");
        world_free(w);
    }
}

static void nothing_waits_when_the_flag_is_0(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *p = world_connect(w);
    struct client *c = subscribe(w, "{}", "RDY 9");
    publish(p, A, B);
    SEND(p, C);
    client_expect(c, "M 1 a; M 1 b; M 1 c");
    world_free(w);
}

/* The codec encodes what waits when it leaves. */
static void encoded_messages_wait_too(void **state)
{
    (void)state;
    struct world *w = world_that_gathers();
    struct client *p = world_connect(w);
    struct client *c = world_connect(w);
    client_identify(c, "{\"feature_negotiation\":true,\"snappy\":true}");
    struct nsq_frame answer;
    struct nsq_message none;
    assert_true(client_next(c, &answer, &none));
    client_put_on(c, snappy_codec());
    SEND(c, "SUB t c\nRDY 9\n");
    client_heard(c);
    publish(p, A, B);
    SEND(p, C);
    client_expect(c, "M 1 a");
    world_advance(w, PAUSE);
    client_expect(c, "M 1 b; M 1 c");
    world_free(w);
}

static void a_connection_that_ends_sends_what_waits(void **state)
{
    (void)state;
    struct world *w = world_that_gathers();
    struct client *p = world_connect(w);
    struct client *c = subscribe(w, "{}", "RDY 9");
    struct client *d = subscribe(w, "{}", "RDY 0");
    publish(p, A, B);
    client_expect(c, "M 1 a");
    SEND(c, "RDY x\n");
    assert_string_equal(client_heard(c), "M 1 b; E E_INVALID RDY could not parse count x; SHUT");
    client_expect_nothing(d);
    world_free(w);
}

static void the_end_of_the_server_sends_what_waits(void **state)
{
    (void)state;
    struct world *w = world_that_gathers();
    struct client *p = world_connect(w);
    struct client *c = subscribe(w, "{}", "RDY 9");
    publish(p, A, B);
    client_expect(c, "M 1 a");
    world_stop(w);
    client_expect(c, "M 1 b; CLOSED");
    world_free(w);
}

/* A timeout that has passed with others of the connection does not hide them. */
static void a_heartbeat_at_the_end_of_the_pause_is_sent(void **state)
{
    (void)state;
    struct world *w = world_that_gathers();
    struct client *p = world_connect(w);
    struct client *c = subscribe(w, "{\"heartbeat_interval\":1000}", "RDY 9");
    world_advance(w, TIME_SECOND - PAUSE);
    publish(p, A, B);
    client_expect(c, "M 1 a");
    world_advance(w, PAUSE);
    client_expect(c, "M 1 b; R _heartbeat_");
    world_free(w);
}

/* The write timeout, here 1 s, is the time that the peer has to accept output. What waits was not
 * offered to the peer yet. */
static void the_write_timeout_begins_when_messages_leave(void **state)
{
    (void)state;
    struct world *w = world_that_gathers();
    struct client *p = world_connect(w);
    struct client *c = subscribe(w, "{\"heartbeat_interval\":1000}", "RDY 9");
    publish(p, A, B);
    client_expect(c, "M 1 a");
    world_jump(w, TIME_SECOND + PAUSE); /* the machine was suspended */
    client_expect(c, "M 1 b; R _heartbeat_");
    world_free(w);
}

/* The peer has the whole write timeout, also for what a heartbeat takes along. */
static void a_pause_may_be_longer_than_the_write_timeout(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.serve.gather_timeout = 2 * TIME_SECOND;
    struct world *w = world_new(&config);
    struct client *p = world_connect(w);
    struct client *c =
        subscribe(w, "{\"heartbeat_interval\":1000,\"output_buffer_timeout\":30000}", "RDY 9");
    publish(p, A, B);
    client_expect(c, "M 1 a");
    client_stall(c, true);
    world_advance(w, TIME_SECOND);
    world_advance(w, TIME_SECOND - 1);
    SEND(c, "NOP\n");
    client_stall(c, false);
    client_expect(c, "M 1 b; R _heartbeat_");
    world_free(w);
}

/* The bytes are the same at every cut of the input. */
static void converse(struct world *w)
{
    struct client *p = world_connect(w);
    struct client *c = subscribe(w, "{\"output_buffer_size\":64}", "RDY 9");
    publish(p, A, B);
    world_advance(w, PAUSE / 2);
    publish(p, C, D);
    SEND(c, "RDY 4\nNOP\n");
    world_advance(w, PAUSE);
    SEND(p, B);
    world_advance(w, PAUSE);
}

static void cuts_change_nothing(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.serve.gather_timeout = PAUSE;
    cuts_check(&config, converse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_message_waits),
        cmocka_unit_test(the_pause_begins_again_when_messages_leave),
        cmocka_unit_test(a_reply_takes_along_what_waits),
        cmocka_unit_test(a_message_behind_a_reply_does_not_wait),
        cmocka_unit_test(the_last_message_that_RDY_allows_does_not_wait),
        cmocka_unit_test(a_full_buffer_does_not_wait),
        cmocka_unit_test(a_full_connection_does_not_wait),
        cmocka_unit_test(nothing_waits_for_a_client_that_wants_no_buffer),
        cmocka_unit_test(nothing_waits_longer_than_the_client_wants),
        cmocka_unit_test(nothing_waits_when_the_flag_is_0),
        cmocka_unit_test(encoded_messages_wait_too),
        cmocka_unit_test(a_connection_that_ends_sends_what_waits),
        cmocka_unit_test(the_end_of_the_server_sends_what_waits),
        cmocka_unit_test(a_heartbeat_at_the_end_of_the_pause_is_sent),
        cmocka_unit_test(the_write_timeout_begins_when_messages_leave),
        cmocka_unit_test(a_pause_may_be_longer_than_the_write_timeout),
        cmocka_unit_test(cuts_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
