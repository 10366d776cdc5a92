/* SPDX-License-Identifier: MIT */
/*
 * Reads the two clocks of the system. Must not know who uses the time, and stores no time.
 */
#define _DEFAULT_SOURCE /* tm_gmtoff */ /* NOLINT(bugprone-reserved-identifier) */
#include "shell/clock.h"

#include <time.h>

#define READING_NS 20000 /* three readings take less, unless they are interrupted */
#define READINGS_MAX 5

static int64_t read_clock(clockid_t id)
{
    struct timespec t = {0};
    clock_gettime(id, &t); /* cannot fail for these two clocks */
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* The two clocks cannot be read at the same instant. So the wall clock is read between two readings
 * of the monotonic clock. When these two readings are far apart, this process did not run for a
 * while between them. Then all three readings are repeated. */
int64_t clock_wall_offset(void)
{
    int64_t offset = 0;
    int64_t least = INT64_MAX;
    for (int i = 0; i < READINGS_MAX && least > READING_NS; i++) {
        int64_t before = clock_now();
        int64_t wall = read_clock(CLOCK_REALTIME);
        int64_t took = clock_now() - before;
        if (took < least) {
            least = took;
            offset = wall - (before + took / 2);
        }
    }
    return offset;
}

int32_t clock_zone(int64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm local = {0};
    localtime_r(&t, &local);
    return (int32_t)local.tm_gmtoff;
}
