/* SPDX-License-Identifier: MIT */
/* Tests of conform/workers.h: every job runs once, and a crash costs one job. */
#include "conform/workers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <unistd.h>

#define JOBS 300
#define CRASHES 13 /* the number of the job that crashes */
#define BIG 200000 /* bytes: more than a pipe holds */

struct seen {
    size_t count[JOBS];
    pid_t self;
    bool crash;
    size_t taken;
    int end[2];
};

static void work(void *context, size_t i, struct buf *result)
{
    const struct seen *seen = context;
    size_t n = i % 50 == 0 ? BIG : i;
    if (seen->crash && i == CRASHES && getpid() != seen->self) {
        _exit(3);
    }
    for (size_t k = 0; k < n; k++) {
        const uint8_t byte = (uint8_t)i;
        buf_append(result, span_make(&byte, 1));
    }
}

static void take(void *context, size_t i, struct span result)
{
    struct seen *seen = context;
    assert_int_equal(result.n, i % 50 == 0 ? BIG : i);
    assert_true(result.n == 0 || result.p[result.n - 1] == (uint8_t)i);
    seen->count[i]++;
}

static bool run(struct seen *seen, size_t parallel)
{
    size_t jobs[JOBS];
    const struct workers w = {.context = seen, .work = work, .take = take, .parallel = parallel};
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i] = JOBS - 1 - i;
    }
    seen->self = getpid();
    return workers_run(&w, jobs, JOBS);
}

static void each_job_is_done_once(void **state)
{
    (void)state;
    static const size_t parallel[] = {1, 2, 7};
    for (size_t k = 0; k < 3; k++) {
        struct seen seen = {.crash = false};
        assert_true(run(&seen, parallel[k]));
        for (size_t i = 0; i < JOBS; i++) {
            assert_int_equal(seen.count[i], 1);
        }
    }
}

static void a_crash_costs_one_job(void **state)
{
    (void)state;
    struct seen seen = {.crash = true};
    assert_false(run(&seen, 2));
    for (size_t i = 0; i < JOBS; i++) {
        assert_int_equal(seen.count[i], i != CRASHES);
    }
}

static void no_jobs_are_no_problem(void **state)
{
    (void)state;
    const struct workers w = {.work = work, .take = take, .parallel = 4};
    assert_true(workers_run(&w, NULL, 0));
}

/* The third result ends the run. */
static void take_three(void *context, size_t i, struct span result)
{
    struct seen *seen = context;
    (void)result;
    seen->count[i]++;
    seen->taken++;
    if (seen->taken == 3) {
        assert_int_equal(write(seen->end[1], "x", 1), 1);
    }
}

static void a_stop_cuts_off_the_remaining_jobs(void **state)
{
    (void)state;
    static const size_t parallel[] = {1, 4};
    for (size_t k = 0; k < 2; k++) {
        struct seen seen = {.crash = false};
        size_t jobs[JOBS];
        size_t done = 0;
        assert_int_equal(pipe(seen.end), 0);
        assert_false(workers_stopped(&seen.end[0]));
        const struct workers w = {.context = &seen,
                                  .work = work,
                                  .take = take_three,
                                  .parallel = parallel[k],
                                  .end_fd = &seen.end[0]};
        for (size_t i = 0; i < JOBS; i++) {
            jobs[i] = i;
        }
        assert_false(workers_run(&w, jobs, JOBS));
        assert_true(workers_stopped(&seen.end[0]));
        for (size_t i = 0; i < JOBS; i++) {
            done += seen.count[i];
        }
        assert_true(done >= 3 && done < JOBS);
        close(seen.end[0]);
        close(seen.end[1]);
    }
    assert_false(workers_stopped(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_job_is_done_once),
        cmocka_unit_test(a_crash_costs_one_job),
        cmocka_unit_test(no_jobs_are_no_problem),
        cmocka_unit_test(a_stop_cuts_off_the_remaining_jobs),
    };
    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
