/* SPDX-License-Identifier: MIT */
/* Text for a terminal: details of each case with a verdict other than pass, then the counts. Must
 * not know: how cases are played. */
#include "conform/report.h"

#include "base/text.h"

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
    text_append(out, "    ");
    buf_append(out, c->path);
    if (c->line > 0) {
        text_append(out, ":");
        text_append_decimal(out, c->line);
    }
    text_append(out, "\n");
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

static bool same_lack(const struct report_case *a, const struct report_case *b)
{
    return a->verdict == VERDICT_UNSUPPORTED && b->verdict == VERDICT_UNSUPPORTED &&
           span_equal(buf_span(&a->why), buf_span(&b->why));
}

/* One line for all cases that are unsupported for the same reason, at the place of the first one.
 */
static void add_unsupported(const struct report *report, size_t first, struct buf *out)
{
    const struct report_case *c = &report->cases[first];
    struct span why = buf_span(&c->why);
    const uint8_t *end = why.n == 0 ? NULL : memchr(why.p, '\n', why.n);
    int64_t n = 0;
    for (size_t i = 0; i < report->n; i++) {
        bool same = same_lack(c, &report->cases[i]);
        if (same && i < first) {
            return;
        }
        n += same;
    }
    text_append(out, "unsupported  ");
    text_append_decimal(out, n);
    buf_append(out, n == 1 ? SPAN(" case: ") : SPAN(" cases: "));
    buf_append(out, end == NULL ? why : span_first(why, (size_t)(end - why.p)));
    text_append(out, "\n");
}

void report_text(const struct report *report, const struct report_rules *rules, struct buf *out)
{
    size_t counts[VERDICT_COUNT];
    report_count(report, counts);
    for (size_t i = 0; i < report->n; i++) {
        const struct report_case *c = &report->cases[i];
        if (c->verdict == VERDICT_UNSUPPORTED) {
            add_unsupported(report, i, out);
        } else if (!report_good(rules, c) || c->verdict == VERDICT_FLAKY) {
            add_case(report, c, out);
        } else if (c->verdict == VERDICT_NON_STRICT) {
            report_heading(c, out);
            add_indented(buf_span(&c->why), out);
        }
    }
    buf_append(out, report->target);
    text_append(out, ": ");
    text_append_decimal(out, (int64_t)report->n);
    text_append(out, " cases:");
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
