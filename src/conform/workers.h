/* SPDX-License-Identifier: MIT */
/*
 * Owns: doing numbered jobs in several processes. Each worker takes the next number from a pipe
 * that all share, and writes the result to a pipe of its own. A worker that crashes loses one job.
 * Must not know: what the jobs are.
 */
#ifndef CONFORM_WORKERS_H
#define CONFORM_WORKERS_H

#include <stddef.h>

#include "base/buf.h"

#define WORKERS_MAX 64

struct workers {
    void *context;
    /* Does job `i` and appends its result. Runs in a worker process when `parallel` is above 1. */
    void (*work)(void *context, size_t i, struct buf *result);
    /* Receives a result, in this process. */
    void (*take)(void *context, size_t i, struct span result);
    size_t parallel;
    const int *end_fd; /* when it is readable, all workers are killed; NULL: never */
};

/* Whether *end_fd is readable; NULL: false. */
bool workers_stopped(const int *end_fd);

/* Does these jobs and starts them in this order. False: at least one has no result. */
bool workers_run(const struct workers *w, const size_t *jobs, size_t n);

#endif
