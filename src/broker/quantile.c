/* SPDX-License-Identifier: MIT */
/*
 * Keeps the summary of a stream of numbers, and reads percentiles from it. Must not know: windows
 * of time, channels. The order of the operations on floating-point numbers is a part of the
 * algorithm: it makes the results equal to those of nsqd.
 */
#include "broker/quantile.h"

#include <assert.h>
#include <float.h>
#include <string.h>

#include "base/alloc.h"

#define ERROR 0.01                   /* epsilon in the paper */
#define LEAST_ROOM 16                /* elements of a new array */
#define EFFORT_TUPLES 8              /* so many tuples for one target cost one unit */
#define WHOLE_MAX 4503599627370496.0 /* 2^52: from here on every double is a whole number */

/* The functions of the math library are not in the libraries below the shell. x >= 0. */
static double round_down(double x)
{
    return x < WHOLE_MAX ? (double)(int64_t)x : x;
}

static double round_up(double x)
{
    double whole = round_down(x);
    return whole < x ? whole + 1 : whole;
}

/* --- memory ----------------------------------------------------------------------------------- */

static size_t array_cost(size_t room, size_t size)
{
    return room == 0 ? 0 : room * size + ALLOC_OVERHEAD;
}

/* Makes room for `want` elements of `size` bytes in an array that has room for *room, and may never
 * have room for more than `most`. Returns the array, or NULL when the budget has no room. */
static void *grow(struct budget *budget, void *array, size_t *room, size_t want, size_t most,
                  size_t size)
{
    assert(want > 0 && want <= most);
    if (want <= *room) {
        return array;
    }
    size_t next = *room * 2 > LEAST_ROOM ? *room * 2 : LEAST_ROOM;
    next = next < want ? want : next < most ? next : most;
    size_t more = array_cost(next, size) - array_cost(*room, size);
    if (!budget_has_room(budget, BUDGET_CLIENT, more)) {
        return NULL;
    }
    budget_charge(budget, more);
    *room = next;
    return alloc_resize(array, next * size);
}

static bool grow_tuples(struct budget *budget, struct quantile *q, size_t want)
{
    void *grown = grow(budget, q->tuples, &q->tuple_room, want, QUANTILE_ROOM, sizeof *q->tuples);
    q->tuples = grown != NULL ? grown : q->tuples;
    return grown != NULL;
}

static bool grow_fresh(struct budget *budget, struct quantile *q)
{
    void *grown = grow(budget, q->fresh, &q->fresh_room, q->fresh_count + 1, QUANTILE_FRESH,
                       sizeof *q->fresh);
    q->fresh = grown != NULL ? grown : q->fresh;
    return grown != NULL;
}

size_t quantile_cost(const struct quantile *q)
{
    return array_cost(q->tuple_room, sizeof *q->tuples) +
           array_cost(q->fresh_room, sizeof *q->fresh);
}

void quantile_reset(struct budget *budget, struct quantile *q)
{
    budget_release(budget, quantile_cost(q));
    alloc_free(q->tuples);
    alloc_free(q->fresh);
    *q = (struct quantile){0};
}

/* --- the summary ------------------------------------------------------------------------------ */

/* Returns how many numbers a tuple at this rank may stand for: the least of what the targets
 * allow. */
static double allowed(const struct quantile_setting *setting, double width, double rank)
{
    double least = DBL_MAX;
    for (size_t i = 0; i < setting->target_count; i++) {
        double target = setting->targets[i];
        double here = target * width <= rank ? 2 * ERROR * rank / target
                                             : 2 * ERROR * (width - rank) / (1 - target);
        least = here < least ? here : least;
    }
    return least;
}

static void count_work(const struct quantile_setting *setting, size_t tuples)
{
    effort_use(setting->effort, 1 + tuples * setting->target_count / EFFORT_TUPLES);
}

/* Adds one tuple behind those that are in the summary at the places before `*to`. The tuples from
 * `*from` to the end were not passed yet. *rank is the rank of the passed ones, without those that
 * this merge has added: nsqd does not count them. */
static void add_tuple(const struct quantile_setting *setting, struct quantile *q, size_t *from,
                      size_t end, size_t *to, double *rank, const struct quantile_tuple *tuple)
{
    while (*from < end && q->tuples[*from].value <= tuple->value) {
        *rank += q->tuples[*from].width;
        q->tuples[(*to)++] = q->tuples[(*from)++];
    }
    /* The last tuple of a summary is exact. */
    double delta = *from < end ? round_down(allowed(setting, q->width, *rank)) - 1 : 0;
    q->tuples[(*to)++] = (struct quantile_tuple){tuple->value, tuple->width, delta};
    q->width += tuple->width;
}

/* Merges n tuples, or n numbers if `tuples` is NULL, in ascending order. There must be room for
 * them. */
