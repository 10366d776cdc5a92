/* SPDX-License-Identifier: MIT */
/* The functions that all formats of a report share. Must not know: any single format. */
#include "conform/report.h"

#include <yajl/yajl_tree.h>

#include "base/alloc.h"
#include "base/text.h"

void report_init(struct report *report, struct span target, size_t cases)
{
    *report = (struct report){.target = target, .n = cases};
    report->cases = alloc_zeroed((cases + 1) * sizeof *report->cases);
}

void report_free(struct report *report)
{
    for (size_t i = 0; i < report->n; i++) {
        buf_free(&report->cases[i].rules);
        buf_free(&report->cases[i].exchange);
        buf_free(&report->cases[i].why);
        buf_free(&report->cases[i].unmatched);
    }
    alloc_free(report->cases);
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
