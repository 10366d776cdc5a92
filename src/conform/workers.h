/* SPDX-License-Identifier: MIT */
/*
 * Owns: doing numbered jobs in several processes. All workers share one pipe, from which each
 * worker reads the number of its next job. Each worker writes its results to its own pipe. When a
 * worker crashes, one job is lost. Must not know: what the jobs are.
 */
#ifndef CONFORM_WORKERS_H
#define CONFORM_WORKERS_H

#include <stddef.h>

#include "base/buf.h"

#define WORKERS_MAX 64

struct workers {
    void *context;
    /* Does job `i` and appends its result to `result`. If `parallel` is above 1, this function runs
     * in a worker process. */
    void (*work)(void *context, size_t i, struct buf *result);
    /* Receives a result. This function runs in the process that called workers_run. */
    void (*take)(void *context, size_t i, struct span result);
    /* Runs about once a second or more often, in the process that called workers_run. May be
     * NULL. */
    void (*tick)(void *context);
    size_t parallel;
    const int *end_fd; /* when *end_fd is readable, all workers are killed; NULL: never */
};

/* Returns true if *end_fd is readable. Returns false if end_fd is NULL. */
bool workers_stopped(const int *end_fd);

/* Does the `n` jobs in `jobs`, and starts them in the order of this array. Returns false if any job
 * has no result. */
bool workers_run(const struct workers *w, const size_t *jobs, size_t n);

#endif
