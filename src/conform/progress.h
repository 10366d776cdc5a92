/* SPDX-License-Identifier: MIT */
/*
 * Owns: the lines that tell a person how much of a run is done. On a terminal, this is one line
 * that changes. In other outputs, a new line is written every 5 s. Must not know: how cases are
 * played, and clocks.
 */
#ifndef CONFORM_PROGRESS_H
#define CONFORM_PROGRESS_H

#include <stdio.h>

#include "base/buf.h"

struct progress {
    FILE *out; /* borrowed */
    bool terminal;
    size_t n; /* cases */
    size_t done;
    size_t failed;
    struct span last_failed; /* the id of the latest case that failed; borrowed */
    size_t parallel;         /* how many cases are played at the same time */
    int64_t begun;           /* ns */
    int64_t shown;           /* ns: when the last line was written */
    int64_t weight;          /* of all cases: an estimate of their time, in any unit */
    int64_t done_weight;     /* of the cases that are done */
};

/* `now` is the time in ns of any monotonic clock, here and below. */
void progress_begin(struct progress *p, FILE *out, bool terminal, size_t n, size_t parallel,
                    int64_t weight, int64_t now);

/* One more case is done. */
void progress_done(struct progress *p, int64_t weight, int64_t now);

/* One more case has failed. From now on, the line of progress_line shows its id, until another case
 * fails. `line` is a whole line about the failure. It is written only on a terminal. In other
 * outputs it is not needed, because the report follows. */
void progress_failed(struct progress *p, struct span id, struct span line);

/* Must be called about once a second. Writes the line if the last one was written long enough ago:
 * 1 s on a terminal, 5 s in other outputs. */
void progress_tick(struct progress *p, int64_t now);

/* Removes the line from a terminal. */
void progress_end(struct progress *p);

/* Appends the line, for example "120 of 637 cases, 3 failed (last: pub/one), about 25 s left". When
 * all remaining cases are being played, the line has no estimate, because the time of these cases
 * is not known. */
void progress_line(const struct progress *p, int64_t now, struct buf *out);

#endif
