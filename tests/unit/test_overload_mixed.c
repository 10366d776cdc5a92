/* SPDX-License-Identifier: MIT */
/*
 * Test of everything at once: ten minutes with hundreds of clients that publish and consume in
 * every way. Some never read, and clients are cut off at random. In the end each message that was
 * answered OK has been finished once in each channel, or is still there, and all memory has been
 * released.
 *
 * It is known whether a FIN succeeded: the server reads from a client that reads its output, so
 * what the client has posted is handled when the tick is over, and an error tells of a FIN that
 * failed. The run depends on the seed only.
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
#include "support/segments.h"
#include "support/stride.h"

#define VALGRIND_STRIDE 10
#define TICK (100 * TIME_MS)
#define TICKS 6000
#define ACTORS 240
#define NUMBERS 400000
#define CHANNELS 2 /* of each topic */
#define HELD_MAX 64
#define LIVES 200 /* average life of an actor, in ticks */
#define USED_MOST                                                                                  \
    ((size_t)1 << 20) /* bytes in the memory budget; the clients use about half of it */

enum kind { PUBLISHER, CONSUMER, DEAF_PUBLISHER, DEAF_CONSUMER };

static const enum kind kinds[] = {PUBLISHER,      CONSUMER,      CONSUMER,  PUBLISHER,
                                  PUBLISHER,      CONSUMER,      PUBLISHER, CONSUMER,
                                  DEAF_PUBLISHER, DEAF_CONSUMER, PUBLISHER, CONSUMER};

/* A message that a consumer has in flight, or has just finished. */
struct held {
    char id[NSQ_MESSAGE_ID_SIZE];
    unsigned number;
};

struct actor {
    struct client *client;
    enum kind kind;
    char topic; /* the topic's name, one letter */
    unsigned channel;
    unsigned first, count; /* message numbers that were posted and are not answered */
    size_t held_count, done_count;
    struct held held[HELD_MAX];
    struct held done[HELD_MAX]; /* messages finished in this tick */
};

struct mix {
    struct world *world;
    struct calm calm;
    uint64_t random;
    struct actor actors[ACTORS];
    unsigned next; /* the next message number */
    unsigned kills;
    bool answered[NUMBERS];
    uint8_t finished[CHANNELS][NUMBERS];
};

static unsigned roll(struct mix *m, unsigned n)
{
    return (unsigned)(segments_random(&m->random) % n);
}

/* Up to two seconds, as a multiple of a tick: other times would cost rounds of their own. */
static unsigned some_ms(struct mix *m)
{
    return roll(m, 20) * (TICK / TIME_MS);
}

/* --- how they begin --------------------------------------------------------------------------- */

static void subscribe(struct actor *a, unsigned rdy, unsigned timeout_ms)
{
    char json[64];
    char text[200];
    snprintf(json, sizeof json, "{\"msg_timeout\":%u}", timeout_ms);
    uint8_t size[4];
    be32_store(size, (uint32_t)strlen(json));
    client_post(a->client, SPAN("IDENTIFY\n"));
    client_post(a->client, span_make(size, sizeof size));
    int n = snprintf(text, sizeof text, "%sSUB %c %u\nRDY %u\n", json, a->topic, a->channel, rdy);
    client_post(a->client, span_make(text, (size_t)n));
}

static void begin(struct mix *m, struct actor *a)
{
    *a = (struct actor){.client = world_arrive(m->world),
                        .kind = kinds[(size_t)(a - m->actors) % (sizeof kinds / sizeof kinds[0])],
                        .topic = roll(m, 2) == 0 ? 'a' : 'b',
                        .channel = roll(m, CHANNELS)};
    client_post(a->client, SPAN("  V2"));
    a->client->stalled = a->kind == DEAF_PUBLISHER || a->kind == DEAF_CONSUMER;
    if (a->kind == CONSUMER || a->kind == DEAF_CONSUMER) {
        subscribe(a, 1 + roll(m, 20), 1000 + some_ms(m));
    }
}

/* --- what they do ----------------------------------------------------------------------------- */

static void publish(struct mix *m, struct actor *a)
{
    char line[32];
    unsigned way = roll(m, 3);
    size_t size = NUMBERED_DIGITS + roll(m, 300);
    a->first = m->next;
    a->count = way == 1 ? 1 + roll(m, 5) : 1;
    m->next += a->count;
    assert_true(m->next <= NUMBERS);
    if (way == 1) {
        snprintf(line, sizeof line, "MPUB %c", a->topic);
        numbered_post_mpub(a->client, line, a->first, a->count, size);
    } else {
        unsigned delay = some_ms(m);
        snprintf(line, sizeof line, way == 0 ? "PUB %c" : "DPUB %c %u", a->topic, delay);
        numbered_post(a->client, line, a->first, size);
    }
}

