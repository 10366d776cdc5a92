/* SPDX-License-Identifier: MIT */
/*
 * Owns: the two clocks. Only the shell reads them. The code below the shell gets the time as an
 * argument.
 */
#ifndef SHELL_CLOCK_H
#define SHELL_CLOCK_H

#include <stdint.h>

/* Returns monotonic time in nanoseconds, never negative. */
int64_t clock_now(void);

/* Returns the nanoseconds that must be added to clock_now() to get the time since 1970. The result
 * changes when a user or program sets the wall clock. */
int64_t clock_wall_offset(void);

/* Returns local time minus UTC, in seconds, at the time `seconds` (since 1970). */
int32_t clock_zone(int64_t seconds);

#endif
