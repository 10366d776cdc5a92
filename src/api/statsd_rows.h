/* SPDX-License-Identifier: MIT */
/*
 * Owns: the contents of a report to statsd. There is one row for each topic, one for each channel,
 * and one for the memory. A row keeps the figures of the last report, because a report tells how
 * much a count has grown since the report before. Must not know: how figures are printed, when
 * reports are made.
 *
 * The rows are in the order of a report: each topic, followed by its channels, all in the order of
 * their names; the memory last. They belong to names: a topic that was deleted and made again
 * between two reports has the row of the deleted topic, as in nsqd. So its counts may have become
 * smaller, and then the report tells negative numbers.
 *
 * A report visits the rows once, from the first to the last (statsd_rows_visit). A row that is not
 * visited is dropped.
 */
#ifndef API_STATSD_ROWS_H
#define API_STATSD_ROWS_H

#include "api/stats_values.h"

enum statsd_kind { STATSD_TOPIC, STATSD_CHANNEL, STATSD_MEMORY };

/* The lines of one kind of row. Their order is the order of a report. */
struct statsd_line {
    const char *name; /* "depth" */
    bool is_count;    /* tells how much the figure has grown; otherwise it is a gauge */
};

#define STATSD_LINES_MAX 9
#define STATSD_COUNTS_MAX 3

/* Returns the lines of a kind and sets *n to their number, at most STATSD_LINES_MAX, of which at
 * most STATSD_COUNTS_MAX are counts. The lines of percentiles are not included. */
const struct statsd_line *statsd_lines(enum statsd_kind kind, size_t *n);

/* The figures of a topic, of a channel, or of the memory at one moment. */
struct statsd_figures {
    enum statsd_kind kind;
    struct name name;                  /* 0 bytes: the memory */
    uint64_t values[STATSD_LINES_MAX]; /* in the order of the lines */
    struct stats_latency latency;
};

struct statsd_row {
    struct list link;
    enum statsd_kind kind;
    struct name name;
    size_t cost;                        /* bytes that the memory budget counts for this row */
    uint64_t counts[STATSD_COUNTS_MAX]; /* the counts of the last report, in their order */
    int64_t values[STATSD_LINES_MAX];   /* what the lines of this report tell */
    size_t percentile_count;
    int64_t percentiles[]; /* ns */
};

/* All rows. */
struct statsd_rows {
    struct list rows;       /* of struct statsd_row */
    struct list *place;     /* the first row that this report has not visited; the head: none */
    struct budget *budget;  /* counts the rows. Borrowed */
    size_t percentile_most; /* the number of percentiles that a row may have */
};

/* The struct must not be moved afterwards. */
void statsd_rows_init(struct statsd_rows *rows, struct budget *budget, size_t percentile_most);
void statsd_rows_free(struct statsd_rows *rows);

/* Begins a report. */
void statsd_rows_begin(struct statsd_rows *rows);

/* Visits the row of this topic or channel, or of the memory, which must come after the row that was
 * visited last. Makes the row if there is none, and sets its figures. Returns the row. Rows whose
 * topics or channels are gone may stand in front of this row, and must be dropped first. One call
 * drops at most one of them. After that it returns NULL, and the caller must repeat the call. */
const struct statsd_row *statsd_rows_visit(struct statsd_rows *rows,
                                           const struct statsd_figures *figures);

/* Called when everything was visited. Drops one row that was not visited. Returns false when no
 * such row is left. */
bool statsd_rows_drop(struct statsd_rows *rows);

#endif
