/* SPDX-License-Identifier: MIT */
/* One HTML page that loads nothing else: the targets, counts by area and level, the causes of
 * failures, and the cases. Must not know: how cases are played. */
#include "conform/report.h"

#include "base/alloc.h"
#include "base/text.h"
#include "conform/report_cause.h"
#include "conform/report_html_assets.h"
#include "conform/report_html_cases.h"
#include "conform/report_table.h"

#define IDS_MAX 8 /* ids of a cause that have a link */

/* What each verdict means. */
static const char *const meanings[VERDICT_COUNT] = {
    [VERDICT_PASS] = "the server does what the case says",
    [VERDICT_FAIL] = "the server does something else",
    [VERDICT_NON_STRICT] = "the error code is right, but its text differs from nsqd's",
    [VERDICT_UNSUPPORTED] = "the target lacks what the case needs",
    [VERDICT_XFAIL] = "the server does something else, as the list of known failures says",
    [VERDICT_XPASS] = "the case passes, although the list of known failures contains it",
    [VERDICT_UNREACHABLE] = "the server could not be reached",
    [VERDICT_DIED] = "the server ended while it played the case",
    [VERDICT_FLAKY] = "the verdict was not the same each time",
};

static const char *const level_meanings[LEVEL_COUNT] = {
    [LEVEL_MUST] =
        "otherwise a client that is in use breaks, or messages are lost, doubled or altered",
    [LEVEL_SHOULD] = "documented, but clients work without it",
    [LEVEL_QUIRK] = "what nsqd 1.3.0 does, but no document says",
    [LEVEL_DEPARTURE] = "where nsqref differs from nsqd on purpose",
};

#define ADD(literal) text_append(out, literal)

static void add_string(const char *s, struct buf *out)
{
    buf_append(out, span_make(s, strlen(s)));
}

/* Adds up the verdicts of all reports. */
static void count_all(const struct html_reports *html, size_t counts[VERDICT_COUNT])
{
    memset(counts, 0, VERDICT_COUNT * sizeof *counts);
    for (size_t i = 0; i < html->n; i++) {
        size_t own[VERDICT_COUNT];
        report_count(&html->reports[i], own);
        for (int v = 0; v < VERDICT_COUNT; v++) {
            counts[v] += own[v];
        }
    }
}

static bool has_level(const struct html_reports *html, unsigned level)
{
    for (size_t i = 0; i < html->case_count; i++) {
        if (report_level(html->cases[i]) == level) {
            return true;
        }
    }
    return false;
}

/* --- targets ---------------------------------------------------------------------------------- */

static void add_seconds(int64_t ms, struct buf *out)
{
    if (ms >= 0) {
        text_append_decimal(out, ms / 1000);
        ADD(".");
        text_append_decimal(out, ms / 100 % 10);
        ADD(" s");
    }
}

static void add_text_cell(struct span text, struct buf *out)
{
    ADD("<td class=text>");
    report_escape(text, out);
    ADD("</td>");
}

static void add_target(const struct report *report, const size_t shown[VERDICT_COUNT],
                       struct buf *out)
{
    size_t counts[VERDICT_COUNT];
    report_count(report, counts);
    ADD("<tr><th>");
    report_escape(report->target, out);
    ADD("</th>");
    add_text_cell(buf_span(&report->target_version), out);
    add_text_cell(buf_span(&report->suite), out);
    add_text_cell(buf_span(&report->date), out);
    ADD("<td>");
    add_seconds(report->ms, out);
    ADD("</td><td>");
    text_append_decimal(out, (int64_t)report->n);
    ADD("</td>");
    for (int v = 0; v < VERDICT_COUNT; v++) {
        if (shown[v] > 0) {
            buf_append(out, counts[v] == 0 ? SPAN("<td class=zero>") : SPAN("<td>"));
            text_append_decimal(out, (int64_t)counts[v]);
            ADD("</td>");
        }
    }
    ADD("</tr>\n");
}