static void post_about(struct actor *a, const char *command, const struct held *h, const char *rest)
{
    char text[64];
    int n = snprintf(text, sizeof text, "%s %.*s%s\n", command, NSQ_MESSAGE_ID_SIZE, h->id, rest);
    client_post(a->client, span_make(text, (size_t)n));
}

/* True: the consumer keeps the message. */
static bool handle(struct mix *m, struct actor *a, const struct held *h)
{
    char delay[16];
    unsigned what = roll(m, 100);
    if (what < 40) {
        return true; /* later */
    }
    if (what < 48) {
        post_about(a, "TOUCH", h, "");
        return true;
    }
    if (what < 56) {
        snprintf(delay, sizeof delay, " %u", roll(m, 2) * some_ms(m));
        post_about(a, "REQ", h, delay);
    } else if (what < 98) {
        post_about(a, "FIN", h, "");
        m->finished[a->channel][h->number]++;
        a->done[a->done_count++] = *h;
    } /* otherwise it is not answered, and times out */
    return false;
}

static void consume(struct mix *m, struct actor *a)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->held_count; i++) {
        if (handle(m, a, &a->held[i])) {
            a->held[kept++] = a->held[i];
        }
    }
    a->held_count = kept;
}

/* The client is cut off at once, or ends in the middle of a body. */
static void act(struct mix *m, struct actor *a)
{
    bool killed = roll(m, LIVES) == 0;
    if (killed || a->client->conn == 0 || a->client->shut) {
        m->kills += killed ? 1 : 0;
        client_forget(a->client);
        begin(m, a);
    } else if (roll(m, LIVES) == 0) {
        static const char part[4000];
        client_post(a->client, SPAN("PUB a\n\0\0\x27\x10")); /* 10,000 bytes */
        client_post(a->client, span_make(part, sizeof part));
        a->client->ended = true;
        m->kills++;
    } else if ((a->kind == PUBLISHER || a->kind == DEAF_PUBLISHER) && roll(m, 8) == 0) {
        publish(m, a);
    } else if (a->kind == CONSUMER) {
        consume(m, a);
    }
}

/* --- what they hear --------------------------------------------------------------------------- */

static void hear_message(struct actor *a, const struct nsq_message *message)
{
    struct held h = {.number = numbered_of(message->body)};
    memcpy(h.id, message->id, sizeof h.id);
    if (a->held_count < HELD_MAX) {
        a->held[a->held_count++] = h;
    }
}

/* "E_FIN_FAILED FIN <id> failed .." cancels a counted FIN. */
static void hear_error(struct mix *m, struct actor *a, struct span data)
{
    struct span fin = SPAN("E_FIN_FAILED FIN ");
    if (span_equal(span_first(data, fin.n), fin)) {
        for (size_t i = 0; i < a->done_count; i++) {
            if (memcmp(data.p + fin.n, a->done[i].id, NSQ_MESSAGE_ID_SIZE) == 0) {
                m->finished[a->channel][a->done[i].number]--;
                return;
            }
        }
        fail();
    }
    struct span ours[] = {SPAN("E_REQ_FAILED REQ "), SPAN("E_TOUCH_FAILED TOUCH "),
                          SPAN("E_BAD_MESSAGE PUB failed to read message body")};
    bool known = false;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        known = known || span_equal(span_first(data, ours[i].n), ours[i]);
    }
    assert_true(known);
}

static void hear(struct mix *m, struct actor *a)
{
    struct nsq_frame frame;
    struct nsq_message message;
    while (client_next(a->client, &frame, &message)) {
        if (frame.type == NSQ_FRAME_MESSAGE) {
            hear_message(a, &message);
        } else if (frame.type == NSQ_FRAME_ERROR) {
            hear_error(m, a, frame.data);
        } else if (nsq_frame_is_heartbeat(&frame)) {
            client_post(a->client, SPAN("NOP\n"));
        } else if (a->kind == PUBLISHER) {
            assert_true(a->count > 0);
            memset(m->answered + a->first, true, a->count);
            a->count = 0;
        }
    }
    a->done_count = 0;
}

/* --- the ten minutes -------------------------------------------------------------------------- */

static void tick(struct mix *m, size_t number)
{
    for (size_t i = 0; i < ACTORS; i++) {
        act(m, &m->actors[i]);
    }
    if (number % 10 == 0) {
        calm_check(&m->calm);
    } else {
        world_settle(m->world);
    }
    for (size_t i = 0; i < ACTORS; i++) {
        struct actor *a = &m->actors[i];
        hear(m, a);
        assert_true(a->kind != PUBLISHER || a->count == 0); /* answered in this tick */
    }
    assert_in_range(world_used(m->world), 0, USED_MOST);
    world_advance(m->world, TICK);
}

