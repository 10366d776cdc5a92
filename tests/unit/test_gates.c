/* SPDX-License-Identifier: MIT */
/*
 * Checks that one call of the engine does a bounded amount of work, whatever its clients have sent
 * and whatever they leave behind. The work is not measured by the engine's own count of effort
 * (base/effort.h), but by the calls of the allocator: each message that is stored, moved, delivered
 * or freed needs some. The Makefile has the linker put the functions of this file in front of the
 * allocator's.
 *
 * tests/soak/gates.c checks the same on real sockets, in processor time.
 */
#include "support/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define UNITS 140 /* of effort that a call may use */

/* Calls of the allocator in one call of the engine: at most one for each unit, and one more
 * command, which may pass the end of the allowance. */
#define WORK_MOST (UNITS + 20)

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker needs these names. */
void *__real_alloc_zeroed(size_t n);
void *__real_alloc_resize(void *p, size_t n);
void __real_alloc_free(void *p);
void *__wrap_alloc_zeroed(size_t n);
void *__wrap_alloc_resize(void *p, size_t n);
void __wrap_alloc_free(void *p);
/* NOLINTEND(bugprone-reserved-identifier) */

static struct {
    struct tcp_handler handler; /* the engine's */
    size_t work;                /* of the current call */
    bool inside;                /* a call is running */
    size_t largest;             /* of all that was allocated in calls, in bytes */
    size_t most;                /* of any call */
    const char *most_in;
    size_t calls;
} seen;

static void note_size(size_t n)
{
    seen.largest = seen.inside && n > seen.largest ? n : seen.largest;
}

/* NOLINTBEGIN(bugprone-reserved-identifier) */
void *__wrap_alloc_zeroed(size_t n)
{
    seen.work++;
    note_size(n);
    return __real_alloc_zeroed(n);
}

void *__wrap_alloc_resize(void *p, size_t n)
{
    seen.work++;
    note_size(n);
    return __real_alloc_resize(p, n);
}

void __wrap_alloc_free(void *p)
{
    seen.work += p != NULL;
    __real_alloc_free(p);
}
/* NOLINTEND(bugprone-reserved-identifier) */

/* --- the engine, with counts ------------------------------------------------------------------ */

static void begin_call(void)
{
    seen.work = 0;
    seen.inside = true;
}

static void end_call(const char *name)
{
    seen.inside = false;
    if (seen.work > seen.most) {
        seen.most = seen.work;
        seen.most_in = name;
    }
    seen.calls++;
}

static size_t on_recv(void *self, uint64_t conn, struct span in, int64_t now)
{
    begin_call();
    size_t n = seen.handler.recv(self, conn, in, now);
    end_call("recv");
    return n;
}

static void on_eof(void *self, uint64_t conn, int64_t now)
{
    begin_call();
    seen.handler.eof(self, conn, now);
    end_call("eof");
}

static void on_closed(void *self, uint64_t conn, enum closed_reason reason, int64_t now)
{
    begin_call();
    seen.handler.closed(self, conn, reason, now);
    end_call("closed");
}

static void on_sent(void *self, uint64_t conn, size_t n, int64_t now)
{
    begin_call();
    seen.handler.sent(self, conn, n, now);
    end_call("sent");
}

static void on_step(void *self, int64_t now, int64_t judged)
{
    begin_call();
    seen.handler.step(self, now, judged);
    end_call("step");
}

static struct world *counted_world(void)
{
    struct engine_config config = world_config();
    config.broker.effort_a_call = UNITS;
    struct world *w = world_new(&config);
    seen.handler = w->handler;
    w->handler.recv = on_recv;
    w->handler.eof = on_eof;
    w->handler.closed = on_closed;
    w->handler.sent = on_sent;
    w->handler.step = on_step;
    seen.most = 0;
    seen.calls = 0;
    seen.largest = 0;
    return w;
}

/* Ends the world, and checks the work of all calls. `least`: with fewer calls, the test does not
 * test what it says. */
static void end_counted(struct world *w, size_t least)
{
    size_t calls = seen.calls;
    world_settle(w);
    if (getenv("GATES_SHOW") != NULL) {
        print_message("most work: %zu in %s, of %zu calls\n", seen.most, seen.most_in, calls);
    }
    if (seen.most > WORK_MOST) {
        fail_msg("a call of %s has called the allocator %zu times", seen.most_in, seen.most);
    }
    assert_true(seen.calls >= least);
    world_free(w);
}

/* --- verbs ------------------------------------------------------------------------------------ */

static void subscribe(struct client *c, const char *topic, const char *channel)
{
    client_sendf(c, "SUB %s %s\n", topic, channel);
    client_expect_ok(c);
}

