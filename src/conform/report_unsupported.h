/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the text for a terminal says about unsupported cases. Must not know: the other parts
 * of a report.
 */
#ifndef CONFORM_REPORT_UNSUPPORTED_H
#define CONFORM_REPORT_UNSUPPORTED_H

#include "conform/report.h"

/* Appends one line for each reason why cases are unsupported. If the reason is that the server was
 * not started with a set of flags, only the sets with the most cases have a line. The other sets
 * are counted. If --spawn could play some of the cases, the usual form of --spawn follows. */
void report_unsupported(const struct report *report, struct buf *out);

/* If unsupported cases are the only reason for the exit code 1, appends a sentence that says
 * this. */
void report_unsupported_judged(const struct report *report, const struct report_rules *rules,
                               struct buf *out);

#endif
