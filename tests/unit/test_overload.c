/* SPDX-License-Identifier: MIT */
/*
 * Tests of what one kind of client can do to all others, on the whole engine: clients that do not
 * read, that send a byte a second, that send nonsense, that come and go. Each time two other
 * clients (support/calm.h) must not notice anything. The memory that the engine uses stays below a
 * bound that follows from its limits, and at the end it is what it was before. Other files:
 * test_tcp_server.c (file descriptors), test_overload_memory.c (memory), test_overload_mixed.c
 * (everything at once).
 */
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "session/session.h"
#include "support/calm.h"
#include "support/numbered.h"
#include "support/stride.h"

#define S TIME_SECOND
#define VALGRIND_STRIDE 25
#define HIGH_WATER 65536 /* bytes; lower than the default, so that tests need to send less */
#define KIB ((size_t)1024)

static struct engine_config config_here(void)
{
    struct engine_config config = world_config();
    config.serve.high_water = HIGH_WATER;
    config.log_level = LOG_ERROR;
    return config;
}

static struct world *world_here(void)
{
    struct engine_config config = config_here();
    return world_new(&config);
}

static size_t topic_depth(struct world *w, const char *name)
{
    return broker_find_topic(&w->engine->broker, span_make(name, strlen(name)))->queue.n;
}

/* --- a consumer that never reads -------------------------------------------------------------- */

#define LARGE (10 * KIB)
#define FITS 7 /* messages of LARGE bytes after which the output is above HIGH_WATER */

/* Publishes 40 messages. The consumer does not read and gets FITS of them. */
static struct client *stuck_consumer(struct world *w, struct calm *calm)
{
    struct client *stuck = world_connect(w);
    client_identify(stuck, "{\"msg_timeout\":2000,\"heartbeat_interval\":20000}");
    SEND(stuck, "SUB news readers\nRDY 2500\n");
    client_expect(stuck, "R OK; R OK");
    client_stall(stuck, true);
    struct client *p = world_connect(w);
    for (unsigned i = 0; i < 40; i++) {
        numbered_post(p, "PUB news", i, LARGE);
        calm_check(calm);
        client_expect_ok(p);
        assert_in_range(client_conn(stuck)->out.n, 0, HIGH_WATER + LARGE + 64);
        assert_in_range(output_memory(&client_conn(stuck)->out), 0, 4 * KIB);
    }
    client_forget(p);
    assert_int_equal(client_session(stuck)->consumer.in_flight_count, FITS);
    return stuck;
}

static struct client *good_reader(struct world *w, int rdy)
{
    struct client *c = world_connect(w);
    client_sendf(c, "SUB news readers\nRDY %d\n", rdy);
    client_expect_ok(c);
    return c;
}

/* `other` takes the rest at once, and the stuck consumer's messages after their timeout, `seconds`
 * later. */
static void take_over(struct client *other, struct calm *calm, int seconds)
{
    SEND(other, "RDY 1\n");
    numbered_finish(other, FITS, 40, 1);
    calm_pass(calm, seconds - 1);
    client_expect_nothing(other);
    calm_pass(calm, 1);
    numbered_finish(other, 0, FITS, 2);
}

/* Its messages time out and are delivered to others; meanwhile it gets no more. */
static void a_consumer_that_never_reads(void **state)
{
    (void)state;
    struct world *w = world_here();
    struct calm calm;
    calm_begin(&calm, w);
    struct client *other = good_reader(w, 0);
    size_t before = world_used(w);
    struct client *stuck = stuck_consumer(w, &calm);
    take_over(other, &calm, 2);
    assert_int_equal(client_session(stuck)->consumer.in_flight_count, 0);
    client_expect_nothing(other);
    calm_pass(&calm, 17);
    assert_false(stuck->closed);
    calm_pass(&calm, 1); /* it had 20 s to read something */
    assert_true(stuck->closed);
    world_expect_log(w, "ERROR client(10.0.0.4:4000) - output not taken in time, closing");
    assert_int_equal(world_used(w), before);
    world_free(w);
}

/* As in nsqd, its messages wait for their timeouts even after the connection has ended. */
static void a_consumer_that_never_reads_and_disconnects(void **state)
{
    (void)state;
    struct world *w = world_here();
    struct calm calm;
    calm_begin(&calm, w);
    struct client *other = good_reader(w, 0);
    size_t before = world_used(w);
    struct client *stuck = stuck_consumer(w, &calm);
    calm_pass(&calm, 1);
    client_forget(stuck);
    take_over(other, &calm, 1);
    assert_int_equal(world_used(w), before);
    world_free(w);
}

