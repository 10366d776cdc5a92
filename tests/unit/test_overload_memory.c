/* SPDX-License-Identifier: MIT */
/*
 * Tests of full memory, on the whole engine: queues at the limit of their bytes while publishers
 * go on sending. test_overload_output.c has what connections hold.
 */
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "session/session.h"
#include "support/calm.h"
#include "support/numbered.h"

#define S TIME_SECOND
#define KIB ((size_t)1024)

/* --- publishers that press against the cap ---------------------------------------------------- */

#define CAP (1024 * KIB)
#define UNASKED (64 * KIB) /* bytes that may be charged above the cap without a check, at most */
#define PRESSERS 21
#define SIZE (10 * KIB)
#define NUMBERS 20000
#define QUIET 1000 /* messages that wait in another topic */

/* A publisher, which sends one command in each round. i % 3 of its number i chooses the command. */
struct presser {
    struct client *client;
    unsigned number; /* of the first message that it has posted */
};

struct press {
    struct world *world;
    struct presser pressers[PRESSERS];
    struct client *quiet;    /* consumes the messages that were there before, one at a time */
    struct client *consumer; /* of the full topic; NULL: none */
    unsigned next;           /* number of a message */
    unsigned refused[3];     /* refused commands, by kind */
    bool accepted[NUMBERS];
    unsigned finished[NUMBERS];
};

static const struct way {
    const char *command;
    const char *line;
    unsigned count;
} ways[] = {{"PUB", "PUB full", 1}, {"MPUB", "MPUB full", 2}, {"DPUB", "DPUB full 500", 1}};

static void connect_presser(struct press *p, struct presser *presser)
{
    presser->client = world_arrive(p->world);
    client_post(presser->client, SPAN("  V2"));
}

static void press(struct press *p, size_t i)
{
    struct presser *presser = &p->pressers[i];
    const struct way *way = &ways[i % 3];
    assert_true(p->next + way->count <= NUMBERS);
    presser->number = p->next;
    p->next += way->count;
    if (way->count == 1) {
        numbered_post(presser->client, way->line, presser->number, SIZE);
    } else {
        numbered_post_mpub(presser->client, way->line, presser->number, way->count, SIZE);
    }
}

/* Every command is answered, with OK or with an error that says why. That error ends the
 * connection, as errors of publishing do in nsqd. */
static void hear_presser(struct press *p, size_t i)
{
    struct presser *presser = &p->pressers[i];
    const struct way *way = &ways[i % 3];
    const char *heard = client_heard(presser->client);
    if (strcmp(heard, "R OK") == 0) {
        for (unsigned k = 0; k < way->count; k++) {
            p->accepted[presser->number + k] = true;
        }
        return;
    }
    char error[160];
    snprintf(error, sizeof error,
             "E E_%s_FAILED %s failed queued bytes would exceed the limit of %zu; SHUT",
             way->command, way->command, CAP);
    assert_string_equal(heard, error);
    p->refused[i % 3]++;
    client_forget(presser->client);
    connect_presser(p, presser);
}

static void finish_some(struct press *p)
{
    struct nsq_frame frame;
    struct nsq_message m;
    while (p->consumer != NULL && client_next(p->consumer, &frame, &m)) {
        if (frame.type == NSQ_FRAME_MESSAGE) {
            p->finished[numbered_of(m.body)]++;
            char fin[4 + NSQ_MESSAGE_ID_SIZE + 2];
            int n =
                snprintf(fin, sizeof fin, "FIN %.*s\n", NSQ_MESSAGE_ID_SIZE, (const char *)m.id);
            client_post(p->consumer, span_make(fin, (size_t)n));
        }
    }
}

/* All publishers publish at once. In the same round the other topic's consumer gets its next
 * message. */