/* Makes channels c0, c1, ... that have no consumer. */
static void make_channels(struct world *w, const char *topic, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        struct client *c = world_connect(w);
        snprintf(name, sizeof name, "c%u", i);
        subscribe(c, topic, name);
        client_forget(c);
    }
}

/* Appends an MPUB of messages of one byte. */
static void append_mpub(struct buf *out, const char *topic, uint32_t count)
{
    uint8_t number[4];
    char line[64];
    int n = snprintf(line, sizeof line, "MPUB %s\n", topic);
    buf_append(out, span_make(line, (size_t)n));
    be32_store(number, 4 + 5 * count);
    buf_append(out, span_make(number, 4));
    be32_store(number, count);
    buf_append(out, span_make(number, 4));
    for (uint32_t i = 0; i < count; i++) {
        buf_append(out, SPAN("\0\0\0\1x"));
    }
}

static void mpub(struct client *c, const char *topic, uint32_t count)
{
    struct buf out = {0};
    append_mpub(&out, topic, count);
    client_send(c, buf_span(&out));
    buf_free(&out);
    client_expect_ok(c);
}

/* --- the rows --------------------------------------------------------------------------------- */

static void an_mpub_to_many_channels(void **state)
{
    (void)state;
    struct world *w = counted_world();
    make_channels(w, "t", 20);
    struct client *c = world_connect(w);
    mpub(c, "t", 1000);
    end_counted(w, 20 * 1000 / UNITS);
}

static void many_small_pubs_at_once(void **state)
{
    (void)state;
    struct world *w = counted_world();
    struct buf out = {0};
    make_channels(w, "t", 100);
    struct client *c = world_connect(w);
    for (unsigned i = 0; i < 300; i++) {
        buf_append(&out, SPAN("PUB t\n\0\0\0\1x"));
    }
    client_send(c, buf_span(&out));
    buf_free(&out);
    end_counted(w, 300 * 100 / UNITS);
}

static void an_ephemeral_channel_ends_with_deferred_messages(void **state)
{
    (void)state;
    struct world *w = counted_world();
    struct client *consumer = world_connect(w);
    struct client *c = world_connect(w);
    subscribe(consumer, "t", "c#ephemeral");
    for (unsigned i = 0; i < 3000; i++) {
        SEND(c, "DPUB t 60000\n\0\0\0\1x");
        client_expect_ok(c);
    }
    client_forget(consumer);
    end_counted(w, 3000);
}

/* A large array takes long to grow, to shrink and to free, although each of them is one call of the
 * allocator. */
static void many_timers_need_no_large_array(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct world *w = counted_world();
    struct client *consumer = world_connect(w);
    struct client *c = world_connect(w);
    subscribe(consumer, "t", "c#ephemeral");
    for (unsigned i = 0; i < COUNT; i++) {
        client_post(c, SPAN("DPUB t 60000\n\0\0\0\1x"));
    }
    world_settle(w);
    assert_int_equal(w->engine->broker.core.timers.n, COUNT);
    client_forget(consumer);
    world_settle(w);
    assert_int_equal(w->engine->broker.core.timers.n, 0);
    assert_in_range(seen.largest, 1, 100000);
    end_counted(w, COUNT / UNITS);
}

static void an_ephemeral_channel_ends_with_messages_in_flight(void **state)
{
    (void)state;
    struct world *w = counted_world();
    struct client *consumer = world_connect(w);
    struct client *c = world_connect(w);
    subscribe(consumer, "t", "c#ephemeral");
    SEND(consumer, "RDY 2000\n");
    mpub(c, "t", 2000);
    client_forget(consumer);
    end_counted(w, 2000 / UNITS);
}

static void a_consumer_leaves_with_messages_in_flight(void **state)
{
    (void)state;
    struct world *w = counted_world();
    struct client *consumer = world_connect(w);
    struct client *c = world_connect(w);
    subscribe(consumer, "t", "c");
    SEND(consumer, "RDY 2000\n");
    mpub(c, "t", 2000);
    client_forget(consumer);
    world_advance(w, 2 * TIME_MINUTE); /* all timers are due at once */
    consumer = world_connect(w);
    subscribe(consumer, "t", "c");
    SEND(consumer, "RDY 2000\n");
    end_counted(w, 3 * 2000 / UNITS);
}

static void a_first_channel_takes_what_waits(void **state)
{
    (void)state;
    struct world *w = counted_world();
    struct client *c = world_connect(w);
    for (unsigned i = 0; i < 10; i++) {
        mpub(c, "t", 1000);
    }
    struct client *consumer = world_connect(w);
    subscribe(consumer, "t", "c");
    end_counted(w, 10 * 1000 / UNITS);
}

