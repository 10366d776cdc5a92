/* SPDX-License-Identifier: MIT */
/* Groups unsupported cases by their reason. Must not know: the other parts of a report. */
#include "conform/report_unsupported.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/text.h"

#define LINE_WIDTH 120 /* bytes of a line about a set of flags */
#define SETS_MAX 5     /* sets of flags that have a line */

/* All cases that are unsupported for the same reason. */
struct lack {
    struct span why; /* one line */
    bool flags;      /* the server lacks flags */
    size_t first;    /* the place of the first case */
    size_t n;        /* cases */
};

struct lacks {
    struct lack *list;
    size_t n;
    size_t sets;  /* how many of them are sets of flags */
    size_t cases; /* the cases of these sets */
};

static bool begins(struct span text, struct span with)
{
    return text.n >= with.n && span_equal(span_first(text, with.n), with);
}

static struct span first_line(const struct report_case *c)
{
    struct span why = buf_span(&c->why);
    const uint8_t *end = why.n == 0 ? NULL : memchr(why.p, '\n', why.n);
    return end == NULL ? why : span_first(why, (size_t)(end - why.p));
}

static void count_case(struct lacks *lacks, const struct report *report, size_t place)
{
    struct span why = first_line(&report->cases[place]);
    size_t i = 0;
    while (i < lacks->n && !span_equal(lacks->list[i].why, why)) {
        i++;
    }
    if (i == lacks->n) {
        bool flags = begins(why, SPAN(REPORT_LACKS_FLAGS));
        lacks->list = alloc_resize(lacks->list, (lacks->n + 1) * sizeof *lacks->list);
        lacks->list[lacks->n++] = (struct lack){.why = why, .flags = flags, .first = place};
        lacks->sets += flags;
    }
    lacks->list[i].n++;
    lacks->cases += lacks->list[i].flags;
}

/* Sets of flags come last, those with the most cases before the others. */
static int by_kind(const void *a, const void *b)
{
    const struct lack *x = a;
    const struct lack *y = b;
    int order = x->flags - y->flags;
    if (order == 0 && x->flags) {
        order = (y->n > x->n) - (y->n < x->n);
    }
    return order != 0 ? order : (x->first > y->first) - (x->first < y->first);
}

static void add_head(size_t n, struct buf *out)
{
    text_append(out, "unsupported  ");
    text_append_decimal(out, (int64_t)n);
    buf_append(out, n == 1 ? SPAN(" case: ") : SPAN(" cases: "));
}

/* Appends the line of a set of flags, cut if it is long. */
static void add_set(const struct report *report, const struct lack *lack, struct buf *out)
{
    struct buf line = {0};
    add_head(lack->n, &line);
    text_append(&line, "the server needs ");
    buf_append(&line, report->cases[lack->first].flags);
    bool fits = line.n <= LINE_WIDTH;
    buf_append(out, span_first(buf_span(&line), fits ? line.n : LINE_WIDTH - 4));
    buf_append(out, fits ? SPAN("\n") : SPAN(" ...\n"));
    buf_free(&line);
}

static void add_more(size_t sets, size_t cases, struct buf *out)
{
    add_head(cases, out);
    text_append(out, "and ");
    text_append_decimal(out, (int64_t)sets);
    buf_append(out, sets == 1 ? SPAN(" more flag set") : SPAN(" more flag sets"));
    text_append(out, " (--list-flags lists them all)\n");
}

static void add_hint(const struct report *report, struct buf *out)
{
    if (report->server == SERVER_NSQLOOKUPD) {
        text_append(out,
                    "To play these cases too, let nsq-conform start the server. For nsqlookupd:\n"
                    "    --spawn-lookup 'nsqlookupd --tcp-address=127.0.0.1:{port} "
                    "--http-address=127.0.0.1:{http-port} {flags}'\n"
                    "If the server at --lookup-target has one of these sets already, name it "
                    "with --flags-given.\n");
        return;
    }
    text_append(out, "To play these cases too, let nsq-conform start the server. For nsqd:\n"
                     "    --spawn 'nsqd --tcp-address=127.0.0.1:{port} "
                     "--http-address=127.0.0.1:{http-port} "
                     "--https-address=127.0.0.1:{https-port} --data-path={dir} {flags}'\n"
                     "If the server at --target has one of these sets already, name it with "
                     "--flags-given.\n");
}

static void add_lacks(const struct report *report, const struct lacks *lacks, struct buf *out)
{
    size_t shown = 0;
    size_t left = lacks->cases;
    for (size_t i = 0; i < lacks->n && shown < SETS_MAX; i++) {
        const struct lack *lack = &lacks->list[i];
        if (lack->flags) {
            add_set(report, lack, out);
            shown++;
            left -= lack->n;
        } else {
            add_head(lack->n, out);
            buf_append(out, lack->why);
            text_append(out, "\n");
        }
    }
    if (shown < lacks->sets) {
        add_more(lacks->sets - shown, left, out);
    }
    if (shown > 0) {
        add_hint(report, out);
    }
}

void report_unsupported(const struct report *report, struct buf *out)
{
    struct lacks lacks = {0};
    for (size_t i = 0; i < report->n; i++) {
        if (report->cases[i].verdict == VERDICT_UNSUPPORTED) {
            count_case(&lacks, report, i);
        }
    }
    if (lacks.n > 0) {
        qsort(lacks.list, lacks.n, sizeof *lacks.list, by_kind);
        add_lacks(report, &lacks, out);
    }
    alloc_free(lacks.list);
}

void report_unsupported_judged(const struct report *report, const struct report_rules *rules,
                               struct buf *out)
{
    size_t n = 0;
    for (size_t i = 0; i < report->n; i++) {
        const struct report_case *c = &report->cases[i];
        if (c->verdict == VERDICT_UNREACHABLE || report_failed(rules, c)) {
            return;
        }
        n += !report_good(rules, c);
    }
    if (n > 0) {
        text_append(out, "No case failed. The exit code is 1 only because ");
        text_append_decimal(out, (int64_t)n);
        buf_append(out, n == 1 ? SPAN(" case is") : SPAN(" cases are"));
        text_append(out, " unsupported; --allow-unsupported accepts that.\n");
    }
}