/* It reads a little from time to time, so it is not closed. Messages are delivered when there is
 * room for them. */
static void a_consumer_that_reads_slowly(void **state)
{
    (void)state;
    struct world *w = world_here();
    struct calm calm;
    calm_begin(&calm, w);
    struct client *slow = stuck_consumer(w, &calm);
    for (int i = 0; i < 60; i++) {
        client_take(slow, KIB);
        assert_in_range(slow->unsent, HIGH_WATER - KIB, HIGH_WATER + LARGE + 64);
        client_post(slow, SPAN("NOP\n"));
        calm_pass(&calm, 1);
        assert_in_range(client_conn(slow)->out.n, HIGH_WATER - KIB, HIGH_WATER + LARGE + 64);
    }
    assert_false(slow->closed);
    world_free(w);
}

/* --- a publisher that never reads its OKs ----------------------------------------------------- */

#define OK_FRAME 10 /* bytes */
#define PUBLISHED 12000U

struct deaf {
    struct calm calm;
    struct client *consumer;
    struct client *publisher; /* has posted PUBLISHED messages */
    size_t before;
};

static void deaf_begin(struct deaf *d, struct world *w)
{
    calm_begin(&d->calm, w);
    d->consumer = good_reader(w, 100);
    SEND(d->consumer, "RDY 100\n");
    d->before = world_used(w);
    d->publisher = world_connect(w);
    client_stall(d->publisher, true);
    struct buf b = {0};
    for (unsigned i = 0; i < PUBLISHED; i++) {
        numbered_command(&b, "PUB news", i, 16);
    }
    client_post(d->publisher, buf_span(&b));
    buf_free(&b);
    calm_check(&d->calm);
}

/* The server reads from it until its OKs fill the output, and not one byte more. */
static void expect_stopped(const struct deaf *d, unsigned published)
{
    assert_int_equal(d->publisher->unsent, published * OK_FRAME);
    assert_in_range(d->publisher->unsent, HIGH_WATER + 1, HIGH_WATER + OK_FRAME);
    assert_int_equal(d->publisher->want, WANT_WRITE);
    assert_int_equal(d->publisher->rest.n, (PUBLISHED - published) * (9 + 4 + 16));
}

/* When it reads again, the server continues where it stopped, and nothing is lost. */
static void a_publisher_that_does_not_read_for_a_while(void **state)
{
    (void)state;
    struct world *w = world_here();
    struct deaf d;
    deaf_begin(&d, w);
    unsigned fit = HIGH_WATER / OK_FRAME + 1;
    expect_stopped(&d, fit);
    numbered_finish(d.consumer, 0, fit, 1);
    calm_pass(&d.calm, 25);
    expect_stopped(&d, fit);
    assert_false(d.publisher->closed);
    client_stall(d.publisher, false);
    calm_check(&d.calm);
    assert_int_equal(d.publisher->rest.n, 0);
    for (unsigned i = 0; i < PUBLISHED; i++) {
        client_expect_ok(d.publisher);
    }
    client_expect_nothing(d.publisher);
    numbered_finish(d.consumer, fit, PUBLISHED, 1);
    client_forget(d.publisher);
    assert_int_equal(world_used(w), d.before);
    world_free(w);
}

/* In the end it is closed. The messages that were answered are there, although it never read the
 * answers. */
static void a_publisher_that_never_reads(void **state)
{
    (void)state;
    struct world *w = world_here();
    struct deaf d;
    deaf_begin(&d, w);
    unsigned fit = HIGH_WATER / OK_FRAME + 1;
    numbered_finish(d.consumer, 0, fit, 1);
    calm_pass(&d.calm, 30);
    assert_true(d.publisher->closed);
    assert_int_equal(topic_depth(w, "news"), 0);
    client_expect(d.consumer, "R _heartbeat_");
    assert_int_equal(world_used(w), d.before);
    world_free(w);
}

/* --- thousands that send a byte a second ------------------------------------------------------ */

#define SLOW_MOST                                                                                  \
    (8 * KIB) /* bytes that each may cost: its session, and 4 KiB of a body of 64 KiB */

/* What each of them sends: `first` at once, then one byte a second, repeatedly. */
static const struct slow_kind {
    const char *first;
    size_t first_n;
    const char *then;
    const char *heard; /* what it receives within a minute; NULL: it stays connected */
} slow_kinds[] = {
    {"  V2", 4, "PUB a_topic_whose_name_takes_its_time_", "R _heartbeat_; SHUT"},
    {"  V2PUB slow\n\0\1\0\0", 17, "x",
     "R _heartbeat_; E E_BAD_MESSAGE PUB failed to read message body; SHUT"},
    {"  V2", 4, "NOP\n", NULL},
};

