/* SPDX-License-Identifier: MIT */
/*
 * A library that is preloaded into a server under test. It stands in front of libc's calls on
 * sockets and makes some of them fail, in ways in which the kernel may make them fail. A generator
 * with a seed decides. Must not know: the server.
 *
 * It leaves alone what the kernel cannot do: EPOLL_CTL_MOD and EPOLL_CTL_DEL do not fail for a
 * descriptor that was added. It also leaves alone the listeners and pipes that a server adds when
 * it starts, because a server may refuse to start then.
 */
#include "soak/faults/inject.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PARTS_MOST 1024 /* of a message: what Linux accepts */

/* libc's functions. */
static struct {
    ssize_t (*recv)(int, void *, size_t, int);
    ssize_t (*send)(int, const void *, size_t, int);
    ssize_t (*sendmsg)(int, const struct msghdr *, int);
    int (*accept)(int, struct sockaddr *, socklen_t *);
    int (*accept4)(int, struct sockaddr *, socklen_t *, int);
    int (*poll)(struct pollfd *, nfds_t, int);
    int (*ppoll)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
    int (*epoll_wait)(int, struct epoll_event *, int, int);
    int (*epoll_ctl)(int, int, int, struct epoll_event *);
} libc;

static _Atomic uint64_t state; /* of the generator */
static unsigned long rates[FAULT_KINDS];
static struct fault_counts *counts; /* NULL: nobody counts */

/* sys/socket.h declares it only with _GNU_SOURCE, which changes the type of accept. */
int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict size, int flags);
int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask);

static void find(const char *name, void *function)
{
    void *found = dlsym(dlopen("libc.so.6", RTLD_LAZY), name);
    if (found == NULL) {
        abort(); /* not glibc */
    }
    memcpy(function, &found, sizeof found);
}

__attribute__((constructor)) static void start(void)
{
    const char *seed = getenv("FAULTS_SEED");
    const char *fd = getenv("FAULTS_COUNTS");
    char *rate = getenv("FAULTS_RATES");
    find("recv", &libc.recv);
    find("send", &libc.send);
    find("sendmsg", &libc.sendmsg);
    find("accept", &libc.accept);
    find("accept4", &libc.accept4);
    find("poll", &libc.poll);
    find("ppoll", &libc.ppoll);
    find("epoll_wait", &libc.epoll_wait);
    find("epoll_ctl", &libc.epoll_ctl);
    state = seed != NULL ? strtoull(seed, NULL, 10) : 0;
    for (int i = 0; i < FAULT_KINDS && rate != NULL && *rate != '\0'; i++) {
        rates[i] = strtoul(rate, &rate, 10);
        rate += *rate == ',';
    }
    if (fd != NULL) {
        void *shared = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED,
                            (int)strtol(fd, NULL, 10), 0);
        counts = shared != MAP_FAILED ? shared : NULL;
    }
}

/* --- the generator ---------------------------------------------------------------------------- */

/* splitmix64. Threads share it. */
static uint64_t below(uint64_t n)
{
    uint64_t x = atomic_fetch_add(&state, 0x9e3779b97f4a7c15U) + 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return (x ^ (x >> 31)) % n;
}

static bool happens(enum fault fault)
{
    if (below(FAULT_ALL) >= rates[fault]) {
        return false;
    }
    if (counts != NULL) {
        atomic_fetch_add(&counts->of[fault], 1);
    }
    return true;
}

/* Sets errno and returns true if the call is to fail. */
static bool fails(enum fault fault, int error)
{
    if (!happens(fault)) {
        return false;
    }
    errno = error;
    return true;
}

static bool fails_on_socket(void)
{
    return fails(FAULT_EINTR, EINTR) || fails(FAULT_EAGAIN, EAGAIN);
}

/* A number of bytes from 1 to n - 1; half of the time a small one. n is at least 2. */
static size_t fewer(size_t n)
{
    size_t most = n - 1;
    return 1 + (size_t)below(below(2) == 0 && most > 8 ? 8 : most);
}

/* --- input and output ------------------------------------------------------------------------- */

ssize_t recv(int fd, void *p, size_t n, int flags)
{
    if (fails_on_socket()) {
        return -1;
    }
    return libc.recv(fd, p, n > 1 && happens(FAULT_SHORT_READ) ? fewer(n) : n, flags);
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
    if (fails_on_socket()) {
        return -1;
    }
    return libc.send(fd, p, n > 1 && happens(FAULT_SHORT_WRITE) ? fewer(n) : n, flags);
}

/* Copies the parts of a message up to `n` bytes. Returns the number of parts. */
static size_t copy_parts(const struct msghdr *message, size_t n, struct iovec *parts)
{
    size_t count = 0;
    for (; n > 0; count++) {
        parts[count] = message->msg_iov[count];
        if (parts[count].iov_len > n) {
            parts[count].iov_len = n;
        }
        n -= parts[count].iov_len;
    }
    return count;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct iovec parts[PARTS_MOST];
    struct msghdr some = *message;
    size_t total = 0;
    if (fails_on_socket()) {
        return -1;
    }
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        total += message->msg_iov[i].iov_len;
    }
    if (total > 1 && message->msg_iovlen <= PARTS_MOST && happens(FAULT_SHORT_WRITE)) {
        some.msg_iov = parts;
        some.msg_iovlen = copy_parts(message, fewer(total), parts);
    }
    return libc.sendmsg(fd, &some, flags);
}

/* --- new connections -------------------------------------------------------------------------- */

/* The connection stays in the listener's queue, so it can be accepted later. */
static bool accept_fails(void)
{
    static const int errors[] = {ECONNABORTED, ECONNABORTED, ECONNABORTED, EPROTO, EPERM,
                                 EMFILE,       ENFILE,       ENOBUFS,      ENOMEM, EAGAIN};
    return fails(FAULT_EINTR, EINTR) ||
           fails(FAULT_ACCEPT, errors[below(sizeof errors / sizeof errors[0])]);
}

int accept(int fd, struct sockaddr *restrict address, socklen_t *restrict size)
{
    return accept_fails() ? -1 : libc.accept(fd, address, size);
}

int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict size, int flags)
{
    return accept_fails() ? -1 : libc.accept4(fd, address, size, flags);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static bool poll_fails(nfds_t count)
{
    return count > 0 && (fails(FAULT_EINTR, EINTR) || fails(FAULT_POLL, ENOMEM));
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    return poll_fails(count) ? -1 : libc.poll(fds, count, timeout_ms);
}

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    return poll_fails(count) ? -1 : libc.ppoll(fds, count, timeout, mask);
}

int epoll_wait(int epoll, struct epoll_event *events, int room, int timeout_ms)
{
    return fails(FAULT_EINTR, EINTR) ? -1 : libc.epoll_wait(epoll, events, room, timeout_ms);
}

/* Whether a descriptor is a socket that does not listen. */
static bool is_connection(int fd)
{
    int listens;
    socklen_t n = sizeof listens;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) == 0 && listens == 0;
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    if (operation == EPOLL_CTL_ADD && is_connection(fd) &&
        fails(FAULT_EPOLL_ADD, below(2) == 0 ? ENOSPC : ENOMEM)) {
        return -1;
    }
    return libc.epoll_ctl(epoll, operation, fd, event);
}
