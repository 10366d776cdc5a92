/* SPDX-License-Identifier: MIT */
/*
 * The waiter that calls epoll_wait(), for ten thousand idle connections. The kernel keeps the list
 * of descriptors, so the cost of a wait depends on how many are ready. Each change of bits costs a
 * system call. Linux only. Must not know what the descriptors are.
 */
#define _GNU_SOURCE /* ppoll */ /* NOLINT(bugprone-reserved-identifier) */
#include "shell/waiter.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/time.h"
#include "shell/clock.h"

#define EVENTS_A_WAIT 256 /* more than the server ever asks for in one call */
#define EXACT_NS 2000000  /* a shorter timeout is not rounded to milliseconds */

struct set {
    int fd;
    uint64_t *tokens; /* by descriptor; the kernel needs the token at each change of bits */
    size_t token_count;
};

static uint32_t epoll_bits(unsigned bits)
{
    return (bits & WAITER_READ ? (uint32_t)EPOLLIN : 0U) |
           (bits & WAITER_WRITE ? (uint32_t)EPOLLOUT : 0U) |
           (bits & WAITER_ENDED ? (uint32_t)EPOLLRDHUP : 0U);
}

static unsigned event_bits(uint32_t events)
{
    return (events & EPOLLIN ? WAITER_READ : 0U) | (events & EPOLLOUT ? WAITER_WRITE : 0U) |
           (events & (EPOLLHUP | EPOLLERR) ? WAITER_GONE : 0U) |
           (events & EPOLLRDHUP ? WAITER_ENDED : 0U);
}

static int control(const struct set *s, int operation, int fd, unsigned bits)
{
    struct epoll_event event = {.events = epoll_bits(bits), .data = {.u64 = s->tokens[fd]}};
    return epoll_ctl(s->fd, operation, fd, &event);
}

static bool on_add(void *self, int fd, uint64_t token, unsigned bits)
{
    struct set *s = self;
    if ((size_t)fd >= s->token_count) {
        s->token_count = 2 * (size_t)fd + 1;
        s->tokens = alloc_resize(s->tokens, s->token_count * sizeof *s->tokens);
    }
    s->tokens[fd] = token;
    return control(s, EPOLL_CTL_ADD, fd, bits) == 0;
}

static void on_change(void *self, int fd, unsigned bits)
{
    control(self, EPOLL_CTL_MOD, fd, bits); /* cannot fail for a descriptor that was added */
}

static void on_remove(void *self, int fd)
{
    control(self, EPOLL_CTL_DEL, fd, 0);
}

/* epoll_wait() counts in milliseconds. For a short timeout, ppoll() waits until epoll has events.
 */
static int wait_for(const struct set *s, struct epoll_event *got, int most, int64_t timeout_ns)
{
    if (timeout_ns > 0 && timeout_ns < EXACT_NS) {
        struct pollfd row = {.fd = s->fd, .events = POLLIN};
        struct timespec timeout = waiter_timespec(timeout_ns);
        if (ppoll(&row, 1, &timeout, NULL) < 0) {
            return -1;
        }
        timeout_ns = 0;
    }
    return epoll_wait(s->fd, got, most, waiter_ms(timeout_ns));
}

static size_t on_wait(void *self, int64_t timeout_ns, struct waiter_event *events, size_t room)
{
    const struct set *s = self;
    struct epoll_event got[EVENTS_A_WAIT];
    int most = (int)(room < EVENTS_A_WAIT ? room : EVENTS_A_WAIT);
    int64_t end = timeout_ns < 0 ? -1 : time_after(clock_now(), timeout_ns);
    int n = wait_for(s, got, most, timeout_ns);
    while (n < 0 && errno == EINTR) { /* a signal has arrived, or the process was stopped */
        n = wait_for(s, got, most, waiter_left(end, clock_now()));
    }
    size_t found = n > 0 ? (size_t)n : 0;
    for (size_t i = 0; i < found; i++) {
        events[i] =
            (struct waiter_event){.token = got[i].data.u64, .bits = event_bits(got[i].events)};
    }
    return found;
}

static void on_close(void *self)
{
    struct set *s = self;
    close(s->fd);
    alloc_free(s->tokens);
    alloc_free(s);
}

struct waiter waiter_epoll(void)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) {
        return (struct waiter){0};
    }
    struct set *s = alloc_zeroed(sizeof *s);
    s->fd = fd;
    return (struct waiter){
        .self = s,
        .add = on_add,
        .change = on_change,
        .remove = on_remove,
        .wait = on_wait,
        .close = on_close,
    };
}
