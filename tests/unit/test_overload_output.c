/* SPDX-License-Identifier: MIT */
/*
 * Tests of what connections hold, on the whole engine: output of clients that do not read, and
 * input of clients that are not read from.
 */
#include "engine/engine.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/deflate.h"
#include "codec/snappy.h"
#include "session/session.h"
#include "support/calm.h"
#include "support/numbered.h"
#include "support/segments.h"
#include "support/stride.h"

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

/* --- bodies are stored once ---------------------------------------------------------------------
 */

#define READERS 2000
#define VALGRIND_STRIDE 25

/* Bytes that the process has allocated. Under a sanitizer the number does not change. */
static size_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static struct client *lone_reader(struct world *w, size_t number)
{
    char sub[64];
    int n = snprintf(sub, sizeof sub, "  V2SUB news c%zu\nRDY 1\n", number);
    struct client *c = world_arrive(w);
    client_post(c, span_make(sub, (size_t)n));
    return c;
}

/* Each of many consumers gets the same large message, and none of them reads. */
static void a_body_waits_once_for_all_consumers(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.log_level = LOG_FATAL;
    struct world *w = world_new(&config);
    size_t readers = READERS / stride(VALGRIND_STRIDE);
    struct client **c = alloc_zeroed(readers * sizeof *c);
    for (size_t i = 0; i < readers; i++) {
        c[i] = lone_reader(w, i);
    }
    world_settle(w);
    for (size_t i = 0; i < readers; i++) {
        client_expect_ok(c[i]);
        client_stall(c[i], true);
    }
    struct client *p = world_connect(w);
    size_t before = allocated();
    size_t used = world_used(w);
    numbered_post(p, "PUB news", 0, MIB);
    world_settle(w);
    client_expect_ok(p);
    assert_in_range(allocated() - before, 0, 3 * MIB + readers * 2 * KIB);
    assert_in_range(world_used(w) - used, MIB, MIB + readers * 512);
    for (size_t i = 0; i < readers; i++) {
        assert_int_equal(client_session(c[i])->consumer.in_flight_count, 1);
    }
    client_stall(c[0], false);
    world_settle(w);
    numbered_finish(c[0], 0, 1, 1);
    client_drop(c[1]);
    world_free(w);
    alloc_free(c);
}

/* --- through codecs -----------------------------------------------------------------------------
 */

#define AHEAD (64 * KIB)
#define ENCODED_BODY (600 * KIB)

/* A consumer whose output is compressed, and that does not read. */
static struct client *compressed_reader(struct world *w, bool snappy)
{
    struct client *c = world_connect(w);
    client_identify(c, snappy ? "{\"feature_negotiation\":true,\"snappy\":true}"
                              : "{\"feature_negotiation\":true,\"deflate\":true}");
    struct nsq_frame answer;
    struct nsq_message none;
    assert_true(client_next(c, &answer, &none));
    client_put_on(c, snappy ? snappy_codec() : deflate_codec(6));
    client_expect_ok(c);
    SEND(c, "SUB t c\nRDY 3\n");
    client_expect_ok(c);
    client_stall(c, true);
    return c;
}

/* Publishes a message that cannot be compressed. */
static void publish_noise(struct client *p, unsigned number)
{
    struct buf body = {0};
    uint64_t random = 1 + number;
    while (body.n < ENCODED_BODY) {
        uint64_t bits = segments_random(&random);
        buf_append(&body, span_make(&bits, sizeof bits));
    }
    client_send_body(p, "PUB t", buf_span(&body));
    client_expect_ok(p);
    buf_free(&body);
}

/* Takes `n` bytes at a time, until the client has received all messages. */
static void take_all(struct client *c, size_t n)
{
    for (size_t taken = 0; taken < 3 * ENCODED_BODY * 2 && c->unsent > 0; taken += n) {
        assert_in_range(client_conn(c)->out.n, 1, AHEAD);
        assert_in_range(output_memory(&client_conn(c)->out), 1, 2 * AHEAD);
        client_take(c, n);
    }
}

/* However much waits, only a little of it is encoded before the client reads. */
static void little_is_encoded_ahead(void **state)
{
    (void)state;
    for (int snappy = 0; snappy < 2; snappy++) {
        struct world *w = world_new(NULL);
        struct client *c = compressed_reader(w, snappy);
        struct client *p = world_connect(w);
        for (unsigned i = 0; i < 3; i++) {
            publish_noise(p, i);
        }
        assert_in_range(conn_unsent(client_conn(c)), ENCODED_BODY, 3 * ENCODED_BODY);
        take_all(c, 10000);
        assert_int_equal(client_events(c), 3);
        world_free(w);
    }
}

/* What waits is encoded and sent before the connection is closed. */
static void a_connection_that_ends_sends_all_that_waits(void **state)
{
    (void)state;
    for (int snappy = 0; snappy < 2; snappy++) {
        struct world *w = world_new(NULL);
        struct client *c = compressed_reader(w, snappy);
        struct client *p = world_connect(w);
        publish_noise(p, 0);
        SEND(c, "oops\n");
        assert_false(c->shut);
        take_all(c, 10000);
        client_stall(c, false);
        struct nsq_frame frame;
        struct nsq_message message;
        assert_true(client_next(c, &frame, &message) && frame.type == NSQ_FRAME_MESSAGE);
        assert_int_equal(message.body.n, ENCODED_BODY);
        client_expect(c, "E E_INVALID invalid command oops; SHUT");
        world_free(w);
    }
}

/* --- the output of all connections together --------------------------------------------------- */

#define SHARE                                                                                      \
    (1024 * KIB) /* of 4 MiB: bytes that all outputs may hold before the low mark applies to each  \
                  */
