/* SPDX-License-Identifier: MIT */
/*
 * Owns: the summary of a stream of numbers, from which percentiles can be read. The numbers
 * themselves are not kept. The algorithm is from Cormode, Korn, Muthukrishnan and Srivastava,
 * "Effective computation of biased quantiles over data streams" (2005), for targeted quantiles. The
 * parameters are those of nsqd: the error is 0.01, and numbers are put into the summary in groups
 * of 500.
 *
 * The rank of a number is its position in the order of all numbers of the stream. The summary is a
 * list of tuples. A tuple stands for `width` numbers that are next to each other in this order, and
 * `value` is the largest of them. The summary gives the rank of `value` with an error of at most
 * `delta`. Two neighbouring tuples are merged into one if the error does not become too large. For
 * ranks near the percentiles that will be asked for, only a small error is allowed.
 *
 * Accuracy: for the same numbers in the same order, a percentile is equal to nsqd's until the
 * summary needs more than QUANTILE_TUPLES tuples. In nsqd, the summary grows without a bound if the
 * numbers of the stream become smaller and smaller. Here, a summary that is too long is made
 * shorter, and this makes the error larger. The rank of the result is then wrong by at most 5
 * percent of the count of numbers. In nsqd it is wrong by at most 2.5 percent.
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

#define QUANTILE_FRESH 500   /* numbers that go into the summary together, as in nsqd */
#define QUANTILE_TUPLES 1024 /* the most tuples after quantile_insert */
#define QUANTILE_ROOM 4096   /* the most tuples after quantile_merge */

/* What all streams share. Everything is borrowed. The functions below count their work in `effort`,
 * but do not stop when no effort is left. This is safe because a summary has at most QUANTILE_ROOM
 * tuples, and one call goes through them only a few times. */
struct quantile_setting {
    const double *targets; /* the percentiles that will be asked for, each > 0 and <= 1 */
    size_t target_count;   /* > 0 */
    struct budget *budget; /* counts the memory of the streams */
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

/* Adds a number. Returns false, and does not add the number, when the memory budget has no room. */
bool quantile_insert(const struct quantile_setting *setting, struct quantile *q, double number);

/* Adds to `q` all numbers of the stream `from`. They go into the summary of `q`. If `from` has a
 * summary, `from` changes too: its fresh numbers are first moved into its summary, as in nsqd.
 * Returns false, and adds nothing, when the memory budget has no room. */
bool quantile_merge(const struct quantile_setting *setting, struct quantile *q,
                    struct quantile *from);

/* Returns how many numbers the stream stands for. */
uint64_t quantile_count(const struct quantile *q);

/* Returns the percentile `target` of a stream that was filled only with quantile_merge. (Numbers of
 * quantile_insert may be fresh, and this function does not look at fresh numbers.) Returns 0 when
 * the stream is empty. */
double quantile_query(const struct quantile_setting *setting, const struct quantile *q,
                      double target);

/* Returns how many bytes of the memory budget the stream uses now. */
size_t quantile_cost(const struct quantile *q);

/* Empties the stream and frees its memory. */
void quantile_reset(struct budget *budget, struct quantile *q);

#endif
