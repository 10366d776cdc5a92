/* SPDX-License-Identifier: MIT */
/*
 * Feeds an input to the command parser in many ways and compares the events and the parser's
 * state. Must not know: which events are correct.
 */
#include "support/segments.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

const struct segments_state *segments_end(const struct segments *s)
{
    return &s->state[s->input.n];
}

__attribute__((format(printf, 2, 3))) static bool wrong(struct segments *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->why, sizeof s->why, format, args);
    va_end(args);
    return false;
}

/* --- one chunk ------------------------------------------------------------------------------- */

/* Makes a span of the offered bytes, `in`, point to the same bytes of the input. */
static bool rebase(const struct segments *s, size_t taken, struct span in, size_t consumed,
                   struct span *span)
{
    if (span->p == NULL) {
        return span->n == 0;
    }
    if (span->p < in.p || span->p + span->n > in.p + consumed) {
        return false;
    }
    span->p = s->input.p + taken + (span->p - in.p);
    return true;
}

static bool rebase_item(const struct segments *s, size_t taken, struct span in,
                        struct nsq_item *item)
{
    struct nsq_command *c = &item->command;
    bool ok = rebase(s, taken, in, item->consumed, &c->name) &&
              rebase(s, taken, in, item->consumed, &c->line) &&
              rebase(s, taken, in, item->consumed, &item->part);
    for (size_t i = 0; i < NSQ_PARAMS_MAX; i++) {
        ok = ok && rebase(s, taken, in, item->consumed, &c->param[i]);
    }
    return ok;
}

static bool same_span(struct span a, struct span b)
{
    return a.p == b.p && a.n == b.n;
}

static bool same_command(const struct nsq_command *a, const struct nsq_command *b)
{
    bool same = a->id == b->id && a->params == b->params && same_span(a->name, b->name) &&
                same_span(a->line, b->line);
    for (size_t i = 0; i < NSQ_PARAMS_MAX; i++) {
        same = same && same_span(a->param[i], b->param[i]);
    }
    return same;
}

static bool same_item(const struct nsq_item *a, const struct nsq_item *b)
{
    return a->stage == b->stage && a->last == b->last && a->whole == b->whole &&
           a->consumed == b->consumed && same_command(&a->command, &b->command) &&
           a->value == b->value && a->limit == b->limit && a->index == b->index &&
           same_span(a->part, b->part) && a->bad == b->bad;
}

static bool same_state(const struct segments_state *a, const struct segments_state *b)
{
    bool scanned =
        a->dead || a->place.scanned == b->place.scanned; /* after NSQ_BAD it does not matter */
    return scanned && a->place.stage == b->place.stage && a->place.id == b->place.id &&
           a->place.left == b->place.left && a->place.count == b->place.count &&
           a->place.index == b->place.index && a->taken == b->taken && a->body == b->body &&
           a->events == b->events && a->dead == b->dead;
}

/* Handles an event: notes it while learning, else compares it with the noted one. */
static bool event(struct segments *s, struct segments_state *now, const struct segments_event *e,
                  bool learning)
{
    struct segments_event *known = &s->event[now->events++];
    if (learning) {
        *known = *e;
        return true;
    }
    return now->events <= segments_end(s)->events && known->outcome == e->outcome &&
           same_item(&known->item, &e->item);
}

/* Handles an item that was parsed from `in`: makes it an event, unless it is a part of a longer
 * body. */