static void press_round(struct press *p, unsigned round)
{
    for (size_t i = 0; i < PRESSERS; i++) {
        press(p, i);
    }
    finish_some(p);
    numbered_finish(p->quiet, round, round + 1, 1);
    assert_in_range(world_used(p->world), 0, CAP + UNASKED);
    world_advance(p->world, S / 10);
    for (size_t i = 0; i < PRESSERS; i++) {
        hear_presser(p, i);
    }
}

static struct client *consumer_of(struct world *w, const char *topic, int rdy)
{
    struct client *c = world_connect(w);
    client_sendf(c, "SUB %s c\nRDY %d\n", topic, rdy);
    client_expect_ok(c);
    return c;
}

static size_t press_begin(struct press *p)
{
    struct engine_config config = world_config();
    config.broker.mem_queue_bytes = CAP;
    config.log_level = LOG_FATAL;
    p->world = world_new(&config);
    p->quiet = consumer_of(p->world, "quiet", 0);
    client_forget(consumer_of(p->world, "full", 0));
    size_t before = world_used(p->world);
    struct client *c = world_connect(p->world);
    for (unsigned i = 0; i < QUIET; i++) {
        numbered_post(c, "PUB quiet", i, NUMBERED_DIGITS);
    }
    world_settle(p->world);
    client_forget(c);
    SEND(p->quiet, "RDY 1\n");
    for (size_t i = 0; i < PRESSERS; i++) {
        connect_presser(p, &p->pressers[i]);
    }
    return before;
}

static unsigned count_accepted(const struct press *p)
{
    unsigned n = 0;
    for (unsigned i = 0; i < p->next; i++) {
        n += p->accepted[i] ? 1 : 0;
    }
    return n;
}

static void expect_at_the_cap(struct press *p)
{
    assert_in_range(world_used(p->world), CAP - 2 * SIZE - UNASKED, CAP + UNASKED);
    for (int way = 0; way < 3; way++) {
        assert_in_range(p->refused[way], 30, NUMBERS);
    }
}

/* A message that was answered OK is delivered once, a refused one never. A FIN makes room for
 * others. */
static void a_queue_at_its_cap(void **state)
{
    (void)state;
    struct press *p = alloc_zeroed(sizeof *p);
    size_t before = press_begin(p);
    unsigned round = 0;
    while (round < 10) {
        press_round(p, round++);
    }
    expect_at_the_cap(p);
    unsigned fit = count_accepted(p);
    assert_in_range(fit, CAP / SIZE / 2, CAP / SIZE);
    p->consumer = consumer_of(p->world, "full", 5);
    while (round < 100) {
        press_round(p, round++);
    }
    expect_at_the_cap(p);
    assert_in_range(count_accepted(p), fit + 90 * 4, fit + 90 * 6);
    for (size_t i = 0; i < PRESSERS; i++) {
        client_forget(p->pressers[i].client);
    }
    for (int i = 0; i < 100; i++) {
        finish_some(p);
        world_advance(p->world, S / 10);
    }
    for (unsigned i = 0; i < p->next; i++) {
        assert_int_equal(p->finished[i], p->accepted[i]);
    }
    numbered_finish(p->quiet, round, QUIET, 1);
    client_forget(p->consumer);
    assert_int_equal(world_used(p->world), before);
    world_free(p->world);
    alloc_free(p);
}

/* --- who comes when it is full ---------------------------------------------------------------- */

#define FULL (4096 * KIB)                    /* bytes; its reserve has room for snappy */
#define RESERVE (FULL / BUDGET_RESERVE_PART) /* bytes, for new clients */

struct full {
    struct world *world;
    size_t before;      /* bytes used without the messages */
    unsigned stored[2]; /* messages in topic "old", which has channel c, and in topic "new", which
                           has none */
};

/* Whether a new connection's command is answered OK. Otherwise the answer must be that there is no
 * room. */
