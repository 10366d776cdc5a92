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
    struct client **c = alloc_zeroed(readers * sizeof(struct client *));
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
static struct client *compressed_reader(struct world *w, bool snappy, size_t channel, int rdy)
{
    struct client *c = world_connect(w);
    client_identify(c, snappy ? "{\"feature_negotiation\":true,\"snappy\":true}"
                              : "{\"feature_negotiation\":true,\"deflate\":true}");
    struct nsq_frame answer;
    struct nsq_message none;
    assert_true(client_next(c, &answer, &none));
    client_put_on(c, snappy ? snappy_codec() : deflate_codec(6));
    client_expect_ok(c);
    client_sendf(c, "SUB t c%zu\nRDY %d\n", channel, rdy);
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
        struct client *c = compressed_reader(w, snappy, 0, 3);
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
        struct client *c = compressed_reader(w, snappy, 0, 3);
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

/* --- what all connections hold together ------------------------------------------------------- */

#define SHARE (1024 * KIB) /* bytes that connections may hold; a quarter of the cap */
#define SLEEPERS 60
#define SLIM 500 /* bytes; such a body is copied into the output */
#define SLIMS 400
#define SLIM_FRAME (8 + 26 + SLIM)

static size_t held(const struct world *w)
{
    return w->engine->broker.core.budget.held;
}

static struct world *world_with_share(size_t share)
{
    struct engine_config config = world_config();
    config.broker.mem_queue_bytes = BUDGET_HELD_PART * share;
    config.log_level = LOG_FATAL;
    return world_new(&config);
}

/* A consumer with a channel of its own, which does not read by itself. */
static struct client *sleeper(struct world *w, size_t channel, int rdy)
{
    struct client *c = world_connect(w);
    client_sendf(c, "SUB slim c%zu\nRDY %d\n", channel, rdy);
    client_expect_ok(c);
    client_stall(c, true);
    return c;
}

/* A small message is copied into as many outputs as there are channels. */
static void many_clients_that_never_read_hold_their_share(void **state)
{
    (void)state;
    struct world *w = world_with_share(SHARE);
    struct calm calm;
    struct client *sleepers[SLEEPERS];
    calm_begin(&calm, w);
    for (size_t i = 0; i < SLEEPERS; i++) {
        sleepers[i] = sleeper(w, i, 2500);
    }
    struct client *p = world_connect(w);
    for (unsigned i = 0; i < SLIMS; i++) {
        numbered_post(p, "PUB slim", i, SLIM);
        calm_check(&calm);
        client_expect_ok(p);
        assert_in_range(held(w), 0, 2 * SHARE); /* a buffer doubles */
    }
    assert_in_range(held(w), SHARE, 2 * SHARE);
    for (size_t i = 0; i < SLEEPERS; i++) { /* they begin to read, and have missed nothing */
        client_stall(sleepers[i], false);
        calm_check(&calm);
        numbered_finish(sleepers[i], 0, SLIMS, 1);
    }
    assert_int_equal(held(w), 0);
    world_free(w);
}

static int64_t in_flight(const struct client *c)
{
    return client_session(c)->consumer.in_flight_count;
}

/* While connections hold too much, a client with unsent output gets no more, until it has read all
 * of it. Then its high-water mark is as before. */
static void a_client_that_has_drained_may_have_much_output_again(void **state)
{
    (void)state;
    const unsigned posts = 1500;
    struct world *w = world_with_share(300 * KIB); /* more than 256 KiB, a size of buffers */
    struct client *a = sleeper(w, 0, 2500);
    struct client *b = sleeper(w, 1, 0);
    struct client *p = world_connect(w);
    for (unsigned i = 0; i < posts; i++) {
        numbered_post(p, "PUB slim", i, SLIM);
    }
    world_settle(w);
    unsigned much = 256 * KIB / SLIM_FRAME + 1; /* with this many the buffer grows past the share */
    assert_int_equal(in_flight(a), much);
    assert_int_equal(client_conn(a)->limit, 0);
    SEND(b, "RDY 2500\n");
    assert_int_equal(in_flight(b), 1);
    client_take(a, much * SLIM_FRAME - 1);
    assert_int_equal(in_flight(a), much); /* not yet */
    client_take(a, 1);
    assert_int_equal(in_flight(a), 2 * much);
    client_stall(a, false);
    client_take(b, SLIM_FRAME);
    assert_int_equal(in_flight(b), 1 + much);
    client_stall(b, false);
    numbered_finish(a, 0, posts, 1);
    numbered_finish(b, 0, posts, 1);
    assert_int_equal(held(w), 0);
    world_free(w);
}

/* A client with unsent output is not read from, and others still have their turn. */
static void past_the_share_commands_wait_for_their_replies_to_be_read(void **state)
{
    (void)state;
    struct world *w = world_with_share(60 * KIB);
    struct client *a = sleeper(w, 0, 2500);
    struct client *p = world_connect(w);
    for (unsigned i = 0; i < 200; i++) {
        numbered_post(p, "PUB slim", i, SLIM);
    }
    world_settle(w);
    assert_int_equal(client_events(p), 200); /* it reads, so it is read from */
    assert_true(budget_share_is_passed(&w->engine->broker.core.budget));
    struct client *deaf = world_connect(w);
    client_stall(deaf, true);
    SEND(deaf, "PUB t\n\0\0\0\1aPUB t\n\0\0\0\1b");
    assert_int_equal(deaf->unsent, 10);
    assert_int_equal(deaf->kept, 11);
    client_stall(deaf, false);
    client_expect(deaf, "R OK; R OK");
    client_stall(a, false);
    world_settle(w);
    assert_int_equal(held(w), 0);
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
    assert_int_equal(held(w), p->rest.n + client_conn(p)->out.own.cap);
    client_stall(p, false);
    assert_int_equal(held(w), 0);
    client_stall(p, true);
    for (unsigned i = 0; i < 200; i++) {
        numbered_post(p, "PUB t", i, 100);
    }
    world_settle(w);
    assert_in_range(held(w), p->rest.n, SIZE_MAX);
    client_drop(p);
    assert_int_equal(held(w), 0);
    world_free(w);
}

/* Past the share, less is encoded for each connection. */
static void past_the_share_little_is_encoded(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *c[30];
    const size_t count = sizeof c / sizeof c[0];
    for (size_t i = 0; i < count; i++) {
        c[i] = compressed_reader(w, true, i, 0);
    }
    struct client *p = world_connect(w);
    publish_noise(p, 0);
    w->engine->broker.core.budget.cap = BUDGET_HELD_PART * MIB / 2;
    for (size_t i = 0; i < count; i++) {
        SEND(c[i], "RDY 1\n");
        assert_int_equal(in_flight(c[i]), 1);
    }
    assert_in_range(held(w), MIB / 2, MIB / 2 + 128 * KIB + count * 8 * KIB);
    world_free(w);
}

/* --- input that is kept -------------------------------------------------------------------- */

#define HELD_CLIENTS 1500
#define BEHIND (64 * KIB)

static size_t kept_by_all(struct client *const *clients, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        kept += clients[i]->kept;
    }
    return kept;
}

