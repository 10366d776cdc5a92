/* SPDX-License-Identifier: MIT */
/*
 * Owns: arithmetic on points in time. A time is an int64_t in nanoseconds.
 * Must not know: any clock. Code that needs the current time gets it as an argument.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdint.h>

#define TIME_NEVER INT64_MAX     /* as a deadline: there is no deadline */
#define TIME_PAST INT64_MIN      /* earlier than all other times; as a deadline: act at once */
#define TIME_MS INT64_C(1000000) /* nanoseconds in a millisecond */
#define TIME_SECOND (1000 * TIME_MS)
#define TIME_MINUTE (60 * TIME_SECOND)

/* Returns the time d ns after `now`. Returns TIME_NEVER if the sum is too large for an int64_t.
 * `now` must not be negative. */
static inline int64_t time_after(int64_t now, int64_t d)
{
    return d > INT64_MAX - now ? INT64_MAX : now + d;
}

/* Returns the earlier of two times. */
static inline int64_t time_earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#endif
