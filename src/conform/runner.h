/* SPDX-License-Identifier: MIT */
/*
 * Owns: a run of the suite: which server each case meets, in which process, and the report.
 */
#ifndef CONFORM_RUNNER_H
#define CONFORM_RUNNER_H

#include "conform/args.h"
#include "conform/known.h"
#include "conform/ledger.h"
#include "conform/report.h"
#include "conform/suite.h"

/* Runs the chosen cases; report_free ends the report. EXIT_CONFORMS only says that they ran.
 * EXIT_STOPPED: *end_fd became readable (NULL: it never does), and the report has what was done by
 * then. */
enum conform_exit runner_run(const struct args *args, const struct suite *suite,
                             const struct ledger *ledger, const struct known *known,
                             const int *end_fd, struct report *report, FILE *err);

#endif
