/* SPDX-License-Identifier: MIT */
/*
 * Owns: the interface for waiting until file descriptors are ready. It has two implementations. One
 * uses poll(). The other implementation uses epoll, which does not scan all descriptors. So epoll
 * is better for ten thousand idle connections.
 */
#ifndef SHELL_WAITER_H
#define SHELL_WAITER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* The events that are waited for, and the events that have happened, as bits. */
enum waiter_bit {
    WAITER_READ = 1,
    WAITER_WRITE = 2,
    /* Hang-up or error. This event is reported even when the caller does not wait for it. There may
     * still be unread input. */
    WAITER_GONE = 4,
    /* The peer sends nothing more. There may still be unread input before this end. */
    WAITER_ENDED = 8,
};

struct waiter_event {
    uint64_t token;
    unsigned bits;
};

struct waiter {
    void *self;

    /* Adds a descriptor. Its events will contain `token`. Returns false, with errno, when the
     * system has no room for another descriptor. */
    bool (*add)(void *self, int fd, uint64_t token, unsigned bits);

    /* Changes the events (enum waiter_bit) that are waited for. */
    void (*change)(void *self, int fd, unsigned bits);

    /* Removes a descriptor, which must still be open. */
    void (*remove)(void *self, int fd);

    /* Waits until a descriptor is ready, or until timeout_ns nanoseconds have passed (negative: no
     * timeout). Writes at most `room` events. Returns how many events it has written. When more
     * than `room` descriptors are ready, the next calls first report the descriptors that this call
     * has not reported. A signal does not end a wait. So the result 0 means that no descriptor was
     * ready when the timeout had passed, or that the system call has failed. */
    size_t (*wait)(void *self, int64_t timeout_ns, struct waiter_event *events, size_t room);

    /* Frees the waiter. The descriptors stay open. */
    void (*close)(void *self);
};

/* Returns a waiter that calls poll(). */
struct waiter waiter_poll(void);

/* Returns a waiter that calls epoll_wait(). Its `self` is NULL when the system has no file
 * descriptor for it. */
struct waiter waiter_epoll(void);

/* This function is for implementations of a waiter. Returns how many ns are left until `end`, or 0
 * when `end` has passed. Returns -1 when `end` is negative, which means that there is no
 * timeout. */
static inline int64_t waiter_left(int64_t end, int64_t now)
{
    return end < 0 ? -1 : end > now ? end - now : 0;
}

/* This function is for implementations of a waiter. Converts nanoseconds to a timeout in
 * milliseconds; -1 means no timeout. The result is rounded up. If it were rounded down, the last
 * millisecond before a deadline would be spent in calls that do not wait. */
static inline int waiter_ms(int64_t ns)
{
    if (ns < 0) {
        return -1;
    }
    int64_t ms = ns / 1000000 + (ns % 1000000 != 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* This function is for implementations of a waiter. Converts nanoseconds, which must not be
 * negative, to a timeout of ppoll(). It is exact, because output that gathers (serve/conn.h) waits
 * for less than a millisecond. A longer timeout than INT_MAX seconds becomes shorter. */
static inline struct timespec waiter_timespec(int64_t ns)
{
    int64_t seconds = ns / 1000000000;
    return (struct timespec){.tv_sec = (time_t)(seconds > INT_MAX ? INT_MAX : seconds),
                             .tv_nsec = (long)(ns % 1000000000)};
}

#endif
