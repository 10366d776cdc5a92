/* SPDX-License-Identifier: MIT */
/*
 * Owns: Prometheus' text format, version 0.0.4: functions that append its lines to a buffer.
 * Must not know: which figures are reported.
 *
 * A family is all samples of one name. Its lines stand together:
 *
 *     # HELP nsqd_topic_depth Messages that the topic keeps.
 *     # TYPE nsqd_topic_depth gauge
 *     nsqd_topic_depth{topic="orders"} 3
 */
#ifndef API_PROM_TEXT_H
#define API_PROM_TEXT_H

#include "base/buf.h"

#define PROM_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8" /* the Content-Type */

enum prom_kind {
    PROM_COUNTER, /* never decreases; missing after its topic, channel or client has gone */
    PROM_GAUGE,
    PROM_SUMMARY, /* its samples have a label "quantile" */
};

struct prom_label {
    const char *name;
    struct span value; /* any bytes */
};

/* Appends the two lines before the samples of a family. `help` is one line without '\'. */
void prom_family(struct buf *out, const char *name, enum prom_kind kind, const char *help);

/* Appends a sample up to its value: the name and the labels. One of the functions below must be
 * called next. In the values of labels, a byte that is not UTF-8 is replaced by U+FFFD, because
 * Prometheus refuses a whole page with such a byte. */
void prom_sample(struct buf *out, const char *name, const struct prom_label *labels, size_t count);

/* Each of these functions appends the value of a sample, and ends its line. The value is a whole
 * number (prom_number), a time in seconds (prom_seconds), or NaN, which says that there is no
 * number (prom_no_number). */
void prom_number(struct buf *out, uint64_t number);
void prom_seconds(struct buf *out, int64_t ns);
void prom_no_number(struct buf *out);

#endif