static bool take(struct segments *s, struct segments_state *now, enum nsq_parse outcome,
                 struct span in, struct nsq_item item, size_t end, bool learning)
{
    bool part = item.stage == NSQ_STAGE_BODY || item.stage == NSQ_STAGE_MESSAGE_BODY;
    if (item.consumed > in.n || (outcome == NSQ_OK && item.consumed == 0)) {
        return wrong(s, "byte %zu: %zu of %zu bytes consumed", now->taken, item.consumed, in.n);
    }
    if (part && !(item.part.p == in.p && item.part.n == item.consumed)) {
        return wrong(s, "byte %zu: a part of a body that does not follow", now->taken);
    }
    if (!rebase_item(s, now->taken, in, &item)) {
        return wrong(s, "byte %zu: a span outside the item's bytes", now->taken);
    }
    now->taken += item.consumed;
    if (part && !item.whole) {
        return true;
    }
    if (part) {
        item.part = span_make(s->input.p + now->body, now->taken - now->body);
        item.consumed = item.part.n;
    }
    now->body = now->taken;
    now->dead = outcome == NSQ_BAD;
    struct segments_event e = {.outcome = outcome, .at = end, .item = item};
    if (!event(s, now, &e, learning)) {
        return wrong(s, "byte %zu: event %zu differs", end, now->events - 1);
    }
    return true;
}

/* Offers the unconsumed bytes up to `end`, until the parser needs more. */
static bool feed(struct segments *s, struct segments_state *now, size_t end, bool learning)
{
    if (now->dead) {
        return true;
    }
    struct span in = exact_at_end(s->wall, span_skip(span_first(s->input, end), now->taken));
    while (!now->dead) {
        struct nsq_place before = now->place;
        struct nsq_item item;
        enum nsq_parse outcome = nsq_command_parse(&now->place, &s->limits, in, &item);
        if (outcome == NSQ_MORE) {
            bool kept = item.consumed == 0 && now->place.stage == before.stage &&
                        now->place.left == before.left && now->place.index == before.index;
            return kept || wrong(s, "byte %zu: NSQ_MORE moved on", end);
        }
        if (!take(s, now, outcome, in, item, end, learning)) {
            return false;
        }
        in = span_skip(in, item.consumed);
    }
    return true;
}

/* Feeds [begin,end) in the state after `begin` bytes, or in state `now`, and compares the result.
 */
static bool check_chunk(struct segments *s, struct segments_state *now, size_t begin, size_t end)
{
    s->checked++;
    char why[sizeof s->why];
    if (!feed(s, now, end, false)) {
        memcpy(why, s->why, sizeof why);
        return wrong(s, "chunk [%zu,%zu): %.*s", begin, end, 180, why);
    }
    if (!same_state(now, &s->state[end])) {
        return wrong(s, "chunk [%zu,%zu): the state differs; %zu events instead of %zu", begin, end,
                     now->events, s->state[end].events);
    }
    return true;
}

/* --- ways to cut ----------------------------------------------------------------------------- */

bool segments_learn(struct segments *s, const struct exact *wall, struct nsq_limits limits,
                    struct span input)
{
    s->wall = wall;
    s->limits = limits;
    s->input = input;
    s->checked = 0;
    s->why[0] = '\0';
    if (input.n > SEGMENTS_INPUT_MAX) {
        return wrong(s, "%zu bytes are more than the runner takes", input.n);
    }
    struct segments_state now = {0};
    for (size_t i = 0; i <= input.n; i++) {
        if (!feed(s, &now, i, true)) {
            return false;
        }
        s->state[i] = now;
    }
    return true;
}

uint64_t segments_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* Chunks of random lengths; their average length is random too. */
static bool check_random(struct segments *s, uint64_t *random)
{
    struct segments_state now = {0};
    uint64_t most = (uint64_t)1 << (segments_random(random) % 9);
    for (size_t begin = 0; begin < s->input.n;) {
        size_t end = begin + 1 + (size_t)(segments_random(random) % most);
        end = end < s->input.n ? end : s->input.n;
        if (!check_chunk(s, &now, begin, end)) {
            return false;
        }
        begin = end;
    }
    return true;
}

