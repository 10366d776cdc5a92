/* SPDX-License-Identifier: MIT */
/*
 * Threads that look host names up, with a queue of jobs and a queue of answers. Must not know why a
 * name is looked up, and must not connect to the addresses.
 */
#include "shell/resolver.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"

/* The most threads. One thread works on the queue; the other threads are blocked in look-ups that
 * were cancelled. More than one is needed, because other names, for example the next auth server's,
 * must still be looked up when one name server does not answer. Without the limit, names that no
 * server answers could fill the machine with threads. Each thread is blocked for as long as the C
 * library tries, about half a minute. */
#define RESOLVER_THREADS_MAX 8

struct job {
    struct list link; /* in `waiting` or `done`; in neither while it is being looked up */
    bool cancelled;
    char address[SOCKET_HOST_MAX + SOCKET_HOST_MAX];
    struct resolver_answer answer;
};

/* Shared by the event loop and the threads. The last owner that leaves frees it. */
struct resolver {
    pthread_mutex_t lock; /* protects all fields below */
    pthread_cond_t more;  /* signalled when a job waits, or when `ended` was set */
    struct list waiting;  /* of struct job */
    struct list done;     /* of struct job */
    struct job *current;  /* the job being looked up, unless its thread was abandoned */
    size_t count;         /* number of jobs */
    unsigned owners; /* number of owners: the event loop until resolver_free, and the threads */
    bool ended;
    int answers; /* the reading end of a pipe; it contains one byte for each answer */
    int tell;    /* the writing end of that pipe, for the threads */
};

static void free_jobs(struct list *jobs)
{
    while (!list_empty(jobs)) {
        struct job *job = container_of(jobs->next, struct job, link);
        list_remove(&job->link);
        alloc_free(job);
    }
}

/* Removes one owner. Must be called with the lock held; releases the lock. */
static void leave(struct resolver *r)
{
    bool last = --r->owners == 0;
    pthread_mutex_unlock(&r->lock);
    if (last) {
        free_jobs(&r->waiting);
        free_jobs(&r->done);
        close(r->answers);
        close(r->tell);
        pthread_cond_destroy(&r->more);
        pthread_mutex_destroy(&r->lock);
        alloc_free(r);
    }
}

/* Does one job. Must be called with the lock held; the lock is released during the look-up. Returns
 * false when another thread has replaced this thread, which must then end. */
static bool look_up(struct resolver *r, struct job *job)
{
    r->current = job;
    pthread_mutex_unlock(&r->lock);
    socket_look_up(job->address, false, &job->answer.addresses, job->answer.why);
    pthread_mutex_lock(&r->lock);
    /* A thread that was replaced continues to work when the new thread is blocked in a cancelled
     * job as well. */
    bool stays = r->current == job || (r->current != NULL && r->current->cancelled);
    if (stays) {
        r->current = NULL;
    }
    if (job->cancelled || r->ended) {
        alloc_free(job);
        r->count--;
        return stays;
    }
    list_push(&r->done, &job->link);
    ssize_t written = write(r->tell, "", 1); /* a full pipe is no error: it is readable already */
    (void)written;
    return stays;
}

static void *work(void *context)
{
    struct resolver *r = context;
    bool stays = true;
    pthread_mutex_lock(&r->lock);
    while (stays && !r->ended) {
        if (list_empty(&r->waiting)) {
            pthread_cond_wait(&r->more, &r->lock);
            continue;
        }
        struct job *job = container_of(r->waiting.next, struct job, link);
        list_remove(&job->link);
        stays = look_up(r, job);
    }
    leave(r);
    return NULL;
}

/* Starts a thread that blocks all signals, because the event loop handles them. Must be called with
 * the lock held. */
static bool start_thread(struct resolver *r)
{
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&thread, NULL, work, r) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started) {
        pthread_detach(thread);
        r->owners++;
    }
    return started;
}

struct resolver *resolver_new(void)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return NULL;
    }
    struct resolver *r = alloc_zeroed(sizeof *r);
    socket_set_flags(ends[0]);
    socket_set_flags(ends[1]);
    r->answers = ends[0];
    r->tell = ends[1];
    list_init(&r->waiting);
    list_init(&r->done);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->more, NULL);
    r->owners = 1;
    pthread_mutex_lock(&r->lock);
    bool started = start_thread(r);
    pthread_mutex_unlock(&r->lock);
    if (!started) {
        resolver_free(r);
        return NULL;
    }
    return r;
}

void resolver_free(struct resolver *r)
{
    if (r != NULL) {
        pthread_mutex_lock(&r->lock);
        r->ended = true;
        pthread_cond_signal(&r->more);
        leave(r);
    }
}

int resolver_fd(const struct resolver *r)
{
    return r->answers;
}

bool resolver_ask(struct resolver *r, uint64_t ticket, const char *address)
{
    size_t n = strlen(address);
    if (n >= sizeof((struct job *)NULL)->address) {
        return false;
    }
    pthread_mutex_lock(&r->lock);
    bool room = r->count < RESOLVER_JOBS_MAX;
    if (room) {
        struct job *job = alloc_zeroed(sizeof *job);
        job->answer.ticket = ticket;
        memcpy(job->address, address, n + 1);
        list_init(&job->link);
        list_push(&r->waiting, &job->link);
        r->count++;
        pthread_cond_signal(&r->more);
    }
    pthread_mutex_unlock(&r->lock);
    return room;
}

static void cancel_in(struct resolver *r, struct list *jobs, uint64_t ticket)
{
    struct list *next;
    for (struct list *l = jobs->next; l != jobs; l = next) {
        struct job *job = container_of(l, struct job, link);
        next = l->next;
        if (job->answer.ticket == ticket) {
            list_remove(l);
            alloc_free(job);
            r->count--;
        }
    }
}

void resolver_cancel(struct resolver *r, uint64_t ticket)
{
    pthread_mutex_lock(&r->lock);
    cancel_in(r, &r->waiting, ticket);
    cancel_in(r, &r->done, ticket);
    struct job *job = r->current;
    if (job != NULL && !job->cancelled && job->answer.ticket == ticket) {
        job->cancelled = true;
        size_t threads = r->owners - 1;
        if (threads < RESOLVER_THREADS_MAX && start_thread(r)) {
            r->current = NULL; /* the new thread continues; the old one ends after its look-up */
        }
    }
    pthread_mutex_unlock(&r->lock);
}

bool resolver_next(struct resolver *r, struct resolver_answer *answer)
{
    char told[64];
    pthread_mutex_lock(&r->lock);
    struct job *job = NULL;
    if (!list_empty(&r->done)) {
        job = container_of(r->done.next, struct job, link);
        list_remove(&job->link);
        r->count--;
    } else {
        while (read(r->answers, told, sizeof told) > 0) { /* bytes of earlier answers */
        }
    }
    pthread_mutex_unlock(&r->lock);
    if (job == NULL) {
        return false;
    }
    *answer = job->answer;
    alloc_free(job);
    return true;
}
