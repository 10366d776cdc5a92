/* SPDX-License-Identifier: MIT */
/*
 * Owns: doing numbered jobs in several processes: each takes the next number from a pipe they
 * share and writes its result into a pipe of its own. A process that crashes loses one job.
 */
#ifndef CONFORM_WORKERS_H
#define CONFORM_WORKERS_H

#include <stddef.h>

#include "base/buf.h"

#define WORKERS_MAX 64

struct workers {
    void *context;
    /* Does job `i` and appends its result; in a process of its own when `parallel` is over 1. */
    void (*work)(void *context, size_t i, struct buf *result);
    /* Takes a result, in this process. */
    void (*take)(void *context, size_t i, struct span result);
    size_t parallel;
    const int *end_fd; /* all is cut off when it is readable; NULL: never */
};

/* Whether an end was asked for. */
bool workers_stopped(const int *end_fd);

/* Does these jobs, begun in this order. False: at least one has no result. */
bool workers_run(const struct workers *w, const size_t *jobs, size_t n);

#endif