static void a_first_channel_takes_deferred_messages(void **state)
{
    (void)state;
    struct world *w = counted_world();
    struct client *c = world_connect(w);
    for (unsigned i = 0; i < 2000; i++) {
        SEND(c, "DPUB t 60000\n\0\0\0\1x");
        client_expect_ok(c);
    }
    struct client *consumer = world_connect(w);
    subscribe(consumer, "t", "c");
    SEND(consumer, "RDY 2000\n");
    world_jump(w, TIME_MINUTE); /* all of them are due at once */
    end_counted(w, 2000);
}

static void a_message_goes_to_many_consumers(void **state)
{
    (void)state;
    struct world *w = counted_world();
    for (unsigned i = 0; i < 500; i++) {
        char name[16];
        struct client *consumer = world_connect(w);
        snprintf(name, sizeof name, "c%u", i);
        subscribe(consumer, "t", name);
        SEND(consumer, "RDY 1\n");
    }
    struct client *c = world_connect(w);
    client_send_filled(c, "PUB t", 'x', 65536);
    end_counted(w, 500);
}

static void a_refused_mpub_is_freed(void **state)
{
    (void)state;
    struct buf out = {0};
    struct world *w = counted_world();
    struct client *c = world_connect(w);
    append_mpub(&out, "t", 3000);
    /* The last message is empty, so the whole command is refused. */
    struct span all = buf_span(&out);
    client_send(c, span_first(all, all.n - 5));
    SEND(c, "\0\0\0\0x");
    assert_true(client_events(c) > 0);
    buf_free(&out);
    end_counted(w, 3000 / UNITS);
}

static void a_publisher_leaves_inside_an_mpub(void **state)
{
    (void)state;
    struct buf out = {0};
    struct world *w = counted_world();
    struct client *c = world_connect(w);
    append_mpub(&out, "t", 3000);
    struct span all = buf_span(&out);
    client_send(c, span_first(all, all.n - 3));
    client_forget(c);
    buf_free(&out);
    end_counted(w, 3000 / UNITS);
}

/* --- anything --------------------------------------------------------------------------------- */

#define CLIENTS 12
#define STEPS 1500

static uint64_t below(uint64_t *state, uint64_t n)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state % n;
}

/* Everything that one client does in a step. The replies are thrown away. */
static void do_something(struct world *w, struct client **place, uint64_t *random)
{
    struct buf out = {0};
    char topic[8];
    snprintf(topic, sizeof topic, "t%u", (unsigned)below(random, 3));
    if (*place == NULL) {
        *place = world_connect(w);
        client_sendf(*place, "SUB %s c%u%s\n", topic, (unsigned)below(random, 6),
                     below(random, 2) == 0 ? "#ephemeral" : "");
    }
    struct client *c = *place;
    switch (below(random, 8)) {
    case 0:
    case 1:
        append_mpub(&out, topic, (uint32_t)(1 + below(random, 400)));
        client_send(c, buf_span(&out));
        break;
    case 2:
        for (uint64_t i = below(random, 200); i > 0; i--) {
            client_post(c, SPAN("DPUB t1 2000\n\0\0\0\1x"));
        }
        world_settle(w);
        break;
    case 3:
    case 4:
        client_sendf(c, "RDY %u\n", (unsigned)below(random, 500));
        break;
    case 5:
        world_jump(w, (int64_t)below(random, 90) * TIME_SECOND);
        break;
    case 6:
        SEND(c, "CLS\n");
        break;
    default:
        client_forget(c);
        *place = NULL;
    }
    if (*place != NULL) {
        (void)client_heard(c);
        if (c->closed) {
            client_forget(c);
            *place = NULL;
        }
    }
    buf_free(&out);
}

static void random_clients(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct client *clients[CLIENTS] = {NULL};
        struct world *w = counted_world();
        uint64_t random = seed;
        for (unsigned i = 0; i < STEPS; i++) {
            do_something(w, &clients[below(&random, CLIENTS)], &random);
        }
        end_counted(w, STEPS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_mpub_to_many_channels),
        cmocka_unit_test(many_small_pubs_at_once),
        cmocka_unit_test(an_ephemeral_channel_ends_with_deferred_messages),
        cmocka_unit_test(many_timers_need_no_large_array),
        cmocka_unit_test(an_ephemeral_channel_ends_with_messages_in_flight),
        cmocka_unit_test(a_consumer_leaves_with_messages_in_flight),
        cmocka_unit_test(a_first_channel_takes_what_waits),
        cmocka_unit_test(a_first_channel_takes_deferred_messages),
        cmocka_unit_test(a_message_goes_to_many_consumers),
        cmocka_unit_test(a_refused_mpub_is_freed),
        cmocka_unit_test(a_publisher_leaves_inside_an_mpub),
        cmocka_unit_test(random_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
