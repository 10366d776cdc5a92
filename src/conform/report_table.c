/* SPDX-License-Identifier: MIT */
/* Counts cases, and aligns the counts. Must not know: how cases are played. */
#include "conform/report_table.h"

#include "base/alloc.h"
#include "base/text.h"

#define COLUMN_GAP 3

/* The cases are sorted by id, so the cases of an area follow each other. */
static struct table_row *row_of(struct report_table *table, struct span area)
{
    struct table_row *last = table->n == 0 ? NULL : &table->rows[table->n - 1];
    if (last != NULL && span_equal(last->area, area)) {
        return last;
    }
    table->rows = alloc_resize(table->rows, (table->n + 1) * sizeof *table->rows);
    table->rows[table->n] = (struct table_row){.area = area};
    return &table->rows[table->n++];
}

static void count(struct table_row *row, unsigned level, enum verdict verdict, bool good)
{
    bool known = verdict == VERDICT_XFAIL;
    if (verdict == VERDICT_UNSUPPORTED) {
        row->unsupported++;
    } else if (level < LEVEL_COUNT) {
        row->cells[level].played++;
        row->cells[level].passed += good && !known;
        row->cells[level].failed += !good;
    }
}

void report_table_make(struct report_table *table, const struct report *report,
                       const struct report_rules *rules)
{
    *table = (struct report_table){.all = {.area = SPAN("all")}};
    for (size_t i = 0; i < report->n; i++) {
        const struct report_case *c = &report->cases[i];
        bool good = report_good(rules, c);
        count(row_of(table, report_area(c->id)), report_level(c), c->verdict, good);
        count(&table->all, report_level(c), c->verdict, good);
    }
}

void report_table_free(struct report_table *table)
{
    alloc_free(table->rows);
    *table = (struct report_table){.n = 0};
}

/* --- as text ---------------------------------------------------------------------------------- */

static void pad(struct buf *out, size_t used, size_t width)
{
    for (size_t i = used; i < width; i++) {
        text_append(out, " ");
    }
}

static void add_cell(const struct table_cell *cell, size_t width, struct buf *out)
{
    size_t before = out->n;
    if (cell->played == 0) {
        text_append(out, "-");
    } else {
        text_append_decimal(out, (int64_t)cell->passed);
        text_append(out, "/");
        text_append_decimal(out, (int64_t)cell->played);
    }
    pad(out, out->n - before, width);
}

static bool has_level(const struct report_table *table, unsigned level)
{
    return table->all.cells[level].played > 0;
}

static size_t area_width(const struct report_table *table)
{
    size_t width = sizeof "area" - 1;
    for (size_t i = 0; i < table->n; i++) {
        width = table->rows[i].area.n > width ? table->rows[i].area.n : width;
    }
    return width + COLUMN_GAP;
}

/* Wide enough for the name of the level and for its largest cell, which is that of the sums. */
static size_t level_width(const struct report_table *table, unsigned level)
{
    struct buf cell = {0};
    size_t name = transcript_level_name((enum transcript_level)level).n;
    add_cell(&table->all.cells[level], 0, &cell);
    size_t width = cell.n > name ? cell.n : name;
    buf_free(&cell);
    return width + COLUMN_GAP;
}

/* Ends a line, without the spaces that pad its last column. */
static void end_line(struct buf *out)
{
    while (out->n > 0 && out->p[out->head + out->n - 1] == ' ') {
        out->n--;
    }
    text_append(out, "\n");
}

static void add_row(const struct report_table *table, const struct table_row *row, struct buf *out)
{
    buf_append(out, row->area);
    pad(out, row->area.n, area_width(table));
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        if (has_level(table, level)) {
            add_cell(&row->cells[level], level_width(table, level), out);
        }
    }
    if (table->all.unsupported > 0) {
        text_append_decimal(out, (int64_t)row->unsupported);
    }
    end_line(out);
}

void report_table_text(const struct report_table *table, struct buf *out)
{
    text_append(out, "area");
    pad(out, sizeof "area" - 1, area_width(table));
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        if (has_level(table, level)) {
            struct span name = transcript_level_name((enum transcript_level)level);
            buf_append(out, name);
            pad(out, name.n, level_width(table, level));
        }
    }
    if (table->all.unsupported > 0) {
        text_append(out, "unsupported");
    }
    end_line(out);
    for (size_t i = 0; i < table->n; i++) {
        add_row(table, &table->rows[i], out);
    }
    add_row(table, &table->all, out);
}
