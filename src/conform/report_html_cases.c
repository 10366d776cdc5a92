/* SPDX-License-Identifier: MIT */
/* The rows of the cases. The script of the page finds a row's case, area, level and verdicts in its
 * attributes. Must not know: the rest of the page, and how cases are played. */
#include "conform/report_html_cases.h"

#include "base/alloc.h"
#include "base/text.h"
#include "conform/report_cause.h"

#define ADD(literal) text_append(out, literal)

/* --- one of each case ------------------------------------------------------------------------- */

static int compare(struct span a, struct span b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static const struct report_case *case_at(const struct report *report, size_t place)
{
    return report->cases != NULL && place < report->n ? &report->cases[place] : NULL;
}

/* Returns the case with the lowest id, of all reports, that was not returned before, or NULL if
 * none is left. Each report's place moves past this case. */
static const struct report_case *next_case(const struct report *reports, size_t n, size_t *places)
{
    const struct report_case *least = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct report_case *c = case_at(&reports[i], places[i]);
        if (c != NULL && (least == NULL || compare(c->id, least->id) < 0)) {
            least = c;
        }
    }
    for (size_t i = 0; i < n && least != NULL; i++) {
        const struct report_case *c = case_at(&reports[i], places[i]);
        places[i] += c != NULL && compare(c->id, least->id) == 0;
    }
    return least;
}

void html_reports_make(struct html_reports *html, const struct report *reports, size_t n,
                       const struct report_rules *rules)
{
    size_t *places = alloc_zeroed((n + 1) * sizeof *places);
    size_t most = 0;
    const struct report_case *c;
    for (size_t i = 0; i < n; i++) {
        most += reports[i].n;
    }
    *html = (struct html_reports){.reports = reports, .n = n, .rules = rules};
    html->cases = alloc_zeroed((most + 1) * sizeof(struct report_case *));
    while ((c = next_case(reports, n, places)) != NULL) {
        html->cases[html->case_count++] = c;
    }
    alloc_free(places);
}

void html_reports_free(struct html_reports *html)
{
    alloc_free(html->cases);
    *html = (struct html_reports){.n = 0};
}

static const struct report_case *find(const struct report *report, struct span id)
{
    for (size_t i = 0; i < report->n; i++) {
        if (span_equal(report->cases[i].id, id)) {
            return &report->cases[i];
        }
    }
    return NULL;
}

/* --- parts of a row --------------------------------------------------------------------------- */

static void add_string(const char *s, struct buf *out)
{
    buf_append(out, span_make(s, strlen(s)));
}

void html_verdict(enum verdict verdict, struct buf *out)
{
    ADD("<span class=\"v ");
    add_string(verdict_name(verdict), out);
    ADD("\">");
    add_string(verdict_name(verdict), out);
    ADD("</span>");
}

static void add_pre(const char *class, const struct buf *text, struct buf *out)
{
    if (text->n > 0) {
        ADD("<pre class=\"");
        add_string(class, out);
        ADD("\">");
        report_escape(buf_span(text), out);
        ADD("</pre>\n");
    }
}

static void add_fact(const char *name, struct span value, struct buf *out)
{
    if (value.n > 0) {
        ADD("<p><span class=dim>");
        add_string(name, out);
        ADD("</span> ");
        report_escape(value, out);
        ADD("</p>\n");
    }
}

static void add_again(const struct report *report, const struct report_case *c, struct buf *out)
{
    struct buf again = {0};
    if (report->again.n > 0) {
        report_again(report, c, &again);
        ADD("<p><span class=dim>again:</span> <code>");
        report_escape(buf_span(&again), out);
        ADD("</code></p>\n");
    }
    buf_free(&again);
}

static void add_exchange(const struct report *report, const struct report_case *c, struct buf *out)
{
    ADD("<h3>");
    report_escape(report->target, out);
    ADD(" ");
    html_verdict(c->verdict, out);
    if (c->ms >= 0) {
        ADD(" <span class=dim>");
        text_append_decimal(out, c->ms);
        ADD(" ms</span>");
    }
    ADD("</h3>\n");
    add_fact("known:", c->reason, out);
    add_pre("exchange", &c->exchange, out);
    add_pre("why", &c->why, out);
    add_pre("came", &c->unmatched, out);
    add_again(report, c, out);
}

/* The details of a case: a second row, which a click on the first one shows. */
static void add_more(const struct html_reports *html, const struct report_case *c, struct buf *out)
{
    ADD("<tr class=more hidden><td colspan=");
    text_append_decimal(out, (int64_t)html->n + 2);
    ADD(">\n");
    add_pre("rules", &c->rules, out);
    add_fact("effect:", c->effect, out);
    add_fact("source:", c->source, out);
    add_fact("server flags:", c->flags, out);
    add_fact("needs:", c->needs, out);
    add_fact("file:", c->path, out);
    for (size_t i = 0; i < 2 * html->n; i++) { /* failures first */
        const struct report *report = &html->reports[i % html->n];
        const struct report_case *own = find(report, c->id);
        if (own != NULL && report_failed(html->rules, own) == (i < html->n)) {
            add_exchange(report, own, out);
        }
    }
    ADD("</td></tr>\n");
}

