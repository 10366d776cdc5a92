/* SPDX-License-Identifier: MIT */
/* Tests of shell/clock.h. This file replaces clock_gettime with clocks of its own. */
#include "shell/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define MS INT64_C(1000000)
#define WALL INT64_C(1700000000000000123)

static int64_t mono;     /* ns; CLOCK_MONOTONIC */
static int64_t wall;     /* ns by which CLOCK_REALTIME is ahead of it */
static int64_t pause_ns; /* time that passes between two readings, .. */
static int pauses;       /* .. this many times */
static int readings;

int clock_gettime(clockid_t id, struct timespec *t)
{
    int64_t ns = id == CLOCK_REALTIME ? mono + wall : mono;
    t->tv_sec = (time_t)(ns / 1000000000);
    t->tv_nsec = (long)(ns % 1000000000);
    readings++;
    if (pauses > 0) {
        pauses--;
        mono += pause_ns;
    }
    return 0;
}

static int set_clocks(void **state)
{
    (void)state;
    mono = 5000 * MS + 7;
    wall = WALL;
    pause_ns = pauses = readings = 0;
    return 0;
}

static void now_is_monotonic_ns(void **state)
{
    (void)state;
    assert_int_equal(clock_now(), 5000 * MS + 7);
    mono += 1;
    assert_int_equal(clock_now(), 5000 * MS + 8);
}

static void the_offset_leads_to_the_wall_clock(void **state)
{
    (void)state;
    assert_true(clock_wall_offset() == WALL);
    mono += 86400 * 1000 * MS; /* time passes: the offset stays the same */
    assert_true(clock_wall_offset() == WALL);
    wall -= 3600 * 1000 * MS; /* the wall clock is set */
    assert_true(clock_wall_offset() == WALL - 3600 * 1000 * MS);
}

/* Another process may run between two readings. That must not count as a change of the wall clock.
 */
static void a_pause_between_the_readings_is_no_change(void **state)
{
    (void)state;
    for (int n = 1; n <= 3; n++) {
        pause_ns = 40 * MS;
        pauses = n;
        int64_t off = clock_wall_offset() - WALL;
        if (off < -MS / 10 || off > MS / 10) {
            fail_msg("%d pauses: %lld ns off", n, (long long)off);
        }
    }
}

/* If every reading takes long, the best of a few readings is used. */
static void slow_readings_come_to_an_end(void **state)
{
    (void)state;
    pause_ns = 2 * MS;
    pauses = 1000;
    int64_t off = clock_wall_offset() - WALL;
    assert_in_range(readings, 3, 30);
    assert_true(off >= -2 * MS && off <= 2 * MS);
}

static void the_zone_is_that_of_the_time(void **state)
{
    (void)state;
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    assert_int_equal(clock_zone(1767225600), 3600); /* 1 January 2026 */
    assert_int_equal(clock_zone(1782864000), 7200); /* 1 July 2026 */
    setenv("TZ", "UTC0", 1);
    tzset();
    assert_int_equal(clock_zone(1767225600), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(now_is_monotonic_ns, set_clocks),
        cmocka_unit_test_setup(the_offset_leads_to_the_wall_clock, set_clocks),
        cmocka_unit_test_setup(a_pause_between_the_readings_is_no_change, set_clocks),
        cmocka_unit_test(the_zone_is_that_of_the_time),
        cmocka_unit_test_setup(slow_readings_come_to_an_end, set_clocks),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
