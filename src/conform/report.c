/* SPDX-License-Identifier: MIT */
/* The functions that all formats of a report share. Must not know: any single format. */
#include "conform/report.h"

#include <yajl/yajl_tree.h>

#include "base/alloc.h"
#include "base/text.h"
#include "conform/command_line.h"

void report_init(struct report *report, struct span target, size_t cases)
{
    *report = (struct report){.target = target, .ms = -1, .n = cases};
    report->cases = alloc_zeroed((cases + 1) * sizeof *report->cases);
    for (size_t i = 0; i < cases; i++) {
        report->cases[i].ms = -1;
    }
}

static void case_free(struct report_case *c)
{
    buf_free(&c->rules);
    buf_free(&c->exchange);
    buf_free(&c->why);
    buf_free(&c->unmatched);
}

void report_drop_cases(struct report *report)
{
    for (size_t i = 0; i < report->n; i++) {
        case_free(&report->cases[i]);
    }
    report->n = 0;
}

void report_free(struct report *report)
{
    report_drop_cases(report);
    alloc_free(report->cases);
    buf_free(&report->target_version);
    buf_free(&report->suite);
    buf_free(&report->date);
    buf_free(&report->command);
    buf_free(&report->again);
    yajl_tree_free(report->memory);
    *report = (struct report){0};
}

void report_count(const struct report *report, size_t counts[VERDICT_COUNT])
{
    memset(counts, 0, VERDICT_COUNT * sizeof *counts);
    for (size_t i = 0; i < report->n; i++) {
        counts[report->cases[i].verdict]++;
    }
}

bool report_good(const struct report_rules *rules, const struct report_case *c)
{
    switch (c->verdict) {
    case VERDICT_PASS:
    case VERDICT_XFAIL:
        return true;
    case VERDICT_NON_STRICT:
        return !rules->strict;
    case VERDICT_UNSUPPORTED:
        return rules->allow_unsupported;
    case VERDICT_FLAKY:
        return !span_equal(c->level, SPAN("MUST"));
    default:
        return false;
    }
}

bool report_failed(const struct report_rules *rules, const struct report_case *c)
{
    return !report_good(rules, c) && c->verdict != VERDICT_UNSUPPORTED;
}

struct span report_area(struct span id)
{
    const uint8_t *slash = id.n == 0 ? NULL : memchr(id.p, '/', id.n);
    return slash == NULL ? id : span_first(id, (size_t)(slash - id.p));
}

unsigned report_level(const struct report_case *c)
{
    unsigned level = 0;
    while (level < LEVEL_COUNT &&
           !span_equal(c->level, transcript_level_name((enum transcript_level)level))) {
        level++;
    }
    return level;
}

void report_again(const struct report *report, const struct report_case *c, struct buf *out)
{
    static const struct span by_id = SPAN_LITERAL(" --only");
    struct span start = buf_span(&report->again);
    if (c->path.n == 0) { /* a finding about the server, which no single case repeats */
        buf_append(out, report->command.n > 0 ? buf_span(&report->command) : start);
        return;
    }
    bool ends = start.n >= by_id.n && span_equal(span_skip(start, start.n - by_id.n), by_id);
    buf_append(out, start);
    text_append(out, " ");
    command_line_word(ends ? c->id : c->path, out);
}

void report_place(const struct report_case *c, struct buf *out)
{
    buf_append(out, c->path);
    if (c->path.n > 0 && c->line > 0) {
        text_append(out, ":");
        text_append_decimal(out, c->line);
    }
}

void report_hex(struct span bytes, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.n; i++) {
        const char pair[] = {' ', digits[bytes.p[i] >> 4], digits[bytes.p[i] & 15]};
        buf_append(out, i == 0 ? span_make(pair + 1, 2) : span_make(pair, 3));
    }
}

void report_escape(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c == '&') {
            text_append(out, "&amp;");
        } else if (c == '<') {
            text_append(out, "&lt;");
        } else if (c == '>') {
            text_append(out, "&gt;");
        } else if (c == '"') {
            text_append(out, "&quot;");
        } else if ((c >= ' ' && c <= '~') || c == '\n' || c == '\t') {
            buf_append(out, span_make(&c, 1));
        } else {
            text_append(out, "?"); /* reports show printable ASCII only */
        }
    }
}
