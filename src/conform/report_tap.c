/* SPDX-License-Identifier: MIT */
/* TAP 13: one line for each case. After the line of a failing case there is a YAML block. Must not
 * know: how cases are played. */
#include "conform/report.h"

#include "base/text.h"

/* In a description '#' would begin a directive, so it is escaped. */
static void describe(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '#') {
            text_append(out, "\\");
        }
        buf_append(out, span_make(text.p + i, 1));
    }
}

static void add_lines(struct span key, struct span lines, struct buf *out)
{
    if (lines.n == 0) {
        return;
    }
    text_append(out, "  ");
    buf_append(out, key);
    text_append(out, ": |\n");
    while (lines.n > 0) {
        const uint8_t *end = memchr(lines.p, '\n', lines.n);
        size_t n = end == NULL ? lines.n : (size_t)(end - lines.p);
        text_append(out, "    ");
        buf_append(out, span_first(lines, n));
        text_append(out, "\n");
        lines = span_skip(lines, end == NULL ? n : n + 1);
    }
}

static void add_place(const struct report *report, const struct report_case *c, struct buf *out)
{
    struct buf text = {0};
    report_place(c, &text);
    add_lines(SPAN("at"), buf_span(&text), out);
    buf_free(&text);
    if (c->verdict != VERDICT_UNSUPPORTED) {
        report_again(report, c, &text);
        add_lines(SPAN("again"), buf_span(&text), out);
        buf_free(&text);
    }
}

static void add_block(const struct report *report, const struct report_case *c, struct buf *out)
{
    const char *name = verdict_name(c->verdict);
    text_append(out, "  ---\n  verdict: ");
    buf_append(out, span_make(name, strlen(name)));
    text_append(out, "\n  level: ");
    buf_append(out, c->level);
    text_append(out, "\n");
    add_lines(SPAN("rules"), buf_span(&c->rules), out);
    add_lines(SPAN("effect"), c->effect, out);
    add_place(report, c, out);
    add_lines(SPAN("transcript"), buf_span(&c->exchange), out);
    add_lines(SPAN("why"), buf_span(&c->why), out);
    add_lines(SPAN("came"), buf_span(&c->unmatched), out);
    text_append(out, "  ...\n");
}

static void add_case(const struct report *report, size_t i, const struct report_rules *rules,
                     struct buf *out)
{
    const struct report_case *c = &report->cases[i];
    bool expected = c->verdict == VERDICT_XFAIL;
    buf_append(out, report_good(rules, c) && !expected ? SPAN("ok ") : SPAN("not ok "));
    text_append_decimal(out, (int64_t)i + 1);
    text_append(out, " - ");
    buf_append(out, c->id);
    text_append(out, ": ");
    describe(c->title, out);
    if (expected) {
        text_append(out, " # TODO ");
        buf_append(out, c->reason);
    } else if (c->verdict == VERDICT_UNSUPPORTED && rules->allow_unsupported) {
        text_append(out, " # SKIP unsupported");
    }
    text_append(out, "\n");
    if (c->verdict != VERDICT_PASS) {
        add_block(report, c, out);
    }
}

void report_tap(const struct report *report, const struct report_rules *rules, struct buf *out)
{
    text_append(out, "TAP version 13\n1..");
    text_append_decimal(out, (int64_t)report->n);
    text_append(out, "\n");
    for (size_t i = 0; i < report->n; i++) {
        add_case(report, i, rules, out);
    }
}
