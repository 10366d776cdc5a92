/* SPDX-License-Identifier: MIT */
/*
 * Owns: the interface for waiting until file descriptors are ready. It has two implementations:
 * poll(), and epoll, which does not scan the descriptors, for ten thousand idle connections.
 */
#ifndef SHELL_WAITER_H
#define SHELL_WAITER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What to wait for, and what is ready, as bits. */
enum waiter_bit {
    WAITER_READ = 1,
    WAITER_WRITE = 2,
    WAITER_GONE =
        4, /* hang-up or error: reported without being asked for, maybe with input unread */
};

struct waiter_event {
    uint64_t token;
    unsigned bits;
};

struct waiter {
    void *self;

    /* Adds a descriptor; its events carry `token`. False: the system has no room for another. */
    bool (*add)(void *self, int fd, uint64_t token, unsigned bits);

    /* Changes the bits to wait for. */
    void (*change)(void *self, int fd, unsigned bits);

    /* Removes a descriptor, which must still be open. */
    void (*remove)(void *self, int fd);

    /* Waits until a descriptor is ready, or timeout_ns nanoseconds have passed (negative: no
     * timeout). Writes at most `room` events and returns how many. When more descriptors are ready
     * than there is room for, they take turns. */
    size_t (*wait)(void *self, int64_t timeout_ns, struct waiter_event *events, size_t room);

    /* Frees the waiter; the descriptors stay open. */
    void (*close)(void *self);
};

/* The waiter that calls poll(). */
struct waiter waiter_poll(void);

/* The waiter that calls epoll_wait(); self is NULL when the system has no descriptor for it. */
struct waiter waiter_epoll(void);

/* For waiters: a timeout in milliseconds, -1 for none. It is rounded up. If it were rounded down,
 * the last millisecond before a deadline would be spent in busy polling. */
static inline int waiter_ms(int64_t ns)
{
    if (ns < 0) {
        return -1;
    }
    int64_t ms = ns / 1000000 + (ns % 1000000 != 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

#endif
