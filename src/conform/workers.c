/* SPDX-License-Identifier: MIT */
/* Worker processes are forked, so that a job that crashes does not end the run. Must not know: what
 * the jobs are. */
#include "conform/workers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD 8 /* bytes before a result: two big-endian uint32, the job and the length */
#define READ_SIZE 65536
#define TICK_MS 1000

struct worker {
    pid_t pid;
    int results; /* -1: the worker has ended */
    struct buf in;
};

struct pool {
    const struct workers *w;
    const size_t *jobs;
    size_t n;
    size_t given; /* jobs that were written to the pipe */
    size_t taken; /* results that were received */
    int job_pipe; /* -1: all jobs were written */
    struct worker workers[WORKERS_MAX];
    size_t count;
    bool stopped;
};

bool workers_stopped(const int *end_fd)
{
    struct pollfd fd = {.fd = end_fd == NULL ? -1 : *end_fd, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

/* --- in a worker ------------------------------------------------------------------------------ */

static bool write_all(int fd, struct span bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        bytes = span_skip(bytes, n < 0 ? 0 : (size_t)n);
    }
    return true;
}

/* A job is 4 bytes. A pipe reads and writes this number of bytes as a whole (PIPE_BUF), so workers
 * can share it. */
static bool next_job(int fd, uint32_t *job)
{
    uint8_t bytes[4];
    ssize_t n;
    do {
        n = read(fd, bytes, sizeof bytes);
    } while (n < 0 && errno == EINTR);
    *job = be32_load(bytes);
    return n == sizeof bytes;
}

static void be_worker(const struct workers *w, int jobs, int results)
{
    uint32_t job;
    bool ok = true;
    while (ok && next_job(jobs, &job)) {
        struct buf result = {0};
        uint8_t head[HEAD];
        w->work(w->context, job, &result);
        be32_store(head, job);
        be32_store(head + 4, (uint32_t)result.n);
        ok = write_all(results, span_make(head, HEAD)) && write_all(results, buf_span(&result));
        buf_free(&result);
    }
    _exit(ok ? 0 : 1);
}

/* --- in the parent ---------------------------------------------------------------------------- */

static bool start_worker(struct pool *pool, int jobs_in)
{
    int fds[2];
    if (pipe(fds) != 0) {
        return false;
    }
    fflush(NULL); /* otherwise the child prints buffered output a second time */
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        close(pool->job_pipe);
        be_worker(pool->w, jobs_in, fds[1]);
    }
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return false;
    }
    pool->workers[pool->count++] = (struct worker){.pid = pid, .results = fds[0]};
    return true;
}

static bool start(struct pool *pool)
{
    int jobs[2];
    if (pipe(jobs) != 0) {
        return false;
    }
    pool->job_pipe = jobs[1];
    while (pool->count < pool->w->parallel && pool->count < WORKERS_MAX && pool->count < pool->n &&
           start_worker(pool, jobs[0])) {
    }
    close(jobs[0]);
    return pool->count > 0;
}

static void give_jobs(struct pool *pool)
{
    uint8_t bytes[4];
    be32_store(bytes, (uint32_t)pool->jobs[pool->given]);
    bool given = write_all(pool->job_pipe, span_make(bytes, sizeof bytes));
    pool->given = given ? pool->given + 1 : pool->n; /* all workers have ended */
    if (pool->given == pool->n) {
        close(pool->job_pipe);
        pool->job_pipe = -1;
    }
}

static void take_results(struct pool *pool, struct worker *worker)
{
    while (worker->in.n >= HEAD) {
        struct span in = buf_span(&worker->in);
        size_t job = be32_load(in.p);
        size_t n = be32_load(in.p + 4);
        if (in.n - HEAD < n) {
            return;
        }
        pool->w->take(pool->w->context, job, span_first(span_skip(in, HEAD), n));
        pool->taken++;
        buf_drop(&worker->in, HEAD + n);
    }
}

static void read_results(struct pool *pool, struct worker *worker)
{
    ssize_t n = read(worker->results, buf_room(&worker->in, READ_SIZE), READ_SIZE);
    if (n > 0) {
        buf_grew(&worker->in, (size_t)n);
        take_results(pool, worker);
    } else if (n == 0 || errno != EINTR) {
        close(worker->results);
        worker->results = -1;
    }
}

/* Waits for one event. Returns false if all workers have ended, or if the run was stopped. */
static bool turn(struct pool *pool)
{
    struct pollfd fds[WORKERS_MAX + 2];
    bool any = false;
    for (size_t i = 0; i < pool->count; i++) {
        fds[i] = (struct pollfd){.fd = pool->workers[i].results, .events = POLLIN};
        any = any || pool->workers[i].results >= 0;
    }
    fds[pool->count] = (struct pollfd){.fd = pool->job_pipe, .events = POLLOUT};
    fds[pool->count + 1] =
        (struct pollfd){.fd = pool->w->end_fd == NULL ? -1 : *pool->w->end_fd, .events = POLLIN};
    int n = any ? poll(fds, pool->count + 2, TICK_MS) : 0;
    if (pool->w->tick != NULL) {
        pool->w->tick(pool->w->context);
    }
    /* Checked before results are read: the same signal may have ended the servers, which makes
     * results wrong. */
    pool->stopped = workers_stopped(pool->w->end_fd);
    if (!any || pool->stopped || n < 0) {
        return any && !pool->stopped;
    }
    for (size_t i = 0; i < pool->count; i++) {
        if (fds[i].revents != 0) {
            read_results(pool, &pool->workers[i]);
        }
    }
    if (fds[pool->count].revents != 0) {
        give_jobs(pool);
    }
    return true;
}

static void stop(struct pool *pool)
{
    if (pool->job_pipe >= 0) {
        close(pool->job_pipe);
    }
    for (size_t i = 0; i < pool->count; i++) {
        if (pool->stopped) {
            kill(pool->workers[i].pid, SIGKILL);
        }
        if (pool->workers[i].results >= 0) {
            close(pool->workers[i].results);
        }
        while (waitpid(pool->workers[i].pid, NULL, 0) < 0 && errno == EINTR) {
        }
        buf_free(&pool->workers[i].in);
    }
}

static bool run_here(const struct workers *w, const size_t *jobs, size_t n)
{
    size_t i = 0;
    for (; i < n && !workers_stopped(w->end_fd); i++) {
        struct buf result = {0};
        w->work(w->context, jobs[i], &result);
        if (!workers_stopped(w->end_fd)) {
            w->take(w->context, jobs[i], buf_span(&result));
        }
        buf_free(&result);
    }
    return i == n;
}

bool workers_run(const struct workers *w, const size_t *jobs, size_t n)
{
    if (w->parallel <= 1 || n <= 1) {
        return run_here(w, jobs, n);
    }
    struct pool pool = {.w = w, .jobs = jobs, .n = n, .job_pipe = -1};
    signal(SIGPIPE, SIG_IGN); /* a worker that crashed is noticed by its missing result */
    if (start(&pool)) {
        while (turn(&pool)) {
        }
    }
    stop(&pool);
    return pool.taken == n;
}
