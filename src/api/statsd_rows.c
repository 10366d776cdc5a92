/* SPDX-License-Identifier: MIT */
/* Keeps the rows in order, and computes how much counts have grown. */
#include "api/statsd_rows.h"

#include <assert.h>

#include "base/alloc.h"

#define COUNT true
#define GAUGE false

static const struct statsd_line topic_lines[] = {
    {"message_count", COUNT}, {"message_bytes", COUNT}, {"depth", GAUGE}, {"backend_depth", GAUGE}};

static const struct statsd_line channel_lines[] = {
    {"message_count", COUNT},   {"depth", GAUGE},          {"backend_depth", GAUGE},
    {"in_flight_count", GAUGE}, {"deferred_count", GAUGE}, {"requeue_count", COUNT},
    {"timeout_count", COUNT},   {"clients", GAUGE}};

static const struct statsd_line memory_lines[] = {
    {"heap_objects", GAUGE},        {"heap_idle_bytes", GAUGE},   {"heap_in_use_bytes", GAUGE},
    {"heap_released_bytes", GAUGE}, {"gc_pause_usec_100", GAUGE}, {"gc_pause_usec_99", GAUGE},
    {"gc_pause_usec_95", GAUGE},    {"next_gc_bytes", GAUGE},     {"gc_runs", COUNT}};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

const struct statsd_line *statsd_lines(enum statsd_kind kind, size_t *n)
{
    switch (kind) {
    case STATSD_TOPIC:
        *n = COUNT_OF(topic_lines);
        return topic_lines;
    case STATSD_CHANNEL:
        *n = COUNT_OF(channel_lines);
        return channel_lines;
    case STATSD_MEMORY:
        break;
    }
    *n = COUNT_OF(memory_lines);
    return memory_lines;
}

/* --- the rows --------------------------------------------------------------------------------- */

void statsd_rows_init(struct statsd_rows *rows, struct budget *budget, size_t percentile_most)
{
    *rows = (struct statsd_rows){.budget = budget, .percentile_most = percentile_most};
    list_init(&rows->rows);
    statsd_rows_begin(rows);
}

static void drop_next(struct statsd_rows *rows)
{
    struct statsd_row *row = container_of(rows->place, struct statsd_row, link);
    rows->place = rows->place->next;
    list_remove(&row->link);
    budget_release(rows->budget, row->cost);
    alloc_free(row);
}

void statsd_rows_free(struct statsd_rows *rows)
{
    statsd_rows_begin(rows);
    while (statsd_rows_drop(rows)) {
    }
}

void statsd_rows_begin(struct statsd_rows *rows)
{
    rows->place = rows->rows.next;
}

bool statsd_rows_drop(struct statsd_rows *rows)
{
    if (rows->place == &rows->rows) {
        return false;
    }
    drop_next(rows);
    return true;
}

/* Adds a new row before the place. */
static struct statsd_row *add(struct statsd_rows *rows, const struct statsd_figures *figures)
{
    size_t percentiles = figures->kind == STATSD_MEMORY ? 0 : rows->percentile_most;
    size_t size = sizeof(struct statsd_row) + percentiles * sizeof(int64_t);
    struct statsd_row *row = alloc_zeroed(size);
    row->kind = figures->kind;
    row->name = figures->name;
    row->cost = size + ALLOC_OVERHEAD;
    budget_charge(rows->budget, row->cost);
    list_init(&row->link);
    list_push(rows->place, &row->link); /* adds the row directly before the place */
    return row;
}

static void set(struct statsd_row *row, const struct statsd_figures *figures)
{
    size_t n;
    size_t count = 0;
    const struct statsd_line *lines = statsd_lines(row->kind, &n);
    for (size_t i = 0; i < n; i++) {
        row->values[i] = (int64_t)figures->values[i];
        if (lines[i].is_count) {
            row->values[i] = (int64_t)(figures->values[i] - row->counts[count]);
            row->counts[count++] = figures->values[i];
        }
    }
    row->percentile_count = figures->latency.n;
    for (size_t i = 0; i < figures->latency.n; i++) {
        row->percentiles[i] = (int64_t)figures->latency.values[i];
    }
}

/* Returns whether the row at the place comes before the row with these figures. If the row at the
 * place is a channel, it is a channel of the topic that was visited last. So it comes before all
 * other topics. If it is a topic, it comes after all channels of the topic that was visited last.
 */
static bool is_before(const struct statsd_row *row, const struct statsd_figures *figures)
{
    if (row->kind != figures->kind) {
        return figures->kind == STATSD_MEMORY ||
               (row->kind == STATSD_CHANNEL && figures->kind == STATSD_TOPIC);
    }
    return sorted_is_before(name_span(&row->name), name_span(&figures->name));
}

const struct statsd_row *statsd_rows_visit(struct statsd_rows *rows,
                                           const struct statsd_figures *figures)
{
    struct statsd_row *row = NULL;
    assert(figures->latency.n <= rows->percentile_most);
    if (rows->place != &rows->rows) {
        row = container_of(rows->place, struct statsd_row, link);
        if (is_before(row, figures)) {
            drop_next(rows);
            return NULL;
        }
    }
    if (row != NULL && row->kind == figures->kind &&
        span_equal(name_span(&row->name), name_span(&figures->name))) {
        rows->place = rows->place->next;
    } else {
        row = add(rows, figures);
    }
    set(row, figures);
    return row;
}
