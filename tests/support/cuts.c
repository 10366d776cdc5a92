/* SPDX-License-Identifier: MIT */
/*
 * Runs a conversation with its input cut in many ways and compares what every connection received,
 * and when.
 */
#include "support/cuts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "support/segments.h"

#define MARK '|'
#define SHOWN_MAX 3000

static uint64_t base_seed(void)
{
    const char *text = getenv("CUTS_SEED");
    uint64_t seed = text == NULL ? 1 : strtoull(text, NULL, 10);
    return seed == 0 ? 1 : seed;
}

/* --- transcripts ------------------------------------------------------------------------------ */

/* What all connections received, and when, as bytes. */
static struct buf transcript(const struct world *w)
{
    struct buf all = {0};
    size_t number = 0;
    for (const struct list *l = w->clients.next; l != &w->clients; l = l->next) {
        const struct client *c = container_of(l, struct client, link);
        text_append(&all, "\n-- connection ");
        text_append_unsigned(&all, number++);
        buf_append(&all, buf_span(&c->transcript));
    }
    return all;
}

static void compare(struct span whole, struct span cut, const char *how, uint64_t seed)
{
    if (span_equal(whole, cut)) {
        return;
    }
    struct buf a = {0};
    struct buf b = {0};
    world_append_text(&a, whole, SHOWN_MAX);
    world_append_text(&b, cut, SHOWN_MAX);
    world_fail(__FILE__, __LINE__, "CUTS_SEED=%llu, %s\n  whole: %.*s\n  cut:   %.*s",
               (unsigned long long)seed, how, (int)a.n, (const char *)a.p, (int)b.n,
               (const char *)b.p);
}

/* --- conversations ---------------------------------------------------------------------------- */

static struct buf run(const struct engine_config *config, cuts_play *play, enum world_cut cut,
                      uint64_t random)
{
    struct world *w = world_new(config);
    w->cut = cut;
    w->random = random;
    play(w);
    struct buf all = transcript(w);
    world_free(w);
    return all;
}

/* The same with an allowance of one unit for each call of the engine. */
static void compare_least_effort(const struct engine_config *config, cuts_play *play,
                                 struct span whole)
{
    struct engine_config least = config == NULL ? world_config() : *config;
    least.broker.effort_a_call = 1;
    for (int bytes = 0; bytes < 2; bytes++) {
        struct buf slow = run(&least, play, bytes ? CUT_BYTES : CUT_WHOLE, 1);
        compare(whole, buf_span(&slow), "one unit a call", 1);
        buf_free(&slow);
    }
}

void cuts_check(const struct engine_config *config, cuts_play *play)
{
    uint64_t seed = base_seed();
    uint64_t random = seed;
    struct buf whole = run(config, play, CUT_WHOLE, 1);
    compare_least_effort(config, play, buf_span(&whole));
    for (int i = 0; i <= CUTS_RANDOM; i++) {
        bool bytes = i == 0;
        struct buf cut = run(config, play, bytes ? CUT_BYTES : CUT_RANDOM, random);
        compare(buf_span(&whole), buf_span(&cut), bytes ? "byte by byte" : "random cuts", seed);
        buf_free(&cut);
        segments_random(&random);
    }
    buf_free(&whole);
}

/* --- cases ------------------------------------------------------------------------------------ */

static struct world *world_with(const struct cuts_case *c, bool least_effort)
{
    struct engine_config config = world_config();
    if (c->configure != NULL) {
        c->configure(&config);
    }
    config.broker.effort_a_call = least_effort ? 1 : config.broker.effort_a_call;
    return world_new(&config);
}

static struct world *world_for(const struct cuts_case *c)
{
    return world_with(c, false);
}

static struct client *connect_for(const struct cuts_case *c, struct world *w)
{
    return c->flags & CASE_RAW ? world_open(w) : world_connect(w);
}

static void check_heard(const struct cuts_case *c, struct client *client, const char *how)
{
    const char *heard = client_heard(client);
    if (strcmp(heard, c->out) != 0) {
        world_fail(__FILE__, __LINE__, "\"%s\", %s\n  expected: %.*s\n  received: %.*s", c->rule,
                   how, SHOWN_MAX, c->out, SHOWN_MAX, heard);
    }
}

/* Byte by byte: replies arrive after the marked bytes, and after no others. */
static void check_earliest(const struct cuts_case *c)
{
    struct world *w = world_for(c);
    struct client *client = connect_for(c, w);
    size_t heard = 0;
    size_t sent = 0;
    for (size_t i = 0; i < c->in.n; i++) {
        client_send(client, span_make(c->in.p + i, 1));
        sent++;
        bool answered = client_events(client) > heard;
        bool marked = i + 1 < c->in.n && c->in.p[i + 1] == MARK;
        if (answered != marked) {
            const char *text = client_heard(client);
            world_fail(__FILE__, __LINE__, "\"%s\": %s byte %zu\n  received: %.*s", c->rule,
                       answered ? "answered already after" : "not answered after", sent, SHOWN_MAX,
                       text);
        }
        heard = client_events(client);
        i += marked ? 1 : 0;
    }
    if (c->flags & CASE_EOF) {
        client_eof(client);
    }
    check_heard(c, client, "byte by byte");
    world_free(w);
}

static struct buf without_marks(struct span in)
{
    struct buf bytes = {0};
    for (size_t i = 0; i < in.n; i++) {
        if (in.p[i] != MARK) {
            buf_append(&bytes, span_make(in.p + i, 1));
        }
    }
    return bytes;
}

/* Checks the case with this cut: the input in one piece, or at random cuts. */
static void check_cut(const struct cuts_case *c, enum world_cut cut, uint64_t random,
                      bool least_effort)
{
    struct world *w = world_with(c, least_effort);
    w->cut = cut;
    w->random = random;
    struct client *client = connect_for(c, w);
    struct buf in = without_marks(c->in);
    client_send(client, buf_span(&in));
    buf_free(&in);
    if (c->flags & CASE_EOF) {
        client_eof(client);
    }
    check_heard(c, client,
                least_effort       ? "one unit a call"
                : cut == CUT_WHOLE ? "whole"
                                   : "random cuts");
    world_free(w);
}

void cuts_check_case(const struct cuts_case *c)
{
    uint64_t random = base_seed();
    check_cut(c, CUT_WHOLE, 1, false);
    check_cut(c, CUT_WHOLE, 1, true);
    check_earliest(c);
    for (int i = 0; i < CUTS_RANDOM; i++) {
        check_cut(c, CUT_RANDOM, random, false);
        segments_random(&random);
    }
}

void cuts_check_cases(const struct cuts_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cuts_check_case(&cases[i]);
    }
}
