/* SPDX-License-Identifier: MIT */
/*
 * Owns: the counts of a report by area and level. Must not know: how cases are played, and the
 * forms of a report other than text.
 */
#ifndef CONFORM_REPORT_TABLE_H
#define CONFORM_REPORT_TABLE_H

#include "conform/report.h"

struct table_cell {
    size_t passed; /* includes non-strict cases, except when the rules count them as failed */
    size_t failed; /* known failures are neither passed nor failed */
    size_t played; /* all cases except unsupported ones */
};

struct table_row {
    struct span area;
    struct table_cell cells[LEVEL_COUNT];
    size_t unsupported;
};

struct report_table {
    struct table_row *rows; /* in the order of the areas' names */
    size_t n;
    struct table_row all; /* the sums */
};

void report_table_make(struct report_table *table, const struct report *report,
                       const struct report_rules *rules);
void report_table_free(struct report_table *table);

/* Appends the table as text: a line for each area, a column for each level that has cases. */
void report_table_text(const struct report_table *table, struct buf *out);

#endif
