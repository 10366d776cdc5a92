/* SPDX-License-Identifier: MIT */
/*
 * A library that is preloaded into a server under test. It stands in front of libc's waits and
 * measures the processor time of each turn. It also measures the steps of OpenSSL's handshakes,
 * because a turn may take one of them longer than its limit. A timer of processor time notes where
 * the thread is when a turn passes the limit. Must not know: the server.
 */
#define _GNU_SOURCE /* ppoll */ /* NOLINT(bugprone-reserved-identifier) */
#include "soak/turns/turns.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>

#define SECOND 1000000000 /* ns */
#define PAGE 4096
#define OWN_FRAMES 2 /* of the signal's handler, at the top of a stack */

/* OpenSSL's headers are not needed for this. */
int SSL_do_handshake(void *ssl);

static struct {
    int (*poll)(struct pollfd *, nfds_t, int);
    int (*ppoll)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
    int (*epoll_wait)(int, struct epoll_event *, int, int);
    int (*handshake)(void *);
} real;

static struct turns *turns; /* NULL: nobody reads */
static _Thread_local bool first_thread;
static timer_t timer;
static bool timed;
static bool in_turn;
static int64_t begun_ns;      /* processor time at which the turn began */
static int64_t handshake_max; /* ns; of the turn */

static void *find(const char *library, const char *name)
{
    void *found = dlsym(dlopen(library, RTLD_LAZY), name);
    if (found == NULL) {
        abort(); /* not glibc, or not OpenSSL 3 */
    }
    return found;
}

static int64_t processor_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

/* --- turns ------------------------------------------------------------------------------------ */

static void set_timer(int64_t ns)
{
    const struct itimerspec when = {.it_value = {.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND}};
    if (timed) {
        timer_settime(timer, 0, &when, NULL);
    }
}

/* Notes the stack of a turn that takes too long. */
static void on_timer(int number)
{
    void *frames[TURNS_FRAMES + OWN_FRAMES];
    unsigned i = atomic_load(&turns->stacks);
    (void)number;
    if (first_thread && i < TURNS_STACKS) {
        int n = backtrace(frames, TURNS_FRAMES + OWN_FRAMES);
        int kept = n > OWN_FRAMES ? n - OWN_FRAMES : 0;
        for (int f = 0; f < kept; f++) {
            turns->stack[i][f] = (uintptr_t)frames[OWN_FRAMES + f];
        }
        turns->stack[i][kept] = 0;
        atomic_store(&turns->stacks, i + 1);
    }
}

static void raise_to(_Atomic int64_t *most, int64_t ns)
{
    if (ns > atomic_load(most)) {
        atomic_store(most, ns);
    }
}

static void forget(void)
{
    atomic_store(&turns->count, 0);
    atomic_store(&turns->too_long, 0);
    atomic_store(&turns->longest_ns, 0);
    atomic_store(&turns->handshake_ns, 0);
    atomic_store(&turns->handshakes, 0);
    atomic_store(&turns->stacks, 0);
    atomic_store(&turns->forget, 0);
}

static bool is_measured(void)
{
    return turns != NULL && first_thread;
}

static void end_turn(void)
{
    if (!is_measured()) {
        return;
    }
    set_timer(0);
    int64_t ns = processor_time() - begun_ns - handshake_max;
    if (in_turn && atomic_load(&turns->forget) == 0) {
        raise_to(&turns->longest_ns, ns);
        atomic_fetch_add(&turns->count, 1);
        atomic_fetch_add(&turns->too_long, ns > TURNS_LIMIT_NS);
    } else {
        forget();
    }
    in_turn = false;
}

static void begin_turn(void)
{
    if (is_measured()) {
        in_turn = true;
        handshake_max = 0;
        begun_ns = processor_time();
        set_timer(TURNS_LIMIT_NS);
    }
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    end_turn();
    int n = real.poll(fds, count, timeout_ms);
    begin_turn();
    return n;
}

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    end_turn();
    int n = real.ppoll(fds, count, timeout, mask);
    begin_turn();
    return n;
}

int epoll_wait(int epoll, struct epoll_event *events, int room, int timeout_ms)
{
    end_turn();
    int n = real.epoll_wait(epoll, events, room, timeout_ms);
    begin_turn();
    return n;
}

int SSL_do_handshake(void *ssl)
{
    int64_t start = processor_time();
    int done = real.handshake(ssl);
    if (is_measured()) {
        int64_t ns = processor_time() - start;
        handshake_max = ns > handshake_max ? ns : handshake_max;
        raise_to(&turns->handshake_ns, ns);
        atomic_fetch_add(&turns->handshakes, 1);
    }
    return done;
}

/* --- start ------------------------------------------------------------------------------------ */

__attribute__((constructor)) static void start(void)
{
    const char *fd = getenv("TURNS_COUNTS");
    struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGVTALRM};
    void *frame;
    void *found = find("libc.so.6", "poll");
    memcpy(&real.poll, &found, sizeof found);
    found = find("libc.so.6", "ppoll");
    memcpy(&real.ppoll, &found, sizeof found);
    found = find("libc.so.6", "epoll_wait");
    memcpy(&real.epoll_wait, &found, sizeof found);
    found = find("libssl.so.3", "SSL_do_handshake");
    memcpy(&real.handshake, &found, sizeof found);
    if (fd == NULL) {
        return;
    }
    void *shared =
        mmap(NULL, sizeof *turns, PROT_READ | PROT_WRITE, MAP_SHARED, (int)strtol(fd, NULL, 10), 0);
    turns = shared != MAP_FAILED ? shared : NULL;
    first_thread = true;
    if (turns != NULL) {
        turns->program = getauxval(AT_PHDR) & ~(uintptr_t)(PAGE - 1);
        backtrace(&frame, 1); /* its first call allocates memory, which a signal must not do */
        sigaction(SIGVTALRM, &action, NULL);
        timed = timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0;
    }
}
