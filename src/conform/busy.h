/* SPDX-License-Identifier: MIT */
/*
 * Owns: playing a case over TCP again if it failed while the machine was busy. A server that gets
 * no processor answers late, and this is no fault of the server. Must not know: servers, reports.
 */
#ifndef CONFORM_BUSY_H
#define CONFORM_BUSY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "conform/run_case.h"

#define BUSY_UNKNOWN (-1)

/* Percent. A play of a case counts as disturbed by a busy machine if some process waited for a
 * processor during at least this part of the play. */
#define BUSY_PERCENT 20

#define BUSY_PLAYS_MAX 3 /* of one case */

/* One worker process plays at most this number of cases again. Otherwise a server that fails many
 * cases would make a run three times as long. */
#define BUSY_CASES_MAX 20

/* Reads text in the format of /proc/pressure/cpu. Returns the total time (ns, since the start of
 * the system) in which at least one process had to wait for a processor. Returns BUSY_UNKNOWN if
 * the text has another form. */
int64_t busy_read(FILE *pressure);

/* Reads /proc/pressure/cpu. Returns BUSY_UNKNOWN if the system has no such file. */
int64_t busy_now(void);

/* One play of a case. */
struct busy_play {
    enum verdict verdict;
    int64_t before, after; /* what busy_now returned */
    int64_t ns;            /* how long the play took */
};

/* Returns whether the result of the case depends on times in its file: it has a wait, or a step
 * with "after" or "within". Only such a case is played again when the processor was busy. */
bool busy_has_times(const struct transcript *file);

/* Returns whether a case must be played again. `plays` is how often it was played. *left is how
 * many cases this process may still play again. When the function decides that a case is played a
 * second time, it subtracts one from *left. A third play of the same case subtracts nothing. */
bool busy_again(const struct busy_play *play, unsigned plays, unsigned *left);

/* Plays a case. While busy_again returns true and the server accepts connections, plays the case
 * again. Each play uses different names. *result is the result of the last play; the caller frees
 * it with case_result_free. `left` is passed to busy_again. */
void busy_run_case(const struct case_setting *setting, const struct transcript *file,
                   unsigned *left, struct case_result *result);

#endif