#define SLOW_KINDS (sizeof slow_kinds / sizeof slow_kinds[0])

static void slow_second(struct world *w, struct client *const crowd[], size_t n, size_t second)
{
    world_advance(w, S);
    for (size_t i = 0; i < n; i++) {
        const char *then = slow_kinds[i % SLOW_KINDS].then;
        client_post(crowd[i], span_make(then + second % strlen(then), 1));
    }
}

static void expect_slow(struct client *c, const struct slow_kind *kind)
{
    if (kind->heard == NULL) {
        assert_false(c->shut);
        assert_true(client_events(c) >= 1); /* heartbeats */
        client_heard(c);
    } else {
        client_expect(c, kind->heard);
    }
}

/* nsqd's deadline is for a whole command with its body: two heartbeat intervals from the end of the
 * command before. Bytes that arrive in between do not move it. */
static void thousands_that_send_a_byte_a_second(void **state)
{
    (void)state;
    enum { MOST = 5000 };
    static struct client *crowd[MOST];
    size_t n = MOST / stride(VALGRIND_STRIDE);
    struct engine_config config = config_here();
    config.log_level = LOG_FATAL;
    struct world *w = world_new(&config);
    struct calm calm;
    calm_begin(&calm, w);
    size_t before = world_used(w);
    for (size_t i = 0; i < n; i++) {
        const struct slow_kind *kind = &slow_kinds[i % SLOW_KINDS];
        crowd[i] = world_arrive(w);
        client_post(crowd[i], span_make(kind->first, kind->first_n));
    }
    calm_check(&calm);
    for (size_t second = 0; second < 59; second++) {
        slow_second(w, crowd, n, second);
        calm_check(&calm);
        assert_in_range(world_used(w), before, before + n * SLOW_MOST);
    }
    world_advance(w, S - 1);
    assert_int_equal(w->engine->serve.conn_count, n + 2);
    world_advance(w, 1);
    calm_check(&calm);
    for (size_t i = 0; i < n; i++) {
        expect_slow(crowd[i], &slow_kinds[i % SLOW_KINDS]);
    }
    calm_pass(&calm, 1); /* they had one second to receive it */
    assert_int_equal(w->engine->serve.conn_count, n / SLOW_KINDS + 2);
    for (size_t i = 0; i < n; i++) {
        client_forget(crowd[i]);
    }
    calm_check(&calm);
    assert_int_equal(world_used(w), before);
    world_free(w);
}

/* --- a flood of bad commands ------------------------------------------------------------------ */

static const struct nonsense {
    const char *sent;
    size_t n;
    const char *heard;
} nonsense[] = {
#define SENT(literal) literal, sizeof(literal) - 1
    {SENT("  V2FOO\n"), "E E_INVALID invalid command FOO; SHUT"},
    {SENT("  V2PUB\n"), "E E_INVALID PUB insufficient number of parameters; SHUT"},
    {SENT("  V2PUB t\n\0\0\0\0"), "E E_BAD_MESSAGE PUB invalid message body size 0; SHUT"},
    {SENT("  V2PUB t\n\x7f\xff\xff\xff"),
     "E E_BAD_MESSAGE PUB message too big 2147483647 > 1048576; SHUT"},
    {SENT("  V2RDY 1\n"), "E E_INVALID cannot RDY in current state; SHUT"},
    {SENT("  V2MPUB calm\n\0\0\0\x8\x7f\xff\xff\xff"),
     "E E_BAD_BODY MPUB invalid message count 2147483647; SHUT"},
    {SENT("GET / HTTP/1.1\r\n\r\n"), "E E_BAD_PROTOCOL; SHUT"},
};

#define NONSENSE (sizeof nonsense / sizeof nonsense[0])
#define AT_A_TIME 140

/* A third of them shuts down its sending side, a third sends more and more, a third does neither.
 * None stays for more than a second. */
static void nonsense_goes(struct calm *calm, struct client *const crowd[])
{
    static const uint8_t more[CONN_LINGER_BYTES + 1];
    for (size_t i = 0; i < AT_A_TIME; i++) {
        crowd[i]->ended = i % 3 == 0;
        client_post(crowd[i], span_make(more, i % 3 == 1 ? sizeof more : 0));
    }
    calm_check(calm);
    for (size_t i = 0; i < AT_A_TIME; i++) {
        assert_int_equal(crowd[i]->closed, i % 3 != 2);
    }
    calm_pass(calm, 1);
    for (size_t i = 0; i < AT_A_TIME; i++) {
        assert_true(crowd[i]->closed);
        client_forget(crowd[i]);
    }
}

