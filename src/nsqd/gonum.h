/* SPDX-License-Identifier: MIT */
/*
 * Owns: the reading of numbers as Go's strconv and time packages do it, because Go reads nsqd's
 * flags: integers with a base prefix and underscores, booleans, floats, durations. Pure. The C
 * library's functions differ: they accept leading blanks and no underscores, and read "010" as 10.
 */
#ifndef NSQD_GONUM_H
#define NSQD_GONUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gonum { GONUM_OK, GONUM_SYNTAX, GONUM_RANGE };

/* Characters of the longest float that is read; a longer one is GONUM_SYNTAX. */
#define GONUM_FLOAT_MAX 256

/* strconv.ParseInt(s, 0, 64): 10, -0x1F, 0o17, 017, 0b11, 1_000. *v is set only when OK. */
enum gonum gonum_int(const char *s, int64_t *v);

/* strconv.ParseBool: 1 t T true True TRUE and 0 f F false False FALSE, nothing else. */
bool gonum_bool(const char *s, bool *v);

/* strconv.ParseFloat(s[0..n-1], 64): decimal and hexadecimal, inf, infinity, nan. */
enum gonum gonum_float(const char *s, size_t n, double *v);

/*
 * Writes v as Go's %v does: with the fewest digits that are read back as v, and with an exponent
 * below 1e-4 and from 1e6 on; +Inf, -Inf, NaN. (A few powers of two get one digit more than in Go.)
 */
struct gonum_text {
    char s[48];
};
struct gonum_text gonum_format(double v);

/* time.ParseDuration: "1h2m", "-1.5s", ".5ms", "1us", "0". *ns is set only when true. */
bool gonum_duration(const char *s, int64_t *ns);

#endif
