/* SPDX-License-Identifier: MIT */
/*
 * Owns: the two clocks. All other code is given the time as an argument.
 */
#ifndef SHELL_CLOCK_H
#define SHELL_CLOCK_H

#include <stdint.h>

/* Monotonic time in nanoseconds; never negative. */
int64_t clock_now(void);

/* Nanoseconds to add to clock_now() for the time since 1970. Changes when somebody sets the wall
 * clock. */
int64_t clock_wall_offset(void);

#endif
