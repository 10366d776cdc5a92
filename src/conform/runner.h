/* SPDX-License-Identifier: MIT */
/*
 * Owns: a run of the suite: which server and which process plays each case, and the report. Must
 * not know: how a case is played, and the formats of a report.
 */
#ifndef CONFORM_RUNNER_H
#define CONFORM_RUNNER_H

#include "conform/args.h"
#include "conform/known.h"
#include "conform/ledger.h"
#include "conform/report.h"
#include "conform/suite.h"

/* Plays the chosen cases and fills the report. The caller frees the report with report_free.
 * Returns EXIT_CONFORMS if all cases were played. Cases that failed do not change this result; the
 * caller looks for them in the report. Returns EXIT_STOPPED if *end_fd became readable; then the
 * report contains the cases that were finished before. If end_fd is NULL, the run is never
 * stopped. */
enum conform_exit runner_run(const struct args *args, const struct suite *suite,
                             const struct ledger *ledger, const struct known *known,
                             const int *end_fd, struct report *report, FILE *err);

#endif
