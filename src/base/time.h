/* SPDX-License-Identifier: MIT */
/*
 * Owns: arithmetic on points in time, which are int64 ns; INT64_MAX is the end of time, "never".
 * There is no clock here: whoever needs the time is told it.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdint.h>

#define TIME_NEVER INT64_MAX
#define TIME_MS INT64_C(1000000)
#define TIME_SECOND (1000 * TIME_MS)
#define TIME_MINUTE (60 * TIME_SECOND)

/* d ns after `now`, which is at least 0; the end of time when that is past it. */
static inline int64_t time_after(int64_t now, int64_t d)
{
    return d > INT64_MAX - now ? INT64_MAX : now + d;
}

static inline int64_t time_earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#endif
