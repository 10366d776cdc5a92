/* SPDX-License-Identifier: MIT */
/*
 * Owns: the check of numbers and durations against a table of bounds. Must not know: which flags
 * there are, or what a program says about a bad value.
 */
#ifndef PROGRAM_BOUNDS_H
#define PROGRAM_BOUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bound {
    const char *name; /* of the flag, without dashes */
    size_t offset;    /* where the int64_t is in the struct with the values */
    /* Returns whether the bound applies to these values. NULL: always. */
    bool (*applies)(const void *values);
    int64_t least, most;
    const char *rule; /* follows the name of the flag in an error line */
};

/* Returns the first row whose value is out of its bounds, or NULL when all values are good. */
const struct bound *bounds_broken(const struct bound *rows, size_t n, const void *values);

#endif