static void merge(const struct quantile_setting *setting, struct quantile *q,
                  const struct quantile_tuple *tuples, const double *numbers, size_t n)
{
    size_t from = n;
    size_t end = n + q->tuple_count;
    size_t to = 0;
    double rank = 0;
    assert(end <= q->tuple_room);
    memmove(q->tuples + n, q->tuples, q->tuple_count * sizeof *q->tuples);
    for (size_t i = 0; i < n; i++) {
        struct quantile_tuple one = {.width = 1};
        if (tuples != NULL) {
            one = tuples[i];
        } else {
            one.value = numbers[i];
        }
        add_tuple(setting, q, &from, end, &to, &rank, &one);
    }
    /* The tuples that were not passed are in their places already. */
    assert(to == from);
    q->tuple_count = end;
    count_work(setting, end);
}

/* Unites neighbours, from the last one down, whose width together is at most `factor` times what is
 * allowed. */
static void unite(const struct quantile_setting *setting, struct quantile *q, double factor)
{
    if (q->tuple_count < 2) {
        return;
    }
    size_t to = q->tuple_count - 1; /* the tuples from here on stay */
    double rank = q->width - 1 - q->tuples[to].width;
    for (size_t i = q->tuple_count - 1; i-- > 0;) {
        struct quantile_tuple one = q->tuples[i];
        struct quantile_tuple *next = &q->tuples[to];
        if (one.width + next->width + next->delta <= factor * allowed(setting, q->width, rank)) {
            next->width += one.width;
        } else {
            q->tuples[--to] = one;
        }
        rank -= one.width;
    }
    count_work(setting, q->tuple_count);
    q->tuple_count -= to;
    memmove(q->tuples, q->tuples + to, q->tuple_count * sizeof *q->tuples);
}

/* Makes the summary as short as the targets allow, and then, with a larger error, so short that it
 * has at most QUANTILE_TUPLES tuples. */
static void shorten(const struct quantile_setting *setting, struct quantile *q)
{
    double factor = 1;
    unite(setting, q, factor);
    while (q->tuple_count > QUANTILE_TUPLES) {
        factor *= 2;
        unite(setting, q, factor);
    }
}

/* Moves the fresh numbers into the summary. Returns false when there is no memory for that. */
static bool settle(const struct quantile_setting *setting, struct quantile *q)
{
    if (!grow_tuples(setting->budget, q, q->tuple_count + q->fresh_count)) {
        return false;
    }
    merge(setting, q, NULL, q->fresh, q->fresh_count);
    q->fresh_count = 0;
    shorten(setting, q);
    return true;
}

/* --- the stream ------------------------------------------------------------------------------- */

bool quantile_insert(const struct quantile_setting *setting, struct quantile *q, double number)
{
    if (q->fresh_count == QUANTILE_FRESH && !settle(setting, q)) {
        return false;
    }
    if (!grow_fresh(setting->budget, q)) {
        return false;
    }
    size_t low = 0;
    size_t high = q->fresh_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (q->fresh[middle] <= number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    memmove(q->fresh + low + 1, q->fresh + low, (q->fresh_count - low) * sizeof *q->fresh);
    q->fresh[low] = number;
    q->fresh_count++;
    if (q->fresh_count == QUANTILE_FRESH) {
        settle(setting, q); /* if there is no memory now, the next call tries again */
    }
    return true;
}

bool quantile_merge(const struct quantile_setting *setting, struct quantile *q,
                    struct quantile *from)
{
    if (from->tuple_count > 0 && !settle(setting, from)) {
        return false;
    }
    size_t n = from->tuple_count > 0 ? from->tuple_count : from->fresh_count;
    if (n == 0) {
        return true;
    }
    if (q->tuple_count + n > QUANTILE_ROOM) {
        shorten(setting, q);
    }
    if (!grow_tuples(setting->budget, q, q->tuple_count + n)) {
        return false;
    }
    merge(setting, q, from->tuple_count > 0 ? from->tuples : NULL, from->fresh, n);
    return true;
}

uint64_t quantile_count(const struct quantile *q)
{
    return (uint64_t)q->width + q->fresh_count;
}

double quantile_query(const struct quantile_setting *setting, const struct quantile *q,
                      double target)
{
    if (q->tuple_count == 0) {
        return 0;
    }
    double wanted = round_up(target * q->width);
    wanted += round_up(allowed(setting, q->width, wanted) / 2);
    const struct quantile_tuple *before = &q->tuples[0];
    double rank = 0;
    for (size_t i = 1; i < q->tuple_count; i++) {
        const struct quantile_tuple *t = &q->tuples[i];
        if (rank + t->width + t->delta > wanted) {
            break;
        }
        rank += before->width;
        before = t;
    }
    count_work(setting, q->tuple_count);
    return before->value;
}