bool segments_check_cuts(struct segments *s, unsigned random, uint64_t seed)
{
    for (size_t cut = 0; cut <= s->input.n; cut++) {
        struct segments_state now = {0};
        if (!check_chunk(s, &now, 0, cut) || !check_chunk(s, &now, cut, s->input.n)) {
            return false;
        }
    }
    uint64_t x = seed == 0 ? 1 : seed;
    for (unsigned i = 0; i < random; i++) {
        if (!check_random(s, &x)) {
            char why[sizeof s->why];
            memcpy(why, s->why, sizeof why);
            return wrong(s, "seed %llu, way %u, %.*s", (unsigned long long)seed, i, 180, why);
        }
    }
    return true;
}

bool segments_check_induction(struct segments *s)
{
    for (size_t i = 0; i < s->input.n; i++) {
        for (size_t j = i + 1; j <= s->input.n; j++) {
            struct segments_state now = s->state[i];
            if (!check_chunk(s, &now, i, j)) {
                return false;
            }
        }
    }
    return true;
}

/* --- the events as text ---------------------------------------------------------------------- */

/* A text in a fixed room. `n` counts on when the room is used up. */
struct text {
    char *out;
    size_t room;
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->n < t->room ? t->out + t->n : NULL, t->n < t->room ? t->room - t->n : 0,
                      format, args);
    va_end(args);
    t->n += n > 0 ? (size_t)n : 0;
}

/* Writes bytes in brackets: bytes that are not plain ASCII as \xNN, and more than 24 bytes as their
 * number. */
static void add_bytes(struct text *t, struct span bytes)
{
    if (bytes.n > 24) {
        add(t, " [%zu bytes]", bytes.n);
        return;
    }
    add(t, " [");
    for (size_t i = 0; i < bytes.n; i++) {
        bool plain = bytes.p[i] < 0x80 && isprint(bytes.p[i]) && strchr("[]\\", bytes.p[i]) == NULL;
        add(t, plain ? "%c" : "\\x%02x", bytes.p[i]);
    }
    add(t, "]");
}

static void add_command(struct text *t, const struct nsq_command *c)
{
    struct span name = nsq_command_row(c->id)->name;
    if (c->id == NSQ_UNKNOWN) {
        add(t, " ?");
        add_bytes(t, c->name);
    } else {
        add(t, " %.*s", (int)name.n, (const char *)name.p);
    }
    for (size_t i = 0; i < c->params && i < NSQ_PARAMS_MAX; i++) {
        add_bytes(t, c->param[i]);
    }
    if (c->params > NSQ_PARAMS_MAX) {
        add(t, " of %zu", c->params);
    }
}

static void add_event(struct text *t, const struct segments_event *e)
{
    static const char *const stages[] = {"line", "size", "body", "count", "size", "body"};
    static const char *const bads[] = {"?", "too long", "not positive", "too big", "bad count"};
    const struct nsq_item *item = &e->item;
    add(t, "%zu %s", e->at, stages[item->stage]);
    if (item->stage == NSQ_STAGE_MESSAGE_SIZE || item->stage == NSQ_STAGE_MESSAGE_BODY) {
        add(t, " %u:", (unsigned)item->index);
    }
    if (item->stage == NSQ_STAGE_BODY || item->stage == NSQ_STAGE_MESSAGE_BODY) {
        add_bytes(t, item->part);
    } else if (item->stage != NSQ_STAGE_LINE) {
        add(t, " %d", (int)item->value);
    } else if (e->outcome == NSQ_OK) {
        add_command(t, &item->command);
    }
    if (e->outcome == NSQ_BAD) {
        add(t, " %s (%lld)", bads[item->bad], (long long)item->limit);
    }
    add(t, "%s\n", item->last ? " last" : "");
}

size_t segments_transcript(const struct segments *s, char *out, size_t room)
{
    struct text t = {.out = out, .room = room};
    if (room > 0) {
        out[0] = '\0';
    }
    for (size_t i = 0; i < segments_end(s)->events; i++) {
        add_event(&t, &s->event[i]);
    }
    return t.n;
}
