/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the text for a terminal says about unsupported cases. Must not know: the other parts
 * of a report.
 */
#ifndef CONFORM_REPORT_UNSUPPORTED_H
#define CONFORM_REPORT_UNSUPPORTED_H

#include "conform/report.h"

/* Appends one line for each reason why cases are unsupported. Many cases may be unsupported because
 * the server was not started with their flags. These cases are grouped by their set of flags. Only
 * the sets with the most cases have a line, and one more line counts the other sets and their
 * cases. If cases are unsupported for this reason, the last lines say how to play these cases too:
 * with --spawn, with an example, or with --flags-given. */
void report_unsupported(const struct report *report, struct buf *out);

/* If unsupported cases are the only reason for the exit code 1, appends a line that says this. */
void report_unsupported_judged(const struct report *report, const struct report_rules *rules,
                               struct buf *out);

#endif