static bool has_commands(const struct html_reports *html)
{
    for (size_t i = 0; i < html->n; i++) {
        if (html->reports[i].command.n > 0) {
            return true;
        }
    }
    return false;
}

static void add_commands(const struct html_reports *html, struct buf *out)
{
    if (!has_commands(html)) {
        return;
    }
    buf_append(out,
               html->n == 1 ? SPAN("<details class=part open>") : SPAN("<details class=part>"));
    ADD("<summary>Command lines</summary>\n");
    for (size_t i = 0; i < html->n; i++) {
        ADD("<p><span class=dim>");
        report_escape(html->reports[i].target, out);
        ADD(":</span> <code>");
        report_escape(buf_span(&html->reports[i].command), out);
        ADD("</code></p>\n");
    }
    ADD("</details>\n");
}

static void add_targets(const struct html_reports *html, struct buf *out)
{
    size_t shown[VERDICT_COUNT];
    count_all(html, shown);
    ADD("<div class=wide><table id=targets><thead><tr><th>target</th><th>version</th><th>suite</th>"
        "<th>date</th><th>took</th><th>cases</th>");
    for (int v = 0; v < VERDICT_COUNT; v++) {
        if (shown[v] > 0) {
            ADD("<th>");
            html_verdict((enum verdict)v, out);
            ADD("</th>");
        }
    }
    ADD("</tr></thead><tbody>\n");
    for (size_t i = 0; i < html->n; i++) {
        add_target(&html->reports[i], shown, out);
    }
    ADD("</tbody></table></div>\n");
    add_commands(html, out);
}

/* --- counts by area and level ----------------------------------------------------------------- */

static const struct table_row *find_row(const struct report_table *table, struct span area)
{
    for (size_t i = 0; i < table->n; i++) {
        if (span_equal(table->rows[i].area, area)) {
            return &table->rows[i];
        }
    }
    return NULL;
}

static void add_cell(const struct table_cell *cell, bool first, struct buf *out)
{
    bool none = cell == NULL || cell->played == 0;
    ADD("<td class=\"");
    buf_append(out, none                           ? SPAN("none")
                    : cell->failed > 0             ? SPAN("bad")
                    : cell->passed == cell->played ? SPAN("good")
                                                   : SPAN("known"));
    buf_append(out, first ? SPAN(" first\">") : SPAN("\">"));
    if (none) {
        ADD("-");
    } else {
        text_append_decimal(out, (int64_t)cell->passed);
        ADD("/");
        text_append_decimal(out, (int64_t)cell->played);
    }
    ADD("</td>");
}

/* A target has a column for each level of which it played cases. */
static bool has_column(const struct report_table *table, unsigned level)
{
    return table->all.cells[level].played > 0;
}

static void add_cells(const struct report_table *table, const struct table_row *row,
                      struct buf *out)
{
    bool first = true;
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        if (has_column(table, level)) {
            add_cell(row == NULL ? NULL : &row->cells[level], first, out);
            first = false;
        }
    }
    if (first) {
        add_cell(NULL, true, out);
    }
}

static void add_area(const struct html_reports *html, const struct report_table *tables,
                     struct span area, struct buf *out)
{
    ADD("<tr><th data-area=\"");
    report_escape(area, out);
    ADD("\"><a href=\"#f\">");
    report_escape(area, out);
    ADD("</a></th>");
    for (size_t i = 0; i < html->n; i++) {
        add_cells(&tables[i], find_row(&tables[i], area), out);
    }
    ADD("</tr>\n");
}

static void add_level_names(const struct report_table *table, struct buf *out)
{
    bool first = true;
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        if (has_column(table, level)) {
            buf_append(out, first ? SPAN("<th class=\"level first\">") : SPAN("<th class=level>"));
            buf_append(out, transcript_level_name((enum transcript_level)level));
            ADD("</th>");
            first = false;
        }
    }
    buf_append(out, first ? SPAN("<th class=first></th>") : SPAN(""));
}

