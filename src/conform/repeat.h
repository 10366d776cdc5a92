/* SPDX-License-Identifier: MIT */
/*
 * Owns: the results of a suite that is played several times. A case whose verdict is not the same
 * each time has the verdict FLAKY. Must not know: how the suite is played.
 */
#ifndef CONFORM_REPEAT_H
#define CONFORM_REPEAT_H

#include "conform/report.h"

struct repeat_case {
    struct report_case shown; /* the first result that is not a pass; if there is none, the first
                               * result */
    struct buf verdicts;      /* all verdicts, with commas between them */
    bool changed;
    bool any; /* the case has a result */
};

struct repeat {
    struct repeat_case *cases; /* as many as the report has */
    size_t n;
};

void repeat_init(struct repeat *repeat, size_t n);
void repeat_free(struct repeat *repeat);

/* Moves the results of one repetition out of the report, which can then be filled again. Leaves out
 * each case for which `has_result` is false. If `has_result` is NULL, all cases have a result. */
void repeat_add(struct repeat *repeat, struct report *report, const bool *has_result);

/* Moves the results of all repetitions back to the report. Sets `has_result` for each case. */
void repeat_finish(struct repeat *repeat, struct report *report, bool *has_result);

#endif
