/* SPDX-License-Identifier: MIT */
/* Text for a terminal: failures by their cause, other verdicts, a table, and the counts. Must not
 * know: how cases are played. */
#include "conform/report.h"

#include "base/text.h"
#include "conform/report_cause.h"
#include "conform/report_table.h"
#include "conform/report_unsupported.h"

#define LINE_WIDTH 100 /* bytes of a line of ids */

static void add_indented(struct span lines, struct buf *out)
{
    while (lines.n > 0) {
        const uint8_t *end = memchr(lines.p, '\n', lines.n);
        size_t n = end == NULL ? lines.n : (size_t)(end - lines.p);
        text_append(out, "    ");
        buf_append(out, span_first(lines, n));
        text_append(out, "\n");
        lines = span_skip(lines, end == NULL ? n : n + 1);
    }
}

void report_heading(const struct report_case *c, struct buf *out)
{
    const char *name = verdict_name(c->verdict);
    buf_append(out, span_make(name, strlen(name)));
    text_append(out, "  ");
    buf_append(out, c->id);
    text_append(out, "  (");
    buf_append(out, c->level);
    text_append(out, ") ");
    buf_append(out, c->title);
    text_append(out, "\n");
}

static void add_case(const struct report *report, const struct report_case *c, struct buf *out)
{
    struct buf place = {0};
    report_heading(c, out);
    add_indented(buf_span(&c->rules), out);
    if (c->effect.n > 0) {
        text_append(out, "    effect: ");
        buf_append(out, c->effect);
        text_append(out, "\n");
    }
    if (c->reason.n > 0) {
        text_append(out, "    known: ");
        buf_append(out, c->reason);
        text_append(out, "\n");
    }
    report_place(c, &place);
    add_indented(buf_span(&place), out);
    buf_free(&place);
    add_indented(buf_span(&c->exchange), out);
    add_indented(buf_span(&c->why), out);
    if (c->unmatched.n > 0) {
        text_append(out, "    bytes:    ");
        buf_append(out, buf_span(&c->unmatched));
        text_append(out, "\n");
    }
    text_append(out, "    again:    ");
    report_again(report, c, out);
    text_append(out, "\n\n");
}

/* Appends ids, separated by spaces, on lines of at most LINE_WIDTH bytes. */
static void add_ids(const struct report *report, const size_t *cases, size_t n, struct buf *out)
{
    size_t used = LINE_WIDTH;
    for (size_t i = 0; i < n; i++) {
        struct span id = report->cases[cases[i]].id;
        bool fits = used + 1 + id.n <= LINE_WIDTH;
        buf_append(out, fits ? SPAN(" ") : SPAN("\n        "));
        buf_append(out, id);
        used = fits ? used + 1 + id.n : 8 + id.n;
    }
    text_append(out, "\n\n");
}

/* The ids of all cases of a group but the first. */
static void add_same(const struct report *report, const struct cause_group *g, struct buf *out)
{
    if (g->n > 1) {
        text_append(out, "    the same in ");
        text_append_decimal(out, (int64_t)g->n - 1);
        buf_append(out, g->n == 2 ? SPAN(" more case: ") : SPAN(" more cases: "));
        buf_append(out, buf_span(&g->cause));
        add_ids(report, g->cases + 1, g->n - 1, out);
    }
}

static void add_failures(const struct report *report, const struct report_rules *rules,
                         struct buf *out)
{
    struct cause_groups groups;
    size_t cases = 0;
    cause_groups_make(&groups, report, rules, report_failed);
    for (size_t i = 0; i < groups.n; i++) {
        add_case(report, &report->cases[groups.groups[i].cases[0]], out);
        add_same(report, &groups.groups[i], out);
        cases += groups.groups[i].n;
    }
    if (cases > 1) {
        text_append_decimal(out, (int64_t)cases);
        text_append(out, " failures, ");
        text_append_decimal(out, (int64_t)groups.n);
        buf_append(out, groups.n == 1 ? SPAN(" cause\n\n") : SPAN(" causes\n\n"));
    }
    cause_groups_free(&groups);
}

static bool differs_in_text(const struct report_rules *rules, const struct report_case *c)
{
    return c->verdict == VERDICT_NON_STRICT && report_good(rules, c);
}

/* Error texts that differ, if that is no failure. */
static void add_non_strict(const struct report *report, const struct report_rules *rules,
                           struct buf *out)
{
    struct cause_groups groups;
    cause_groups_make(&groups, report, rules, differs_in_text);
    for (size_t i = 0; i < groups.n; i++) {
        const struct report_case *c = &report->cases[groups.groups[i].cases[0]];
        report_heading(c, out);
        add_indented(buf_span(&c->why), out);
        add_same(report, &groups.groups[i], out);
    }
    cause_groups_free(&groups);
}

static void add_others(const struct report *report, const struct report_rules *rules,
                       struct buf *out)
{
    add_non_strict(report, rules, out);
    for (size_t i = 0; i < report->n; i++) {
        const struct report_case *c = &report->cases[i];
        if (c->verdict == VERDICT_FLAKY && report_good(rules, c)) {
            add_case(report, c, out);
        }
    }
    report_unsupported(report, out);
}

static void add_table(const struct report *report, const struct report_rules *rules,
                      struct buf *out)
{
    struct report_table table;
    if (report->n < 2) {
        return;
    }
    report_table_make(&table, report, rules);
    buf_append(out, out->n > 0 && out->p[out->head + out->n - 2] != '\n' ? SPAN("\n") : SPAN(""));
    text_append(out, "passed/played cases by area and level:\n");
    report_table_text(&table, out);
    text_append(out, "\n");
    report_table_free(&table);
}

static void add_counts(const struct report *report, struct buf *out)
{
    size_t counts[VERDICT_COUNT];
    report_count(report, counts);
    buf_append(out, report->target);
    text_append(out, ": ");
    text_append_decimal(out, (int64_t)report->n);
    buf_append(out, report->n == 1 ? SPAN(" case:") : SPAN(" cases:"));
    for (int v = 0; v < VERDICT_COUNT; v++) {
        const char *name = verdict_name((enum verdict)v);
        if (counts[v] > 0) {
            text_append(out, " ");
            text_append_decimal(out, (int64_t)counts[v]);
            text_append(out, " ");
            buf_append(out, span_make(name, strlen(name)));
        }
    }
    text_append(out, "\n");
}

void report_text(const struct report *report, const struct report_rules *rules, struct buf *out)
{
    add_failures(report, rules, out);
    add_others(report, rules, out);
    add_table(report, rules, out);
    report_unsupported_judged(report, rules, out);
    add_counts(report, out);
}
