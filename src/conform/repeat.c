/* SPDX-License-Identifier: MIT */
/* Compares the verdicts of repetitions. Must not know: why verdicts differ. */
#include "conform/repeat.h"

#include "base/alloc.h"
#include "base/text.h"

void repeat_init(struct repeat *repeat, size_t n)
{
    *repeat = (struct repeat){.n = n};
    repeat->cases = alloc_zeroed((n + 1) * sizeof *repeat->cases);
}

static void free_result(struct report_case *c)
{
    buf_free(&c->exchange);
    buf_free(&c->why);
    buf_free(&c->unmatched);
}

void repeat_free(struct repeat *repeat)
{
    for (size_t i = 0; i < repeat->n; i++) {
        free_result(&repeat->cases[i].shown);
        buf_free(&repeat->cases[i].verdicts);
    }
    alloc_free(repeat->cases);
    *repeat = (struct repeat){0};
}

/* Moves the result of a play, and leaves what is always the same: the texts of the case. */
static void move_result(struct report_case *from, struct report_case *to)
{
    to->verdict = from->verdict;
    to->line = from->line;
    to->ms = from->ms;
    to->exchange = from->exchange;
    to->why = from->why;
    to->unmatched = from->unmatched;
    from->verdict = VERDICT_UNREACHABLE;
    from->line = 0;
    from->exchange = from->why = from->unmatched = (struct buf){0};
}

static void add_one(struct repeat_case *r, struct report_case *c)
{
    const char *name = verdict_name(c->verdict);
    buf_append(&r->verdicts, r->any ? SPAN(", ") : SPAN(""));
    buf_append(&r->verdicts, span_make(name, strlen(name)));
    r->changed = r->changed || (r->any && c->verdict != r->shown.verdict);
    if (!r->any || (r->shown.verdict == VERDICT_PASS && c->verdict != VERDICT_PASS)) {
        free_result(&r->shown);
        move_result(c, &r->shown);
    }
    r->any = true;
}

void repeat_add(struct repeat *repeat, struct report *report, const bool *has_result)
{
    for (size_t i = 0; i < repeat->n; i++) {
        struct report_case *c = &report->cases[i];
        struct report_case dropped = {.verdict = VERDICT_PASS};
        if (has_result == NULL || has_result[i]) {
            add_one(&repeat->cases[i], c);
        }
        move_result(c, &dropped);
        free_result(&dropped);
    }
}

void repeat_finish(struct repeat *repeat, struct report *report, bool *has_result)
{
    for (size_t i = 0; i < repeat->n; i++) {
        struct repeat_case *r = &repeat->cases[i];
        struct report_case *c = &report->cases[i];
        has_result[i] = r->any;
        move_result(&r->shown, c);
        if (r->changed) {
            struct buf why = c->why;
            c->why = (struct buf){0};
            c->verdict = VERDICT_FLAKY;
            text_append(&c->why, "verdicts: ");
            buf_append(&c->why, buf_span(&r->verdicts));
            text_append(&c->why, "\n");
            buf_append(&c->why, buf_span(&why));
            buf_free(&why);
        }
    }
}