static bool published(struct world *w, const char *line, size_t size)
{
    struct client *c = world_connect(w);
    char error[160];
    int n = (int)strcspn(line, " ");
    client_send_filled(c, line, 'x', size);
    snprintf(error, sizeof error,
             "E E_%.*s_FAILED %.*s failed queued bytes would exceed the limit of %zu; SHUT", n,
             line, n, line, FULL);
    const char *heard = client_heard(c);
    bool stored = strcmp(heard, "R OK") == 0;
    if (!stored) {
        assert_string_equal(heard, error);
    }
    client_forget(c);
    return stored;
}

/* Checks that there is no room even for the smallest message. */
static void expect_full(struct full *f)
{
    size_t used = world_used(f->world);
    assert_false(published(f->world, "PUB old", 1));
    assert_false(published(f->world, "PUB new", 1));
    assert_int_equal(world_used(f->world), used);
}

/* Publishers send until nothing fits any more. There are no other clients. */
static void full_begin(struct full *f)
{
    static const char *const lines[] = {"PUB old", "PUB new"};
    struct engine_config config = world_config();
    config.broker.mem_queue_bytes = FULL;
    config.log_level = LOG_FATAL;
    *f = (struct full){.world = world_new(&config)};
    client_forget(consumer_of(f->world, "old", 0));
    struct client *c = world_connect(f->world);
    SEND(c, "MPUB new\n"); /* creates the topic */
    client_forget(c);
    f->before = world_used(f->world);
    for (size_t size = SIZE; size > 0; size /= 10) {
        for (size_t i = 0; i < 2; i++) {
            size_t most = size == SIZE && i == 0 ? FULL / SIZE / 2 : SIZE_MAX;
            for (size_t n = 0; n < most && published(f->world, lines[i], size); n++) {
                f->stored[i]++;
            }
        }
    }
    expect_full(f);
}

/* Receives and finishes all messages of a channel. */
static unsigned drain(struct client *c)
{
    struct nsq_frame frame;
    struct nsq_message m;
    unsigned n = 0;
    SEND(c, "RDY 10\n");
    while (client_next(c, &frame, &m)) {
        if (frame.type == NSQ_FRAME_MESSAGE) {
            client_sendf(c, "FIN %.*s\n", NSQ_MESSAGE_ID_SIZE, (const char *)m.id);
            n++;
        }
    }
    return n;
}

/* From an existing channel and from a new one. Publishers send again before each step. */
static void newcomers_drain_a_full_server(void **state)
{
    (void)state;
    struct full f;
    full_begin(&f);
    static const char *const subs[] = {"SUB old c\n", "SUB new d\n"};
    struct client *newcomers[2];
    for (size_t i = 0; i < 2; i++) {
        newcomers[i] = world_connect(f.world);
        client_identify(newcomers[i], "{\"client_id\":\"newcomer\"}");
        client_expect_ok(newcomers[i]);
        expect_full(&f);
        client_send(newcomers[i], span_make(subs[i], strlen(subs[i])));
        client_expect_ok(newcomers[i]);
        expect_full(&f);
        assert_in_range(world_used(f.world), FULL - 200, FULL + RESERVE);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(drain(newcomers[i]), f.stored[i]);
        client_forget(newcomers[i]);
    }
    assert_int_equal(world_used(f.world), f.before + CHANNEL_COST);
    assert_true(published(f.world, "PUB old", SIZE));
    world_free(f.world);
}

static void newcomers_to_a_full_server_may_compress(void **state)
{
    (void)state;
    struct full f;
    full_begin(&f);
    struct client *c = world_connect(f.world);
    client_identify(c, "{\"feature_negotiation\":true,\"snappy\":true}");
    assert_non_null(strstr(client_heard(c), "\"snappy\":true"));
    assert_false(c->shut);
    world_free(f.world);
}

