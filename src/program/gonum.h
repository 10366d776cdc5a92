/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading numbers in the same way as Go's packages strconv and time, with which upstream's
 * nsqd reads its flags. The functions read integers with a base prefix and underscores, booleans,
 * floats and durations. The functions are pure. The C library's functions cannot be used, because
 * they accept leading blanks and do not accept underscores.
 */
#ifndef PROGRAM_GONUM_H
#define PROGRAM_GONUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gonum { GONUM_OK, GONUM_SYNTAX, GONUM_RANGE };

/* Characters of the longest float. A longer float is GONUM_SYNTAX. */
#define GONUM_FLOAT_MAX 256

/* Does what strconv.ParseInt(s, 0, 64) does. Accepts 10, -0x1F, 0o17, 017, 0b11, 1_000. Sets *v
 * only when it returns GONUM_OK. */
enum gonum gonum_int(const char *s, int64_t *v);

/* Does what strconv.ParseInt(s, 10, 64) does. Accepts only digits. A sign may stand before them. */
enum gonum gonum_decimal(const char *s, int64_t *v);

/* Does what strconv.ParseBool does. Accepts 1 t T true True TRUE and 0 f F false False FALSE, and
 * nothing else. */
bool gonum_bool(const char *s, bool *v);

/* Does what strconv.ParseFloat(s[0..n-1], 64) does. Accepts decimal and hexadecimal numbers, inf,
 * infinity and nan. */
enum gonum gonum_float(const char *s, size_t n, double *v);

/*
 * Returns v as text, as Go's %v prints it. The text has only as many digits as are needed to read
 * the same v again. The text has an exponent (1e+06) when the absolute value of v is 1e6 or more,
 * or less than 1e-4 but not 0. The special values are "+Inf", "-Inf" and "NaN". (For a few powers
 * of two, the text has one digit more than Go's.)
 */
struct gonum_text {
    char s[48];
};
struct gonum_text gonum_format(double v);

/* Returns v, which is finite, as JSON, as Go's encoding/json writes it. The text has an exponent
 * when the absolute value of v is 1e21 or more, or less than 1e-6 but not 0. */
struct gonum_text gonum_json(double v);

/* Does what time.ParseDuration does. Accepts "1h2m", "-1.5s", ".5ms", "1us", "0". Sets *ns only
 * when it returns true. */
bool gonum_duration(const char *s, int64_t *ns);

#endif