static void nonsense_by_thousands(void **state)
{
    (void)state;
    struct engine_config config = config_here();
    config.log_level = LOG_FATAL;
    config.serve.max_connections = AT_A_TIME + 2;
    struct world *w = world_new(&config);
    struct calm calm;
    struct client *crowd[AT_A_TIME];
    calm_begin(&calm, w);
    size_t before = world_used(w);
    for (size_t times = 0; times < 35 / stride(VALGRIND_STRIDE) + 1; times++) {
        for (size_t i = 0; i < AT_A_TIME; i++) {
            crowd[i] = world_arrive(w);
            client_post(crowd[i], span_make(nonsense[i % NONSENSE].sent, nonsense[i % NONSENSE].n));
        }
        calm_check(&calm);
        for (size_t i = 0; i < AT_A_TIME; i++) {
            client_expect(crowd[i], nonsense[i % NONSENSE].heard);
        }
        nonsense_goes(&calm, crowd);
        assert_int_equal(world_used(w), before);
    }
    assert_int_equal(w->engine->serve.conn_count, 2);
    world_free(w);
}

/* --- a flood of errors that end nothing ------------------------------------------------------- */

#define FLOOD 5000
#define LOST "0123456789abcdef" /* no message has this id */

static const struct lost_kind {
    const char *sent;
    const char *heard;
} lost_kinds[] = {
    {"FIN " LOST "\n", "E_FIN_FAILED FIN " LOST " failed ID not in flight"},
    {"REQ " LOST " 0\n", "E_REQ_FAILED REQ " LOST " failed ID not in flight"},
    {"TOUCH " LOST "\n", "E_TOUCH_FAILED TOUCH " LOST " failed ID not in flight"},
};

static struct client *flooder(struct world *w)
{
    struct client *c = world_connect(w);
    SEND(c, "SUB news readers\n");
    client_expect_ok(c);
    client_stall(c, true);
    for (int i = 0; i < FLOOD; i++) {
        const char *sent = lost_kinds[i % 3].sent;
        client_post(c, span_make(sent, strlen(sent)));
    }
    return c;
}

/* Errors are normal output: a client that does not read them is not read from, and is closed in
 * time. */
static void errors_that_nobody_reads(void **state)
{
    (void)state;
    struct engine_config config = config_here();
    config.log_level = LOG_FATAL;
    struct world *w = world_new(&config);
    struct calm calm;
    calm_begin(&calm, w);
    struct client *c = flooder(w);
    calm_check(&calm);
    size_t before = world_used(w);
    for (int i = 0; i < 29; i++) {
        calm_pass(&calm, 1);
        assert_in_range(c->unsent, HIGH_WATER + 1, HIGH_WATER + 100);
        assert_true(c->rest.n > 0);
        assert_int_equal(world_used(w), before);
    }
    calm_pass(&calm, 1);
    assert_true(c->closed);
    world_free(w);
}

/* A client that reads them is served on, and gets messages too. */
static void errors_that_somebody_reads(void **state)
{
    (void)state;
    struct engine_config config = config_here();
    config.log_level = LOG_FATAL;
    struct world *w = world_new(&config);
    struct calm calm;
    calm_begin(&calm, w);
    struct client *c = flooder(w);
    calm_check(&calm);
    client_stall(c, false);
    calm_check(&calm);
    for (int i = 0; i < FLOOD; i++) {
        const char *heard = lost_kinds[i % 3].heard;
        client_expect_frame(c, NSQ_FRAME_ERROR, span_make(heard, strlen(heard)));
    }
    SEND(c, "RDY 1\nPUB news\n\0\0\0\x8"
            "00000000");
    client_expect_ok(c);
    numbered_finish(c, 0, 1, 1);
    client_expect_nothing(c);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_consumer_that_never_reads),
        cmocka_unit_test(a_consumer_that_never_reads_and_disconnects),
        cmocka_unit_test(a_consumer_that_reads_slowly),
        cmocka_unit_test(a_publisher_that_does_not_read_for_a_while),
        cmocka_unit_test(a_publisher_that_never_reads),
        cmocka_unit_test(thousands_that_send_a_byte_a_second),
        cmocka_unit_test(nonsense_by_thousands),
        cmocka_unit_test(errors_that_nobody_reads),
        cmocka_unit_test(errors_that_somebody_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
