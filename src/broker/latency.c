/* SPDX-License-Identifier: MIT */
/*
 * Moves the two halves of the window, and merges streams. Must not know: channels, messages,
 * clocks.
 */
#include "broker/latency.h"

#include <assert.h>

#include "base/alloc.h"

struct latency_setting latency_setting(const struct latency_config *config, struct budget *budget,
                                       struct effort *effort)
{
    return (struct latency_setting){
        .quantile = {config->percentiles, config->percentile_count, budget, effort},
        .half = config->window / 2};
}

struct latency *latency_new(const struct latency_setting *setting, int64_t now)
{
    struct latency *latency = alloc_zeroed(sizeof *latency);
    latency->setting = setting;
    latency->began = now;
    budget_charge(setting->quantile.budget, LATENCY_COST);
    return latency;
}

size_t latency_cost(const struct latency *latency)
{
    return latency == NULL ? 0
                           : LATENCY_COST + quantile_cost(&latency->streams[0]) +
                                 quantile_cost(&latency->streams[1]);
}

void latency_free(struct latency *latency)
{
    if (latency != NULL) {
        struct budget *budget = latency->setting->quantile.budget;
        quantile_reset(budget, &latency->streams[0]);
        quantile_reset(budget, &latency->streams[1]);
        budget_release(budget, LATENCY_COST);
        alloc_free(latency);
    }
}

/* Ends the halves of a window that are over. A half is over when more than its length has passed.
 * nsqd moves them one by one; the third and all later moves empty what is empty. */
static void move_window(struct latency *latency, int64_t now)
{
    int64_t half = latency->setting->half;
    assert(half > 0 && now >= latency->began);
    if (now - latency->began <= half) {
        return;
    }
    int64_t moves = (now - latency->began - 1) / half;
    for (int64_t i = 0; i < moves && i < 2; i++) {
        unsigned oldest = (latency->current + 1 + (unsigned)i) % 2;
        quantile_reset(latency->setting->quantile.budget, &latency->streams[oldest]);
    }
    latency->current = (latency->current + (unsigned)(moves % 2)) % 2;
    latency->began += moves * half;
}

void latency_note(struct latency *latency, int64_t sample, int64_t now)
{
    move_window(latency, now);
    quantile_insert(&latency->setting->quantile, &latency->streams[latency->current],
                    (double)sample);
}

void latency_add(struct latency *sum, struct latency *latency, int64_t now)
{
    move_window(latency, now);
    for (unsigned i = 0; i < 2; i++) {
        quantile_merge(&sum->setting->quantile, &sum->streams[(sum->current + i) % 2],
                       &latency->streams[(latency->current + i) % 2]);
    }
}

uint64_t latency_read(struct latency *latency, double *values, int64_t now)
{
    const struct quantile_setting *setting = &latency->setting->quantile;
    struct quantile both = {0};
    move_window(latency, now);
    quantile_merge(setting, &both, &latency->streams[0]);
    quantile_merge(setting, &both, &latency->streams[1]);
    for (size_t i = 0; i < setting->target_count; i++) {
        values[i] = quantile_query(setting, &both, setting->targets[i]);
    }
    uint64_t count = quantile_count(&both);
    quantile_reset(setting->budget, &both);
    return count;
}
