/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the text for a terminal says about unsupported cases. Must not know: the other parts
 * of a report.
 */
#ifndef CONFORM_REPORT_UNSUPPORTED_H
#define CONFORM_REPORT_UNSUPPORTED_H

#include "conform/report.h"

/* Appends one line for each reason why cases are unsupported. Of sets of flags that the server
 * lacks only those with the most cases have a line, and the others are counted. If --spawn would
 * play cases, its usual form follows. */
void report_unsupported(const struct report *report, struct buf *out);

/* If unsupported cases alone are the reason why the exit code is 1, appends a sentence that says
 * so. */
void report_unsupported_judged(const struct report *report, const struct report_rules *rules,
                               struct buf *out);

#endif
