/* SPDX-License-Identifier: MIT */
/*
 * Owns: the end-to-end processing latency of one channel. This is the time from the publish of a
 * message to its FIN. As in nsqd there are two streams of samples. One stream gets the samples of
 * half a window of time. Then the other stream is emptied, and gets the samples of the next half.
 * The results are computed from both streams, so they cover between half a window and a whole
 * window. For a topic, latency_add merges the streams of its channels, as nsqd does.
 *
 * Memory: a channel needs at most LATENCY_MOST bytes. They are added to the memory budget when
 * samples arrive. A sample for which the budget has no room is not counted. When no percentile is
 * configured, a channel has no struct latency, and a FIN calls no function of this file.
 *
 * broker/quantile.h describes the accuracy. The latency of a topic is computed from all its
 * channels. Difference from nsqd: samples that are older than the window are never counted. nsqd
 * counts some of them when a request for /stats names one channel only.
 *
 * Must not know: channels, messages, clocks.
 */
#ifndef BROKER_LATENCY_H
#define BROKER_LATENCY_H

#include "broker/quantile.h"

struct latency_config {
    const double *percentiles; /* borrowed; each > 0 and <= 1, in the order of their report */
    size_t percentile_count;   /* 0: latencies are not measured */
    int64_t window; /* ns, >= 2; nsqd's default is 10 min: --e2e-processing-latency-window-time */
};

/* What all channels of a broker share. */
struct latency_setting {
    struct quantile_setting quantile; /* its targets are the percentiles of the configuration */
    int64_t half;                     /* ns, > 0: half of the window */
};

struct latency {
    const struct latency_setting *setting; /* borrowed */
    struct quantile streams[2];
    unsigned current; /* the stream that gets the samples */
    int64_t began;    /* ns; when the current half of a window began */
};

/* Returns the setting for a configuration. `budget` and `effort` belong to the broker. The
 * functions below count their work in `effort`, but do not stop when no effort is left. */
struct latency_setting latency_setting(const struct latency_config *config, struct budget *budget,
                                       struct effort *effort);

/* Bytes that one struct latency needs without samples. */
#define LATENCY_COST (sizeof(struct latency) + ALLOC_OVERHEAD)
/* The largest number of bytes of one channel: its summaries, and the numbers that are not in a
 * summary yet. */
#define LATENCY_MOST                                                                               \
    (LATENCY_COST + 2 * (2 * (QUANTILE_TUPLES + QUANTILE_FRESH) * sizeof(struct quantile_tuple) +  \
                         QUANTILE_FRESH * sizeof(double) + 2 * (size_t)ALLOC_OVERHEAD))

/* Returns a new struct without samples, whose first window begins now. Charges LATENCY_COST. */
struct latency *latency_new(const struct latency_setting *setting, int64_t now);

/* Frees the struct. `latency` may be NULL. */
void latency_free(struct latency *latency);

/* Returns how many bytes of the memory budget the struct uses now; 0 for NULL. */
size_t latency_cost(const struct latency *latency);

/* Adds one sample. This is the time in ns from a publish to its FIN. It is below 0 when the wall
 * clock was set back. */
void latency_note(struct latency *latency, int64_t sample, int64_t now);

/* Adds the samples of a channel to those of its topic: `sum` must come from latency_new, and must
 * get samples only from latency_add. Samples for which there is no memory are left out. */
void latency_add(struct latency *sum, struct latency *latency, int64_t now);

/* Sets values[i] to the percentile number i of the configuration, in ns, or to 0 when there are no
 * samples. Returns the number of samples. */
uint64_t latency_read(struct latency *latency, double *values, int64_t now);

#endif
