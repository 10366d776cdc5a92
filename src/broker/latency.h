/* SPDX-License-Identifier: MIT */
/*
 * Owns: the end-to-end processing latency of one channel: how long its messages took from the
 * publish to the FIN, of the last window of time. As in nsqd there are two streams, each of half a
 * window, which take turns. The figures are about the messages of both, that is of the last half
 * to the last whole window. For a topic, nsqd merges the streams of its channels, and so does
 * latency_add.
 *
 * Memory: at most LATENCY_MOST bytes for a channel, charged to the memory budget as the samples
 * come. A sample for which there is no room is not counted. When no percentile is asked for, a
 * channel has no struct latency, and a FIN does no work here.
 *
 * Accuracy: broker/quantile.h. There is one difference to nsqd: when /stats shows one channel only,
 * nsqd does not move the windows of the other channels of the topic before it merges them.
 *
 * Must not know: channels, messages, clocks.
 */
#ifndef BROKER_LATENCY_H
#define BROKER_LATENCY_H

#include "broker/quantile.h"

struct latency_config {
    const double *percentiles; /* borrowed; each > 0 and <= 1, in the order of their report */
    size_t percentile_count;   /* 0: latencies are not measured */
    int64_t window;            /* ns, >= 2; 10 min: --e2e-processing-latency-window-time */
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

/* Returns the setting for a configuration. `budget` and `effort` are the broker's; the effort of
 * the functions below is only counted. */
struct latency_setting latency_setting(const struct latency_config *config, struct budget *budget,
                                       struct effort *effort);

/* Bytes that one struct latency needs without samples. */
#define LATENCY_COST (sizeof(struct latency) + ALLOC_OVERHEAD)
/* The most bytes for one channel: its summaries, and the numbers that are not in them yet. */
#define LATENCY_MOST                                                                               \
    (LATENCY_COST + 2 * (2 * (QUANTILE_TUPLES + QUANTILE_FRESH) * sizeof(struct quantile_tuple) +  \
                         QUANTILE_FRESH * sizeof(double) + 2 * (size_t)ALLOC_OVERHEAD))

/* Returns a new struct without samples, whose first window begins now. Charges LATENCY_COST. */
struct latency *latency_new(const struct latency_setting *setting, int64_t now);

/* Frees the struct. `latency` may be NULL. */
void latency_free(struct latency *latency);

/* Returns how many bytes the memory budget is charged for the struct now; 0 for NULL. */
size_t latency_cost(const struct latency *latency);

/* Adds one sample: the time in ns from a publish to its FIN; below 0 when the wall clock was set
 * back. */
void latency_note(struct latency *latency, int64_t sample, int64_t now);

/* Adds the samples of a channel to those of its topic: `sum` is a struct from latency_new that gets
 * no samples of its own. Samples for which there is no memory are left out. */
void latency_add(struct latency *sum, struct latency *latency, int64_t now);

/* Sets values[i] to the percentile number i of the configuration, of the samples, in ns; 0 when
 * there are none. Returns the number of samples. */
uint64_t latency_read(struct latency *latency, double *values, int64_t now);

#endif
