/* SPDX-License-Identifier: MIT */
/* Blames a server's end on the cases that were under way. Must not know: what a case does. */
#include "conform/deaths.h"

#include <time.h>

#include "base/alloc.h"
#include "base/text.h"
#include "conform/workers.h"
#include "shell/clock.h"

/* How long a process may take to end after its connections have ended. */
#define END_TIMEOUT (300 * TIME_MS)

struct list {
    size_t *cases; /* numbers of cases */
    size_t n;
};

void deaths_init(struct deaths *d, struct report *report, FILE *err)
{
    *d = (struct deaths){.report = report, .n = report->n, .err = err};
    d->presence = alloc_zeroed((d->n + 1) * sizeof *d->presence);
    d->ended = alloc_zeroed((d->n + 1) * sizeof *d->ended);
    deaths_begin(d);
}

void deaths_free(struct deaths *d)
{
    alloc_free(d->presence);
    alloc_free(d->ended);
}

void deaths_begin(struct deaths *d)
{
    for (size_t s = 0; s < SERVERS_MAX; s++) {
        d->last[s] = DEATHS_NONE;
    }
}

static size_t server_of(const struct deaths *d, size_t i)
{
    return d->servers == NULL ? 0 : d->servers->of[i];
}

void deaths_note(struct deaths *d, size_t i, enum presence presence, int64_t ended)
{
    d->presence[i] = presence;
    d->ended[i] = ended;
    if (presence == PRESENCE_THERE || presence == PRESENCE_GONE_AFTER) {
        d->last[server_of(d, i)] = i;
    }
}

/* Appends the cases of a server with this presence. */
static void collect(const struct deaths *d, size_t s, enum presence presence, struct list *list)
{
    list->cases = alloc_zeroed((d->n + 1) * sizeof *list->cases);
    for (size_t i = 0; i < d->n; i++) {
        if (server_of(d, i) == s && d->presence[i] == presence) {
            list->cases[list->n++] = i;
        }
    }
}

/* Returns when the server's end was seen first, or INT64_MAX. */
static int64_t first_gone(const struct deaths *d, size_t s)
{
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < d->n; i++) {
        bool gone = d->presence[i] == PRESENCE_GONE_BEFORE || d->presence[i] == PRESENCE_GONE_AFTER;
        if (gone && server_of(d, i) == s && d->ended[i] < first) {
            first = d->ended[i];
        }
    }
    return first;
}

/* Collects the cases that may have ended the server. */
static void collect_suspects(const struct deaths *d, size_t s, struct list *list)
{
    int64_t first = first_gone(d, s);
    bool any = d->last[s] != DEATHS_NONE;
    if (first == INT64_MAX && any) {
        first = d->ended[d->last[s]];
    }
    int64_t from = first - DEATHS_WITHIN;
    list->cases = alloc_zeroed((d->n + 1) * sizeof *list->cases);
    for (size_t i = 0; i < d->n; i++) {
        bool just_ended = d->presence[i] == PRESENCE_THERE && d->ended[i] >= from;
        if (server_of(d, i) == s && (just_ended || d->presence[i] == PRESENCE_GONE_AFTER)) {
            list->cases[list->n++] = i;
        }
    }
    if (list->n == 0 && any) {
        list->cases[list->n++] = d->last[s];
    }
}

static void blame(struct deaths *d, size_t i, struct span why)
{
    struct report_case *c = &d->report->cases[i];
    struct buf before = c->why;
    c->why = (struct buf){0};
    c->verdict = VERDICT_DIED;
    buf_append(&c->why, why);
    buf_append(&c->why, buf_span(&before));
    buf_free(&before);
}

/* No suspect ends the server alone, or this was not tried. Then all of them are blamed. */
static void blame_all(struct deaths *d, const struct list *suspects, struct span tried,
                      struct span why)
{
    struct buf text = {0};
    text_append(&text, "these cases were under way or had just ended when the server ended");
    buf_append(&text, tried);
    for (size_t k = 0; k < suspects->n; k++) {
        buf_append(&text, k == 0 ? SPAN(": ") : SPAN(", "));
        buf_append(&text, d->report->cases[suspects->cases[k]].id);
    }
    text_append(&text, "\n");
    buf_append(&text, why);
    for (size_t k = 0; k < suspects->n; k++) {
        blame(d, suspects->cases[k], buf_span(&text));
    }
    buf_free(&text);
}

/* --- servers that this program has started ---------------------------------------------------- */

/* Returns true if a server that was ready has ended. Then `why` says how. If `wait` is true, the
 * server may be about to end. */
