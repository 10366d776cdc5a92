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

struct job {
    struct list link; /* in `waiting`, `working` or `done` */
    bool cancelled;   /* only in `working`: there is no answer */
    size_t name;      /* bytes of the host name, at the start of the address */
    char address[SOCKET_HOST_MAX + SOCKET_HOST_MAX];
    struct resolver_answer answer;
};

/* Shared by the event loop and the threads. The last owner that leaves frees it. */
struct resolver {
    pthread_mutex_t lock; /* protects all fields below */
    pthread_cond_t more;  /* signalled when a job may begin, or when `ended` was set */
    struct list waiting;  /* of struct job */
    struct list working;  /* of struct job: one for each thread that is in a look-up */
    struct list done;     /* of struct job */
    size_t count;         /* number of jobs */
    unsigned owners; /* number of owners: the event loop until resolver_free, and the threads */
    bool spare;      /* one thread is not in a look-up: it waits, or is about to take a job */
    bool ended;
    int answers; /* the reading end of a pipe; it is readable when there are answers */
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

static bool has_name(const struct list *jobs, const struct job *job)
{
    for (const struct list *l = jobs->next; l != jobs; l = l->next) {
        const struct job *other = container_of(l, struct job, link);
        if (other->name == job->name && memcmp(other->address, job->address, job->name) == 0) {
            return true;
        }
    }
    return false;
}

/* Returns the first job that may begin, or NULL. A name is looked up by one thread at a time, so
 * that a name that no server answers blocks only one. */
static struct job *next_job(const struct resolver *r)
{
    for (struct list *l = r->waiting.next; l != &r->waiting; l = l->next) {
        struct job *job = container_of(l, struct job, link);
        if (!has_name(&r->working, job)) {
            return job;
        }
    }
    return NULL;
}

static void *work(void *context);

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
        r->spare = true;
    }
    return started;
}

/* Lets a thread take the next job, if there is one. Must be called with the lock held. When no
 * thread can be started, a thread that ends its look-up takes the job. */
static void wake(struct resolver *r)
{
    if (r->spare) {
        pthread_cond_signal(&r->more);
    } else if (r->owners <= RESOLVER_THREADS_MAX && next_job(r) != NULL) {
        start_thread(r);
    }
}

/* Answers all jobs that wait for the address of this job, and then the job itself. */
static void answer(struct resolver *r, struct job *job)
{
    struct list *next;
    for (struct list *l = r->waiting.next; l != &r->waiting; l = next) {
        struct job *other = container_of(l, struct job, link);
        next = l->next;
        if (strcmp(other->address, job->address) == 0) {
            other->answer.addresses = job->answer.addresses;
            memcpy(other->answer.why, job->answer.why, sizeof job->answer.why);
            list_remove(l);
            list_push(&r->done, l);
        }
    }
    list_remove(&job->link);
    if (job->cancelled) {
        alloc_free(job);
        r->count--;
    } else {
        list_push(&r->done, &job->link);
    }
    if (!list_empty(&r->done)) {
        ssize_t written = write(r->tell, "", 1); /* a full pipe is readable already */
        (void)written;
    }
}

/* Does one job. Must be called with the lock held; the lock is released during the look-up. */
static void look_up(struct resolver *r, struct job *job)
{
    list_remove(&job->link);
    list_push(&r->working, &job->link);
    r->spare = false;
    wake(r); /* for the job after this one */
    pthread_mutex_unlock(&r->lock);
    socket_look_up(job->address, false, &job->answer.addresses, job->answer.why);
    pthread_mutex_lock(&r->lock);
    answer(r, job);
}

/* The first thread that has ended its look-up becomes the spare one; the others end. */
static void *work(void *context)
{
    struct resolver *r = context;
    pthread_mutex_lock(&r->lock);
    while (!r->ended) {
        struct job *job = next_job(r);
        if (job == NULL) {
            pthread_cond_wait(&r->more, &r->lock);
            continue;
        }
        look_up(r, job);
        if (r->spare) {
            wake(r); /* jobs for the same name may begin now */
            break;
        }
        r->spare = true;
    }
    leave(r);
    return NULL;
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
    list_init(&r->working);
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

static size_t name_size(const char *address)
{
    const char *colon = strrchr(address, ':');
    return colon == NULL ? strlen(address) : (size_t)(colon - address);
}

static bool has_room(const struct resolver *r, const struct job *job)
{
    bool known = has_name(&r->working, job) || has_name(&r->waiting, job);
    return r->count < (known ? RESOLVER_JOBS_OF_NAME_MAX : RESOLVER_JOBS_MAX);
}

bool resolver_ask(struct resolver *r, uint64_t ticket, const char *address)
{
    size_t n = strlen(address);
    if (n >= sizeof((struct job *)NULL)->address) {
        return false;
    }
    struct job *job = alloc_zeroed(sizeof *job);
    list_init(&job->link);
    job->answer.ticket = ticket;
    job->name = name_size(address);
    memcpy(job->address, address, n + 1);
    pthread_mutex_lock(&r->lock);
    bool room = has_room(r, job);
    if (room) {
        list_push(&r->waiting, &job->link);
        r->count++;
        wake(r);
    }
    pthread_mutex_unlock(&r->lock);
    if (!room) {
        alloc_free(job);
    }
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
    for (struct list *l = r->working.next; l != &r->working; l = l->next) {
        struct job *job = container_of(l, struct job, link);
        if (job->answer.ticket == ticket) {
            job->cancelled = true;
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