/* A client that publishes to ever new topics gets nothing of the reserve. */
static void publishers_have_no_part_of_the_reserve(void **state)
{
    (void)state;
    struct full f;
    full_begin(&f);
    size_t used = world_used(f.world);
    for (int i = 0; i < 10; i++) {
        char line[32];
        snprintf(line, sizeof line, "%s other%d", i % 2 == 0 ? "PUB" : "MPUB", i);
        assert_false(published(f.world, line, 9));
    }
    assert_int_equal(world_used(f.world), used);
    world_free(f.world);
}

/* Channels remain, so clients can use up the reserve one after the other. */
static void the_reserve_has_an_end(void **state)
{
    (void)state;
    struct full f;
    full_begin(&f);
    char error[160];
    snprintf(error, sizeof error,
             "E E_SUB_FAILED SUB failed queued bytes would exceed the limit of %zu; SHUT",
             FULL + RESERVE);
    unsigned n = 0;
    for (bool refused = false; !refused; n++) {
        struct client *c = world_connect(f.world);
        client_sendf(c, "SUB more c%u\n", n);
        const char *heard = client_heard(c);
        refused = strcmp(heard, "R OK") != 0;
        if (refused) {
            assert_string_equal(heard, error);
        }
        client_forget(c);
    }
    assert_in_range(n, RESERVE / CHANNEL_COST - 5, RESERVE / CHANNEL_COST + 1);
    /* The refused client had a session too. */
    assert_in_range(world_used(f.world), FULL + RESERVE - 3 * CHANNEL_COST, FULL + RESERVE);
    expect_full(&f);
    world_free(f.world);
}

/* --- lines that come in part ------------------------------------------------------------------ */

/* Many connections may each have up to 16 KiB of a line that never ends. */
static void a_line_that_has_arrived_in_part_counts(void **state)
{
    (void)state;
    enum { ENDED, LEFT, GONE, WAYS };
    for (int way = 0; way < WAYS; way++) {
        struct world *w = world_new(NULL);
        const size_t *held = &w->engine->broker.core.budget.held;
        struct client *c = world_connect(w);
        SEND(c, "NOP ");
        for (size_t n = 4; n < 12 * KIB; n += 32) {
            assert_in_range(*held, n, 2 * n + 128);
            SEND(c, "what is behind a NOP is ignored ");
        }
        if (way == ENDED) {
            SEND(c, "\n");
        } else if (way == LEFT) {
            client_eof(c);
        } else {
            client_drop(c);
        }
        assert_int_equal(*held, 0);
        world_free(w);
    }
}

/* The answer to a SUB that arrives in two pieces, or in one, when there is little room. */
static void subscribe_with(size_t room, bool cut, char heard[160])
{
    struct engine_config config = world_config();
    config.broker.mem_queue_bytes = room;
    config.log_level = LOG_FATAL;
    struct world *w = world_new(&config);
    struct client *c = world_connect(w);
    if (cut) {
        SEND(c, "SUB ");
        SEND(c, "t c\n");
    } else {
        SEND(c, "SUB t c\n");
    }
    snprintf(heard, 160, "%s", client_heard(c));
    world_free(w);
}

/* A complete line is not charged any more, so how it was cut must not change its answer. */
static void cuts_do_not_decide_what_there_is_room_for(void **state)
{
    (void)state;
    size_t refused = 0;
    size_t rooms = 0;
    for (size_t room = 1024; room < 16384; room += 64, rooms++) {
        char whole[160];
        char cut[160];
        subscribe_with(room, false, whole);
        subscribe_with(room, true, cut);
        assert_string_equal(cut, whole);
        refused += strcmp(whole, "R OK") != 0;
    }
    assert_in_range(refused, 1, rooms - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_at_its_cap),
        cmocka_unit_test(newcomers_drain_a_full_server),
        cmocka_unit_test(newcomers_to_a_full_server_may_compress),
        cmocka_unit_test(publishers_have_no_part_of_the_reserve),
        cmocka_unit_test(the_reserve_has_an_end),
        cmocka_unit_test(a_line_that_has_arrived_in_part_counts),
        cmocka_unit_test(cuts_do_not_decide_what_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