static void add_levels_head(const struct html_reports *html, const struct report_table *tables,
                            struct buf *out)
{
    ADD("<thead><tr><th></th>");
    for (size_t i = 0; i < html->n; i++) {
        int64_t columns = 0;
        for (unsigned level = 0; level < LEVEL_COUNT; level++) {
            columns += has_column(&tables[i], level);
        }
        ADD("<th class=first colspan=");
        text_append_decimal(out, columns == 0 ? 1 : columns);
        ADD(">");
        report_escape(html->reports[i].target, out);
        ADD("</th>");
    }
    ADD("</tr><tr><th>area</th>");
    for (size_t i = 0; i < html->n; i++) {
        add_level_names(&tables[i], out);
    }
    ADD("</tr></thead><tbody>\n");
}

static void add_levels(const struct html_reports *html, struct buf *out)
{
    struct report_table *tables = alloc_zeroed((html->n + 1) * sizeof *tables);
    struct span area = {0};
    for (size_t i = 0; i < html->n; i++) {
        report_table_make(&tables[i], &html->reports[i], html->rules);
    }
    ADD("<h2>Passed and played cases by area and level</h2>\n<div class=wide>");
    buf_append(out, html->n > 3 ? SPAN("<table id=levels class=many>") : SPAN("<table id=levels>"));
    add_levels_head(html, tables, out);
    for (size_t i = 0; i < html->case_count; i++) {
        if (!span_equal(area, report_area(html->cases[i]->id))) {
            area = report_area(html->cases[i]->id);
            add_area(html, tables, area, out);
        }
    }
    ADD("<tr class=all><th>all</th>");
    for (size_t i = 0; i < html->n; i++) {
        add_cells(&tables[i], &tables[i].all, out);
        report_table_free(&tables[i]);
    }
    ADD("</tr></tbody></table></div>\n");
    alloc_free(tables);
}

/* --- causes ----------------------------------------------------------------------------------- */

static void add_cause(const struct report *report, const struct cause_group *g, struct buf *out)
{
    ADD("<tr><td>");
    text_append_decimal(out, (int64_t)g->n);
    ADD("</td><td>");
    html_verdict(g->verdict, out);
    ADD(" <span class=level>");
    report_escape(report->cases[g->cases[0]].level, out);
    ADD("</span></td><td>");
    report_escape(buf_span(&g->cause), out);
    ADD("<br>");
    for (size_t i = 0; i < g->n && i < IDS_MAX; i++) {
        ADD("<a href=\"#");
        report_escape(report->cases[g->cases[i]].id, out);
        ADD("\"><code>");
        report_escape(report->cases[g->cases[i]].id, out);
        ADD("</code></a> ");
    }
    if (g->n > IDS_MAX) {
        ADD("and ");
        text_append_decimal(out, (int64_t)(g->n - IDS_MAX));
        ADD(" more");
    }
    ADD("</td></tr>\n");
}

static void add_groups(const struct report *report, const struct cause_groups *groups, bool open,
                       struct buf *out)
{
    size_t cases = 0;
    for (size_t k = 0; k < groups->n; k++) {
        cases += groups->groups[k].n;
    }
    buf_append(out, open ? SPAN("<details class=part open><summary>")
                         : SPAN("<details class=part><summary>"));
    report_escape(report->target, out);
    ADD(": ");
    text_append_decimal(out, (int64_t)cases);
    buf_append(out, cases == 1 ? SPAN(" failure, ") : SPAN(" failures, "));
    text_append_decimal(out, (int64_t)groups->n);
    buf_append(out, groups->n == 1 ? SPAN(" cause") : SPAN(" causes"));
    ADD("</summary>\n<table class=causes><thead><tr><th>cases</th><th></th><th>the same kind of "
        "step, and the same kind of answer</th></tr></thead><tbody>\n");
    for (size_t k = 0; k < groups->n; k++) {
        add_cause(report, &groups->groups[k], out);
    }
    ADD("</tbody></table></details>\n");
}

