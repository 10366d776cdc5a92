/* SPDX-License-Identifier: MIT */
/*
 * Owns: the explanation of a case on one line, and the groups of cases that fail for the same
 * cause. Two cases have the same cause if the same kind of step got the same kind of answer. Must
 * not know: how cases are played, and the forms of a report.
 */
#ifndef CONFORM_REPORT_CAUSE_H
#define CONFORM_REPORT_CAUSE_H

#include "conform/report.h"

/* Appends on one line what was expected and what came, for example: expected c < response "OK",
 * came nothing. For JSON, names only the members that differ. Appends nothing if the case has no
 * explanation. */
void report_brief(const struct report_case *c, struct buf *out);

/* Appends the same text as report_brief, without the parts that differ between cases: names of
 * connections, message ids, bodies, times, and the texts that follow error codes. Two cases with
 * the same text have the same cause. */
void report_cause(const struct report_case *c, struct buf *out);

/* Cases with the same verdict and cause. */
struct cause_group {
    struct buf cause;
    enum verdict verdict;
    size_t *cases; /* their indexes in report.cases, MUST first; owned */
    size_t n;
};

struct cause_groups {
    struct cause_group *groups;
    size_t n;
};

/* Returns true if a case belongs to a group. */
typedef bool cause_filter(const struct report_rules *rules, const struct report_case *c);

/* Groups the cases for which `wanted` is true, for example report_failed. Groups with a case of
 * level MUST come first, then SHOULD and so on; groups of the same level are sorted by size. */
void cause_groups_make(struct cause_groups *groups, const struct report *report,
                       const struct report_rules *rules, cause_filter *wanted);
void cause_groups_free(struct cause_groups *groups);

#endif
