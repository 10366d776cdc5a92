/* SPDX-License-Identifier: MIT */
/*
 * Owns: the seam behind which descriptors are waited for. Four functions, so that another file can
 * stand in for poll() where ten thousand idle connections make its scan the cost.
 */
#ifndef SHELL_WAITER_H
#define SHELL_WAITER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What to wait for, and what has come, as bits. */
enum waiter_bit {
    WAITER_READ = 1,
    WAITER_WRITE = 2,
    WAITER_GONE = 4, /* hang-up or error: comes unasked, possibly with input still to be read */
};

struct waiter_event {
    uint64_t token;
    unsigned bits;
};

struct waiter {
    void *self;

    /* Starts to wait on a descriptor; `token` comes back with its events. False: the system waits
     * on no more of them. */
    bool (*add)(void *self, int fd, uint64_t token, unsigned bits);

    /* Waits for other bits. */
    void (*change)(void *self, int fd, unsigned bits);

    /* Forgets a descriptor, which is still open. */
    void (*remove)(void *self, int fd);

    /* Waits until something has come, or timeout_ns have passed (negative: for ever). Writes at
     * most `room` events, of descriptors in turn, and returns how many. */
    size_t (*wait)(void *self, int64_t timeout_ns, struct waiter_event *events, size_t room);

    /* Ends the waiter; the descriptors stay open. */
    void (*close)(void *self);
};

/* The waiter that calls poll(). */
struct waiter waiter_poll(void);

/* The waiter that calls epoll_wait(); self is NULL when the system grants none. */
struct waiter waiter_epoll(void);

/* For waiters: a timeout in milliseconds, -1 for ever. Rounded up: rounded down, the last
 * millisecond before a deadline would be spent spinning. */
static inline int waiter_ms(int64_t ns)
{
    if (ns < 0) {
        return -1;
    }
    int64_t ms = ns / 1000000 + (ns % 1000000 != 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

#endif