static void add_causes(const struct html_reports *html, struct buf *out)
{
    bool any = false;
    for (size_t i = 0; i < html->n; i++) {
        struct cause_groups groups;
        cause_groups_make(&groups, &html->reports[i], html->rules, report_failed);
        if (groups.n > 0) {
            buf_append(out, any ? SPAN("") : SPAN("<h2>Causes of failures</h2>\n"));
            add_groups(&html->reports[i], &groups, html->n == 1, out);
            any = true;
        }
        cause_groups_free(&groups);
    }
}

/* --- filters ---------------------------------------------------------------------------------- */

static void add_box(struct span name, struct span value, const char *meaning, struct buf *out)
{
    ADD("<label title=\"");
    add_string(meaning, out);
    ADD("\"><input type=checkbox checked name=");
    buf_append(out, name);
    ADD(" value=\"");
    buf_append(out, value);
    ADD("\"> ");
    buf_append(out, value);
    ADD("</label>\n");
}

static void add_filter(const struct html_reports *html, struct buf *out)
{
    size_t shown[VERDICT_COUNT];
    struct span area = {0};
    count_all(html, shown);
    ADD("<h2>Cases</h2>\n<div id=f><input type=search placeholder=\"find in ids and titles\" "
        "aria-label=find>\n<label>area <select><option value=\"\">all</option>");
    for (size_t i = 0; i < html->case_count; i++) {
        if (!span_equal(area, report_area(html->cases[i]->id))) {
            area = report_area(html->cases[i]->id);
            ADD("<option>");
            report_escape(area, out);
            ADD("</option>");
        }
    }
    ADD("</select></label>\n<fieldset><legend>level:</legend>");
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        if (has_level(html, level)) {
            add_box(SPAN("level"), transcript_level_name((enum transcript_level)level),
                    level_meanings[level], out);
        }
    }
    ADD("</fieldset>\n<fieldset><legend>verdict:</legend>");
    for (int v = 0; v < VERDICT_COUNT; v++) {
        const char *name = verdict_name((enum verdict)v);
        if (shown[v] > 0) {
            add_box(SPAN("verdict"), span_make(name, strlen(name)), meanings[v], out);
        }
    }
    ADD("</fieldset>\n<button id=clear>show all</button> <span id=n class=dim></span></div>\n");
}

static void add_legend(struct buf *out)
{
    ADD("<details><summary>What verdicts and levels mean</summary><table>\n");
    for (int v = 0; v < VERDICT_COUNT; v++) {
        ADD("<tr><td>");
        html_verdict((enum verdict)v, out);
        ADD("</td><td>");
        add_string(meanings[v], out);
        ADD("</td></tr>\n");
    }
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        ADD("<tr><td class=level>");
        buf_append(out, transcript_level_name((enum transcript_level)level));
        ADD("</td><td>");
        add_string(level_meanings[level], out);
        ADD("</td></tr>\n");
    }
    ADD("</table></details>\n");
}

/* --- the page --------------------------------------------------------------------------------- */

void report_html(const struct report *reports, size_t n, const struct report_rules *rules,
                 struct buf *out)
{
    struct html_reports html;
    html_reports_make(&html, reports, n, rules);
    ADD("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\n"
        "<meta name=viewport content=\"width=device-width\">\n"
        "<title>NSQ conformance</title>\n<style>\n");
    add_string(report_html_style, out);
    ADD("</style></head><body>\n<h1>NSQ conformance</h1>\n"
        "<p class=dim>Session files played against NSQ servers by nsq-conform.</p>\n");
    add_targets(&html, out);
    add_levels(&html, out);
    add_causes(&html, out);
    add_filter(&html, out);
    ADD("<p class=dim>A click on a row shows what was sent and received.</p>\n");
    add_legend(out);
    html_cases(&html, out);
    ADD("<script>\n");
    add_string(report_html_script, out);
    ADD("</script></body></html>\n");
    html_reports_free(&html);
}
