/* SPDX-License-Identifier: MIT */
/*
 * The waiter that calls poll(). Its cost depends on how many descriptors there are, and a change of
 * bits costs nothing. Must not know what the descriptors are.
 */
#define _GNU_SOURCE /* ppoll, POLLRDHUP */ /* NOLINT(bugprone-reserved-identifier) */
#include "shell/waiter.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "base/time.h"
#include "shell/clock.h"

#define ROWS_LEAST 16
#define NAP_MS 100

/* Rows have no gaps. places[fd] is 1 + the number of the descriptor's row; 0: the descriptor has no
 * row. */
struct rows {
    struct pollfd *fds;
    uint64_t *tokens;
    size_t n;
    size_t cap;
    size_t *places;
    size_t place_count;
    size_t next; /* the first row to look at, so that every row has its turn */
};

static short poll_bits(unsigned bits)
{
    return (short)((bits & WAITER_READ ? POLLIN : 0) | (bits & WAITER_WRITE ? POLLOUT : 0) |
                   (bits & WAITER_ENDED ? POLLRDHUP : 0));
}

static void grow(struct rows *r, size_t fd)
{
    if (r->n == r->cap) {
        r->cap = r->cap == 0 ? ROWS_LEAST : r->cap * 2;
        r->fds = alloc_resize(r->fds, r->cap * sizeof *r->fds);
        r->tokens = alloc_resize(r->tokens, r->cap * sizeof *r->tokens);
    }
    if (fd >= r->place_count) {
        size_t count = fd < ROWS_LEAST ? ROWS_LEAST : 2 * fd;
        r->places = alloc_resize(r->places, count * sizeof *r->places);
        for (size_t i = r->place_count; i < count; i++) {
            r->places[i] = 0;
        }
        r->place_count = count;
    }
}

static bool on_add(void *self, int fd, uint64_t token, unsigned bits)
{
    struct rows *r = self;
    assert(fd >= 0);
    grow(r, (size_t)fd);
    assert(r->places[fd] == 0);
    r->fds[r->n] = (struct pollfd){.fd = fd, .events = poll_bits(bits)};
    r->tokens[r->n] = token;
    r->places[fd] = ++r->n;
    return true;
}

static void on_change(void *self, int fd, unsigned bits)
{
    struct rows *r = self;
    r->fds[r->places[fd] - 1].events = poll_bits(bits);
}

static void on_remove(void *self, int fd)
{
    struct rows *r = self;
    size_t row = r->places[fd] - 1;
    size_t last = --r->n;
    r->fds[row] = r->fds[last];
    r->tokens[row] = r->tokens[last];
    r->places[r->fds[row].fd] = row + 1;
    r->places[fd] = 0;
}

static unsigned event_bits(short revents)
{
    return (revents & POLLIN ? WAITER_READ : 0U) | (revents & POLLOUT ? WAITER_WRITE : 0U) |
           (revents & (POLLHUP | POLLERR | POLLNVAL) ? WAITER_GONE : 0U) |
           (revents & POLLRDHUP ? WAITER_ENDED : 0U);
}

/* Sleeps for a while. It is called when poll() has failed, which happens when memory is short, or
 * when somebody has lowered the limit of descriptors below the number of rows. Without this sleep,
 * a caller that waits in a loop would keep the processor busy. */
static void nap(int timeout_ms)
{
    poll(NULL, 0, timeout_ms < 0 || timeout_ms > NAP_MS ? NAP_MS : timeout_ms);
}

/* Calls poll() with an exact timeout. */
static int poll_rows(struct rows *r, int64_t timeout_ns)
{
    struct timespec timeout = waiter_timespec(timeout_ns < 0 ? 0 : timeout_ns);
    return ppoll(r->fds, (nfds_t)r->n, timeout_ns < 0 ? NULL : &timeout, NULL);
}

static size_t on_wait(void *self, int64_t timeout_ns, struct waiter_event *events, size_t room)
{
    struct rows *r = self;
    int64_t end = timeout_ns < 0 ? -1 : time_after(clock_now(), timeout_ns);
    int ready = poll_rows(r, timeout_ns);
    while (ready < 0 && errno == EINTR) { /* a signal has arrived */
        ready = poll_rows(r, waiter_left(end, clock_now()));
    }
    if (ready < 0) {
        nap(waiter_ms(timeout_ns));
    }
    size_t found = 0;
    size_t most = ready > 0 ? (size_t)ready : 0; /* after an error nothing is ready */
    for (size_t i = 0; i < r->n && found < room && found < most; i++) {
        size_t row = r->next < r->n ? r->next : 0;
        r->next = row + 1;
        unsigned bits = event_bits(r->fds[row].revents);
        if (bits != 0) {
            events[found++] = (struct waiter_event){.token = r->tokens[row], .bits = bits};
        }
    }
    return found;
}

static void on_close(void *self)
{
    struct rows *r = self;
    alloc_free(r->fds);
    alloc_free(r->tokens);
    alloc_free(r->places);
    alloc_free(r);
}

struct waiter waiter_poll(void)
{
    return (struct waiter){
        .self = alloc_zeroed(sizeof(struct rows)),
        .add = on_add,
        .change = on_change,
        .remove = on_remove,
        .wait = on_wait,
        .close = on_close,
    };
}