#define SLEEPERS 60
#define WIDE (20 * KIB)
#define WIDES 20

static size_t output_held(struct client *const crowd[], size_t n)
{
    size_t held = 0;
    for (size_t i = 0; i < n; i++) {
        held += client_conn(crowd[i])->out.own.cap;
    }
    return held;
}

static void fall_asleep(struct world *w, struct client *sleepers[])
{
    for (size_t i = 0; i < SLEEPERS; i++) {
        char sub[64];
        snprintf(sub, sizeof sub, "SUB wide c%zu\nRDY 2500\n", i);
        sleepers[i] = world_connect(w);
        client_send(sleepers[i], span_make(sub, strlen(sub)));
        client_expect_ok(sleepers[i]);
        client_stall(sleepers[i], true);
    }
}

/* A message is stored once, and is in as many outputs as there are channels. */
static void many_clients_that_never_read_have_little_output_each(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.broker.mem_queue_bytes = 4 * SHARE;
    config.log_level = LOG_FATAL;
    struct world *w = world_new(&config);
    struct calm calm;
    struct client *sleepers[SLEEPERS];
    calm_begin(&calm, w);
    fall_asleep(w, sleepers);
    struct client *p = world_connect(w);
    for (unsigned i = 0; i < WIDES; i++) {
        numbered_post(p, "PUB wide", i, WIDE);
        calm_check(&calm);
        client_expect_ok(p);
        size_t each = 2 * (CONN_LOW_WATER + WIDE + 64); /* a buffer doubles */
        assert_in_range(output_held(sleepers, SLEEPERS), 0, SHARE + SLEEPERS * each);
    }
    for (size_t i = 0; i < SLEEPERS; i++) { /* they begin to read, and have missed nothing */
        client_stall(sleepers[i], false);
        calm_check(&calm);
        numbered_finish(sleepers[i], 0, WIDES, 1);
    }
    assert_int_equal(w->engine->serve.buffered, 0);
    world_free(w);
}

/* A consumer with a channel of its own, which does not read by itself. */
static struct client *sleeper(struct world *w, const char *channel, int rdy)
{
    struct client *c = world_connect(w);
    client_sendf(c, "SUB wide %s\nRDY %d\n", channel, rdy);
    client_expect_ok(c);
    client_stall(c, true);
    return c;
}

static int64_t in_flight(const struct client *c)
{
    return client_session(c)->consumer.in_flight_count;
}

#define SLIM 500 /* bytes; such a body is copied into the output */
#define SLIMS 1500
#define SLIM_FRAME (8 + 26 + SLIM)

/* While all outputs together are too large, the low mark applies to a client that is sent more,
 * until its output has drained. */
static void a_client_that_has_drained_may_have_much_output_again(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.broker.mem_queue_bytes = 4 * SHARE;
    struct world *w = world_new(&config);
    struct client *a = sleeper(w, "a", 2500);
    struct client *b = sleeper(w, "b", 0);
    struct client *p = world_connect(w);
    w->engine->serve.config.buffered_most =
        300 * KIB; /* more than 256 KiB, which is a size of buffers */
    for (unsigned i = 0; i < SLIMS; i++) {
        numbered_post(p, "PUB wide", i, SLIM);
    }
    world_settle(w);
    unsigned much = 256 * KIB / SLIM_FRAME + 1; /* with this many the buffer grows past the bound */
    assert_int_equal(in_flight(a), much);
    assert_int_equal(client_conn(a)->limit, CONN_LOW_WATER);
    SEND(b, "RDY 2500\n");
    unsigned few = CONN_LOW_WATER / SLIM_FRAME + 1;
    assert_int_equal(in_flight(b), few);
    client_take(a, much * SLIM_FRAME - CONN_LOW_WATER - 1);
    assert_int_equal(in_flight(a), much); /* not yet */
    client_take(a, 1);
    assert_int_equal(in_flight(a), much + 1);
    client_take(a, CONN_LOW_WATER + SLIM_FRAME);
    assert_int_equal(in_flight(a), 2 * much + 1);
    client_stall(a, false);
    client_take(b, few * SLIM_FRAME);
    assert_int_equal(in_flight(b), few + much);
    client_stall(b, false);
    numbered_finish(a, 0, SLIMS, 1);
    numbered_finish(b, 0, SLIMS, 1);
    assert_int_equal(w->engine->serve.buffered, 0);
    world_free(w);
}

/* Input that the shell keeps for a connection that is not read from. */
static void input_that_waits_counts(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.serve.high_water = 1000;
    struct world *w = world_new(&config);
    struct client *p = world_connect(w);
    client_stall(p, true);
    for (unsigned i = 0; i < 200; i++) {
        numbered_post(p, "PUB t", i, 100);
    }
    world_settle(w);
    assert_int_equal(p->rest.n, (200 - 101) * (6 + 4 + 100));
    assert_int_equal(w->engine->serve.buffered, p->rest.n + client_conn(p)->out.own.cap);
    client_stall(p, false);
    assert_int_equal(w->engine->serve.buffered, 0);
    client_stall(p, true);
    for (unsigned i = 0; i < 200; i++) {
        numbered_post(p, "PUB t", i, 100);
    }
    world_settle(w);
    assert_in_range(w->engine->serve.buffered, p->rest.n, SIZE_MAX);
    client_drop(p);
    assert_int_equal(w->engine->serve.buffered, 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_waits_once_for_all_consumers),
        cmocka_unit_test(little_is_encoded_ahead),
        cmocka_unit_test(a_connection_that_ends_sends_all_that_waits),
        cmocka_unit_test(many_clients_that_never_read_have_little_output_each),
        cmocka_unit_test(a_client_that_has_drained_may_have_much_output_again),
        cmocka_unit_test(input_that_waits_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