static const struct channel *channel_of(const struct mix *m, char topic, unsigned channel)
{
    char name[2] = {(char)('0' + channel), '\0'};
    struct topic *t = broker_find_topic(&m->world->engine->broker, span_make(&topic, 1));
    return topic_find_channel(t, span_make(name, 1));
}

static size_t left_in(const struct mix *m, char topic, unsigned channel)
{
    const struct channel *c = channel_of(m, topic, channel);
    return c->queue.n + c->timed->deferred_count + channel_in_flight_count(c);
}

/* Consumers that take the remaining messages, one for each channel. */
static void drain(struct mix *m)
{
    size_t left = 0;
    for (unsigned i = 0; i < 2 * CHANNELS; i++) {
        struct actor *a = &m->actors[i];
        *a = (struct actor){.client = world_arrive(m->world),
                            .kind = CONSUMER,
                            .topic = i < CHANNELS ? 'a' : 'b',
                            .channel = i % CHANNELS};
        client_post(a->client, SPAN("  V2"));
        left += left_in(m, a->topic, a->channel);
        subscribe(a, HELD_MAX, 60000);
    }
    size_t finished = 0;
    for (int i = 0; i < 200; i++) {
        world_advance(m->world, TICK);
        for (unsigned k = 0; k < 2 * CHANNELS; k++) {
            struct actor *a = &m->actors[k];
            hear(m, a);
            for (size_t h = 0; h < a->held_count; h++) {
                post_about(a, "FIN", &a->held[h], "");
                m->finished[a->channel][a->held[h].number]++;
                a->done[a->done_count++] = a->held[h];
                finished++;
            }
            a->held_count = 0;
        }
        calm_check(&m->calm);
    }
    assert_int_equal(finished, left);
    for (unsigned i = 0; i < 2 * CHANNELS; i++) {
        hear(m, &m->actors[i]); /* no FIN has failed */
        assert_int_equal(left_in(m, m->actors[i].topic, m->actors[i].channel), 0);
        client_forget(m->actors[i].client);
    }
}

/* A message whose answer nobody received was published completely or not at all. */
static void check_counts(const struct mix *m)
{
    unsigned answered = 0;
    for (unsigned i = 0; i < m->next; i++) {
        answered += m->answered[i] ? 1 : 0;
        assert_in_range(m->finished[0][i], m->answered[i] ? 1 : 0, 1);
        assert_int_equal(m->finished[0][i], m->finished[1][i]);
    }
    assert_in_range(answered, m->next / 2, m->next);
}

/* Checks that the run was what it claims: messages were delivered again in every possible way. */
static void check_liveliness(const struct mix *m, size_t ticks)
{
    uint64_t timeouts = 0;
    uint64_t requeues = 0;
    for (unsigned i = 0; i < 2 * CHANNELS; i++) {
        const struct channel *c = channel_of(m, i < CHANNELS ? 'a' : 'b', i % CHANNELS);
        timeouts += c->timeout_count;
        requeues += c->requeue_count;
    }
    assert_in_range(m->next, ticks * 10, NUMBERS);
    assert_in_range(m->kills, ticks, ticks * ACTORS);
    assert_in_range(timeouts, ticks, UINT32_MAX);
    assert_in_range(requeues, ticks, UINT32_MAX);
}

static void make_channels(struct world *w)
{
    for (int topic = 'a'; topic <= 'b'; topic++) {
        for (unsigned channel = 0; channel < CHANNELS; channel++) {
            struct client *c = world_connect(w);
            client_sendf(c, "SUB %c %u\n", topic, channel);
            client_forget(c);
        }
    }
}

static void mixed_load_with_random_kills(void **state)
{
    (void)state;
    struct mix *m = alloc_zeroed(sizeof *m);
    struct engine_config config = world_config();
    config.log_level = LOG_FATAL;
    size_t ticks = TICKS / stride(VALGRIND_STRIDE);
    m->world = world_new(&config);
    m->random = 20;
    make_channels(m->world);
    calm_begin(&m->calm, m->world);
    size_t before = world_used(m->world);
    for (size_t i = 0; i < ACTORS; i++) {
        begin(m, &m->actors[i]);
    }
    for (size_t i = 0; i < ticks; i++) {
        tick(m, i);
    }
    check_liveliness(m, ticks);
    for (size_t i = 0; i < ACTORS; i++) {
        client_forget(m->actors[i].client);
    }
    calm_end(&m->calm);
    calm_begin(&m->calm, m->world);
    drain(m);
    check_counts(m);
    assert_int_equal(world_used(m->world), before);
    assert_int_equal(m->world->engine->broker.core.budget.held, 0);
    world_free(m->world);
    alloc_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mixed_load_with_random_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
