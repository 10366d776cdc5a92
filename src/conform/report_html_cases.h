/* SPDX-License-Identifier: MIT */
/*
 * Owns: the cases of one or more reports as a table in HTML: a row for each case, a column for each
 * target. Must not know: the rest of the page.
 */
#ifndef CONFORM_REPORT_HTML_CASES_H
#define CONFORM_REPORT_HTML_CASES_H

#include "conform/report.h"

/* The reports of a page. */
struct html_reports {
    const struct report *reports;
    size_t n;
    const struct report_rules *rules;
    const struct report_case **cases; /* one of each id, sorted by id */
    size_t case_count;
};

void html_reports_make(struct html_reports *html, const struct report *reports, size_t n,
                       const struct report_rules *rules);
void html_reports_free(struct html_reports *html);

/* Appends a verdict as a small colored label. */
void html_verdict(enum verdict verdict, struct buf *out);

/* Appends the table. Failed cases come first. Among them, the cases of level MUST come before the
 * other cases. Each row is followed by a hidden row with the details. */
void html_cases(const struct html_reports *html, struct buf *out);

#endif
