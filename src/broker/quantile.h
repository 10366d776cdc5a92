/* SPDX-License-Identifier: MIT */
/*
 * Owns: a stream of numbers of which only a summary is kept, from which percentiles can be read. It
 * is the algorithm of Cormode, Korn, Muthukrishnan and Srivastava, "Effective computation of biased
 * quantiles over data streams" (2005), for targeted quantiles, with the parameters of nsqd: the
 * error is 0.01, and 500 numbers at a time go into the summary.
 *
 * A tuple of the summary stands for `width` numbers that are at most `value`; `delta` says how
 * uncertain its rank is. Neighbours are united while the error that the targets allow at their rank
 * is not passed.
 *
 * Accuracy: a percentile is equal to that of nsqd for the same numbers in the same order, as long
 * as the summary has at most QUANTILE_TUPLES tuples. In nsqd, numbers that mostly fall make the
 * summary grow without a bound. Here neighbours are then united with a larger error. The rank of a
 * percentile is then wrong by at most 5 percent of the count; that of nsqd is wrong by at most 2.5
 * percent. (The rank of a percentile p of n numbers is p * n.)
 *
 * Must not know: what the numbers mean, windows of time, channels.
 */
#ifndef BROKER_QUANTILE_H
#define BROKER_QUANTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/effort.h"

#define QUANTILE_FRESH 500   /* numbers that go into the summary at a time, as in nsqd */
#define QUANTILE_TUPLES 1024 /* the most tuples of a summary after numbers went into it */
#define QUANTILE_ROOM 4096   /* the most tuples of a summary into which others were merged */

/* What all streams share. Everything is borrowed. The functions below count their work in `effort`
 * but do not stop when none is left: a call passes over at most QUANTILE_ROOM tuples a few times.
 */
struct quantile_setting {
    const double *targets; /* the percentiles that will be asked for, each > 0 and <= 1 */
    size_t target_count;   /* > 0 */
    struct budget *budget; /* is charged for the memory of the streams */
    struct effort *effort;
};

struct quantile_tuple {
    double value;
    double width;
    double delta;
};

/* A struct of zeros is an empty stream. */
struct quantile {
    struct quantile_tuple *tuples; /* in the order of their values */
    size_t tuple_count;
    size_t tuple_room;
    double width;  /* of all tuples together: how many numbers the summary stands for */
    double *fresh; /* the numbers that are not in the summary yet, in ascending order */
    size_t fresh_count;
    size_t fresh_room;
};

/* Adds a number. Returns false, and does not add it, when the memory budget has no room for it. */
bool quantile_insert(const struct quantile_setting *setting, struct quantile *q, double number);

/* Adds what the stream `from` stands for to `q`. When `from` has a summary, its fresh numbers go
 * into it first, as in nsqd. Returns false, and adds nothing, when the memory budget has no room.
 */
bool quantile_merge(const struct quantile_setting *setting, struct quantile *q,
                    struct quantile *from);

/* Returns how many numbers the stream stands for. */
uint64_t quantile_count(const struct quantile *q);

/* Returns the percentile `target` of a stream into which others were merged (it has no fresh
 * numbers). Returns 0 when the stream is empty. */
double quantile_query(const struct quantile_setting *setting, const struct quantile *q,
                      double target);

/* Returns how many bytes the memory budget is charged for the stream now. */
size_t quantile_cost(const struct quantile *q);

/* Empties the stream and frees its memory. */
void quantile_reset(struct budget *budget, struct quantile *q);

#endif
