/* SPDX-License-Identifier: MIT */
/* JUnit's XML as CI servers read it. The class of a case is its area. <failure> is a server that
 * does not conform, <error> a server that could not be reached, <skipped> an unsupported case or a
 * known failure. Must not know: how cases are played. */
#include "conform/report.h"

#include "base/text.h"
#include "conform/report_cause.h"

enum outcome { OUTCOME_GOOD, OUTCOME_FAILURE, OUTCOME_ERROR, OUTCOME_SKIPPED };

static enum outcome outcome_of(const struct report_rules *rules, const struct report_case *c)
{
    if (c->verdict == VERDICT_UNREACHABLE) {
        return OUTCOME_ERROR;
    }
    if (c->verdict == VERDICT_XFAIL ||
        (c->verdict == VERDICT_UNSUPPORTED && report_good(rules, c))) {
        return OUTCOME_SKIPPED;
    }
    return report_good(rules, c) ? OUTCOME_GOOD : OUTCOME_FAILURE;
}

static void attribute(struct span name, struct span value, struct buf *out)
{
    text_append(out, " ");
    buf_append(out, name);
    text_append(out, "=\"");
    report_escape(value, out);
    text_append(out, "\"");
}

static void number(struct span name, size_t value, struct buf *out)
{
    char text[TEXT_DECIMAL_MAX];
    attribute(name, text_decimal(text, (int64_t)value), out);
}

/* JUnit's times are in seconds. */
static void add_time(int64_t ms, struct buf *out)
{
    if (ms >= 0) {
        const char rest[] = {(char)('0' + ms / 100 % 10), (char)('0' + ms / 10 % 10),
                             (char)('0' + ms % 10)};
        text_append(out, " time=\"");
        text_append_decimal(out, ms / 1000);
        text_append(out, ".");
        buf_append(out, span_make(rest, sizeof rest));
        text_append(out, "\"");
    }
}

/* For example: MUST: expected c < response "OK", came nothing. */
static void add_message(const struct report_case *c, struct buf *out)
{
    const char *name = verdict_name(c->verdict);
    struct buf text = {0};
    buf_append(&text, c->level);
    text_append(&text, ": ");
    size_t before = text.n;
    if (c->reason.n > 0) {
        buf_append(&text, c->reason);
    } else {
        report_brief(c, &text);
    }
    if (text.n == before) {
        buf_append(&text, span_make(name, strlen(name)));
    }
    attribute(SPAN("message"), buf_span(&text), out);
    buf_free(&text);
}

static void add_line(struct span key, struct span text, struct buf *out)
{
    if (text.n > 0) {
        buf_append(out, key);
        report_escape(text, out);
        text_append(out, "\n");
    }
}

static void add_details(const struct report *report, const struct report_case *c, struct buf *out)
{
    struct buf place = {0};
    struct buf again = {0};
    report_place(c, &place);
    if (c->verdict != VERDICT_UNSUPPORTED) {
        report_again(report, c, &again);
    }
    report_escape(buf_span(&c->rules), out);
    add_line(SPAN("effect: "), c->effect, out);
    add_line(SPAN(""), buf_span(&place), out);
    report_escape(buf_span(&c->exchange), out);
    report_escape(buf_span(&c->why), out);
    add_line(SPAN("bytes:    "), buf_span(&c->unmatched), out);
    add_line(SPAN("again:    "), buf_span(&again), out);
    buf_free(&place);
    buf_free(&again);
}

static void add_outcome(const struct report *report, const struct report_case *c,
                        enum outcome outcome, struct buf *out)
{
    static const struct span tags[] = {
        [OUTCOME_FAILURE] = SPAN_LITERAL("failure"),
        [OUTCOME_ERROR] = SPAN_LITERAL("error"),
        [OUTCOME_SKIPPED] = SPAN_LITERAL("skipped"),
    };
    const char *name = verdict_name(c->verdict);
    text_append(out, ">\n      <");
    buf_append(out, tags[outcome]);
    add_message(c, out);
    if (outcome == OUTCOME_SKIPPED) {
        text_append(out, "/>\n    </testcase>\n");
        return;
    }
    attribute(SPAN("type"), span_make(name, strlen(name)), out);
    text_append(out, ">");
    add_details(report, c, out);
    text_append(out, "</");
    buf_append(out, tags[outcome]);
    text_append(out, ">\n    </testcase>\n");
}

static void add_case(const struct report *report, const struct report_case *c,
                     const struct report_rules *rules, struct buf *out)
{
    enum outcome outcome = outcome_of(rules, c);
    text_append(out, "    <testcase");
    attribute(SPAN("classname"), report_area(c->id), out);
    attribute(SPAN("name"), c->id, out);
    attribute(SPAN("file"), c->path, out);
    add_time(c->ms, out);
    if (outcome == OUTCOME_GOOD) {
        text_append(out, "/>\n");
    } else {
        add_outcome(report, c, outcome, out);
    }
}

void report_junit(const struct report *report, const struct report_rules *rules, struct buf *out)
{
    size_t counts[OUTCOME_SKIPPED + 1] = {0};
    for (size_t i = 0; i < report->n; i++) {
        counts[outcome_of(rules, &report->cases[i])]++;
    }
    text_append(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite");
    attribute(SPAN("name"), report->target, out);
    number(SPAN("tests"), report->n, out);
    number(SPAN("failures"), counts[OUTCOME_FAILURE], out);
    number(SPAN("errors"), counts[OUTCOME_ERROR], out);
    number(SPAN("skipped"), counts[OUTCOME_SKIPPED], out);
    add_time(report->ms, out);
    if (report->date.n > 0) {
        attribute(SPAN("timestamp"), buf_span(&report->date), out);
    }
    text_append(out, ">\n");
    for (size_t i = 0; i < report->n; i++) {
        add_case(report, &report->cases[i], rules, out);
    }
    text_append(out, "  </testsuite>\n</testsuites>\n");
}
