/* SPDX-License-Identifier: MIT */
/*
 * Owns: the two clocks. Everything else is told the time.
 */
#ifndef SHELL_CLOCK_H
#define SHELL_CLOCK_H

#include <stdint.h>

/* Monotonic ns; never negative. */
int64_t clock_now(void);

/* What to add to clock_now() for ns since 1970; changes when the wall clock is set. */
int64_t clock_wall_offset(void);

#endif