/* Each of many clients waits for the auth server, and has sent much behind its AUTH. */
static void clients_that_wait_for_their_auth_hold_little_input(void **state)
{
    (void)state;
    static const char *const servers[] = {"127.0.0.1:4181"};
    struct engine_config config = world_config();
    config.broker.mem_queue_bytes = 32 * MIB;
    config.auth.servers = servers;
    config.auth.server_count = 1;
    config.log_level = LOG_FATAL;
    struct world *w = world_new(&config);
    size_t count = HELD_CLIENTS / stride(VALGRIND_STRIDE);
    struct client **c = alloc_zeroed(count * sizeof(struct client *));
    struct buf behind = {0};
    while (behind.n < BEHIND) {
        buf_append(&behind, SPAN("NOP\n"));
    }
    for (size_t i = 0; i < count; i++) {
        c[i] = world_arrive(w);
        client_post(c[i], SPAN("  V2AUTH\n\0\0\0\1x"));
        client_post(c[i], buf_span(&behind));
    }
    world_settle(w);
    size_t kept = kept_by_all(c, count);
    assert_in_range(kept, count * KIB, 8 * MIB + BEHIND + count * CONN_READ_LITTLE);
    assert_in_range(held(w), kept, kept + count * KIB);
    for (size_t i = 0; i < count; i++) {
        client_drop(c[i]);
    }
    assert_int_equal(held(w), 0);
    buf_free(&behind);
    world_free(w);
    alloc_free(c);
}

/* Lines that have arrived in part are held too. Past the share a long one ends its connection. */
static void past_the_share_a_long_line_must_arrive_in_one_piece(void **state)
{
    (void)state;
    struct world *w = world_with_share(64 * KIB);
    struct buf nop = {0};
    buf_append(&nop, SPAN("NOP "));
    memset(buf_room(&nop, 2044), 'x', 2044);
    buf_grew(&nop, 2044);
    size_t closed = 0;
    for (size_t i = 0; i < 100; i++) {
        struct client *c = world_connect(w);
        client_send(c, buf_span(&nop));
        assert_false(c->shut);
        SEND(c, "x");
        closed += c->shut;
        assert_in_range(held(w), 0, 64 * KIB + 2 * 4096 + 100 * 2200);
    }
    assert_in_range(closed, 60, 90);
    buf_free(&nop);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_waits_once_for_all_consumers),
        cmocka_unit_test(little_is_encoded_ahead),
        cmocka_unit_test(a_connection_that_ends_sends_all_that_waits),
        cmocka_unit_test(many_clients_that_never_read_hold_their_share),
        cmocka_unit_test(a_client_that_has_drained_may_have_much_output_again),
        cmocka_unit_test(past_the_share_commands_wait_for_their_replies_to_be_read),
        cmocka_unit_test(input_that_waits_counts),
        cmocka_unit_test(past_the_share_little_is_encoded),
        cmocka_unit_test(clients_that_wait_for_their_auth_hold_little_input),
        cmocka_unit_test(past_the_share_a_long_line_must_arrive_in_one_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
