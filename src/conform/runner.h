/* SPDX-License-Identifier: MIT */
/*
 * Owns: a run of the suite: which server and which process plays each case, and the report. Must
 * not know: how a case is played, and the forms of a report.
 */
#ifndef CONFORM_RUNNER_H
#define CONFORM_RUNNER_H

#include "conform/args.h"
#include "conform/known.h"
#include "conform/ledger.h"
#include "conform/report.h"
#include "conform/suite.h"

/* Plays the chosen cases and fills the report, which report_free frees. EXIT_CONFORMS: all were
 * played, with any verdicts. EXIT_STOPPED: *end_fd became readable (NULL: never), and the report
 * has the cases that were done by then. */
enum conform_exit runner_run(const struct args *args, const struct suite *suite,
                             const struct ledger *ledger, const struct known *known,
                             const int *end_fd, struct report *report, FILE *err);

#endif