static void add_verdicts(const struct html_reports *html, struct span id, struct buf *out)
{
    for (size_t i = 0; i < html->n; i++) {
        const struct report_case *c = find(&html->reports[i], id);
        ADD("<td>");
        if (c == NULL) {
            ADD("<span class=absent>not run</span>");
        } else {
            html_verdict(c->verdict, out);
        }
        ADD("</td>");
    }
}

/* Returns the first report in which the case fails, or NULL. */
static const struct report *failing(const struct html_reports *html, struct span id)
{
    for (size_t i = 0; i < html->n; i++) {
        const struct report_case *c = find(&html->reports[i], id);
        if (c != NULL && report_failed(html->rules, c)) {
            return &html->reports[i];
        }
    }
    return NULL;
}

/* What was expected and what came, at the first target that fails the case. */
static void add_brief(const struct html_reports *html, const struct report *report, struct span id,
                      struct buf *out)
{
    struct buf brief = {0};
    report_brief(find(report, id), &brief);
    ADD("<div class=brief>");
    if (html->n > 1) {
        report_escape(report->target, out);
        ADD(": ");
    }
    report_escape(buf_span(&brief), out);
    ADD("</div>");
    buf_free(&brief);
}

/* --- rows ------------------------------------------------------------------------------------- */

static void add_case(const struct html_reports *html, const struct report_case *c,
                     const struct report *report, struct buf *out)
{
    ADD("<tr class=case tabindex=0 aria-expanded=false id=\"");
    report_escape(c->id, out);
    ADD("\" data-area=\"");
    report_escape(report_area(c->id), out);
    ADD("\" data-level=\"");
    report_escape(c->level, out);
    buf_append(out, report == NULL ? SPAN("\" data-part=others") : SPAN("\" data-part=failures"));
    ADD(" data-v=\"");
    for (size_t i = 0; i < html->n; i++) {
        const struct report_case *own = find(&html->reports[i], c->id);
        if (own != NULL) {
            add_string(verdict_name(own->verdict), out);
            ADD(" ");
        }
    }
    ADD("\"><td><code>");
    report_escape(c->id, out);
    ADD("</code> <span class=level>");
    report_escape(c->level, out);
    ADD("</span></td><td>");
    report_escape(c->title, out);
    if (report != NULL) {
        add_brief(html, report, c->id, out);
    }
    ADD("</td>");
    add_verdicts(html, c->id, out);
    ADD("</tr>\n");
    add_more(html, c, out);
}

/* A row that is a heading. The script hides it when no row with this key is shown. */
static void add_heading(const struct html_reports *html, struct span class, struct span key,
                        struct span text, struct buf *out)
{
    ADD("<tr class=");
    buf_append(out, class);
    ADD(" data-key=\"");
    report_escape(key, out);
    ADD("\"><th colspan=");
    text_append_decimal(out, (int64_t)html->n + 2);
    ADD(">");
    report_escape(text, out);
    ADD("</th></tr>\n");
}

static void add_failures(const struct html_reports *html, struct buf *out)
{
    bool any = false;
    for (unsigned level = 0; level <= LEVEL_COUNT; level++) {
        for (size_t i = 0; i < html->case_count; i++) {
            const struct report_case *c = html->cases[i];
            const struct report *report = report_level(c) == level ? failing(html, c->id) : NULL;
            if (report != NULL && !any) {
                add_heading(html, SPAN("part"), SPAN("failures"), SPAN("Failures"), out);
                any = true;
            }
            if (report != NULL) {
                add_case(html, c, report, out);
            }
        }
    }
}

static void add_others(const struct html_reports *html, struct buf *out)
{
    struct span area = {0};
    add_heading(html, SPAN("part"), SPAN("others"), SPAN("All other cases"), out);
    for (size_t i = 0; i < html->case_count; i++) {
        const struct report_case *c = html->cases[i];
        if (failing(html, c->id) != NULL) {
            continue;
        }
        if (!span_equal(area, report_area(c->id))) {
            struct buf key = {0};
            area = report_area(c->id);
            text_append(&key, "others ");
            buf_append(&key, area);
            add_heading(html, SPAN("area"), buf_span(&key), area, out);
            buf_free(&key);
        }
        add_case(html, c, NULL, out);
    }
}

void html_cases(const struct html_reports *html, struct buf *out)
{
    ADD("<table id=m><thead><tr><th>case</th><th>rule</th>");
    for (size_t i = 0; i < html->n; i++) {
        ADD("<th class=target>");
        report_escape(html->reports[i].target, out);
        ADD("</th>");
    }
    ADD("</tr></thead><tbody>\n");
    add_failures(html, out);
    add_others(html, out);
    ADD("</tbody></table>\n");
}
