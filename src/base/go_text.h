/* SPDX-License-Identifier: MIT */
/*
 * Owns: functions that print numbers and times in the same form as Go's packages fmt, time and
 * encoding/json. The pages of statistics contain these texts, and other programs parse these pages.
 * Each function appends to a buffer and allocates nothing else. Must not know: what the numbers
 * mean.
 */
#ifndef BASE_GO_TEXT_H
#define BASE_GO_TEXT_H

#include "base/buf.h"

/* Appends the text and then blanks until it has `width` characters (of UTF-8), as %-15s does. */
void go_text_padded(struct buf *out, struct span text, size_t width);

/* Does the same as go_text_padded for a number, as %-8d does. */
void go_text_padded_number(struct buf *out, int64_t number, size_t width);

/* Appends a duration of `ns` nanoseconds as time.Duration prints it: "1h0m2.5s", "1.49ms", "0s". */
void go_text_duration(struct buf *out, int64_t ns);

/* Appends a time as RFC 3339 with whole seconds: "2006-01-02T15:04:05Z". `seconds` is the time
 * since 1970, from the year 1 to 9999; `zone` is the offset of the local time to UTC in seconds. */
void go_text_rfc3339(struct buf *out, int64_t seconds, int32_t zone);

/* Appends a whole number that is stored as a double, as encoding/json prints it: with the fewest
 * digits that give the same double. The absolute value of `number` must be less than 2^63. */
void go_text_whole(struct buf *out, double number);

/* Appends a duration as the text page of nsqd prints it: with one decimal and a unit, for example
 * "103.8ms". `ns` is in nanoseconds and has no fraction. Its absolute value must be less than
 * 2^63. */
void go_text_latency(struct buf *out, double ns);

#endif