static bool has_ended(struct deaths *d, size_t s, bool wait, struct buf *why)
{
    struct spawn *server = &d->servers->list[s];
    if (server->state != SPAWN_READY) {
        return false;
    }
    bool gone = first_gone(d, s) != INT64_MAX;
    int64_t deadline = clock_now() + (gone || wait ? END_TIMEOUT : 0);
    bool runs = spawn_runs(server);
    while (runs && clock_now() < deadline) {
        nanosleep(&(const struct timespec){.tv_nsec = 5 * TIME_MS}, NULL);
        runs = spawn_runs(server);
    }
    bool ended = !runs || gone;
    buf_drop(why, why->n);
    if (ended && runs) {
        text_append(why, "the server accepts no connections any more\n");
    } else if (ended) {
        buf_append(why, buf_span(&server->why));
    }
    if (why->n > 0 && why->p[why->head + why->n - 1] != '\n') {
        text_append(why, "\n");
    }
    return ended;
}

static void tell(const struct deaths *d, size_t s, struct span why)
{
    struct span flags = d->servers->flags[s];
    fprintf(d->err, "nsq-conform: flags '%.*s': %.*s", (int)flags.n,
            flags.n == 0 ? "" : (const char *)flags.p, (int)why.n, (const char *)why.p);
}

/* What a new server plays says nothing about the cases that the old one played. */
static void forget(struct deaths *d, size_t s)
{
    for (size_t i = 0; i < d->n; i++) {
        if (server_of(d, i) == s) {
            d->presence[i] = PRESENCE_UNKNOWN;
        }
    }
    d->last[s] = DEATHS_NONE;
}

/* Plays each suspect alone on a new server, and blames those that end it. Returns true if there was
 * one. */
static bool try_each(struct deaths *d, size_t s, const struct list *suspects)
{
    struct buf why = {0};
    bool found = false;
    for (size_t k = 0; k < suspects->n && !workers_stopped(d->servers->end_fd); k++) {
        size_t i = suspects->cases[k];
        if (servers_restart(d->servers, s)) {
            d->play(d->context, &i, 1);
        }
        if (has_ended(d, s, true, &why)) {
            blame(d, i, buf_span(&why));
            found = true;
        }
        forget(d, s);
    }
    buf_free(&why);
    return found;
}

/* Finds out which cases have ended the server. */
static void accuse(struct deaths *d, size_t s, struct span why)
{
    struct list suspects = {0};
    collect_suspects(d, s, &suspects);
    forget(d, s);
    if (suspects.n == 1) {
        blame(d, suspects.cases[0], why);
    } else if (!try_each(d, s, &suspects) && !workers_stopped(d->servers->end_fd)) {
        blame_all(d, &suspects, SPAN("; none of them alone ends it"), why);
    }
    alloc_free(suspects.cases);
}

/* The server does not play these cases: it ends before its first one, or too often. */
static void give_up(struct deaths *d, const struct list *unplayed, struct span why)
{
    for (size_t k = 0; k < unplayed->n; k++) {
        struct report_case *c = &d->report->cases[unplayed->cases[k]];
        c->verdict = VERDICT_UNREACHABLE;
        buf_drop(&c->why, c->why.n);
        text_append(&c->why, "the server has ended, and this case could not be played\n");
        buf_append(&c->why, why);
    }
}

/* Returns true if the server must be looked at again. */
static bool settle_once(struct deaths *d, size_t s, bool may_start, struct buf *why)
{
    struct list unplayed = {0};
    bool played = d->last[s] != DEATHS_NONE;
    bool again = false;
    tell(d, s, buf_span(why));
    collect(d, s, PRESENCE_GONE_BEFORE, &unplayed);
    if (played) {
        accuse(d, s, buf_span(why));
    }
    forget(d, s);
    if (unplayed.n > 0) {
        again = played && may_start && servers_restart(d->servers, s);
        if (again) {
            d->play(d->context, unplayed.cases, unplayed.n);
        } else if (!workers_stopped(d->servers->end_fd)) {
            give_up(d, &unplayed, buf_span(why));
        }
    }
    alloc_free(unplayed.cases);
    return again;
}

static void settle_server(struct deaths *d, size_t s)
{
    struct buf why = {0};
    bool again = true;
    for (unsigned deaths = 1; again && has_ended(d, s, false, &why); deaths++) {
        again =
            !workers_stopped(d->servers->end_fd) && settle_once(d, s, deaths < DEATHS_MAX, &why);
    }
    buf_free(&why);
}

/* --- a server that somebody else has started -------------------------------------------------- */

static void settle_target(struct deaths *d)
{
    struct list suspects = {0};
    bool gone = first_gone(d, 0) != INT64_MAX;
    collect_suspects(d, 0, &suspects);
    if (gone && suspects.n > 0) {
        blame_all(d, &suspects, SPAN("; --spawn would find out which case ends it"),
                  SPAN("the server accepts no connections any more\n"));
    }
    alloc_free(suspects.cases);
}

void deaths_settle(struct deaths *d)
{
    if (d->servers == NULL) {
        settle_target(d);
        return;
    }
    for (size_t s = 0; s < d->servers->count; s++) {
        settle_server(d, s);
    }
}
