/* SPDX-License-Identifier: MIT */
/* Reads the lines that player_exchange.c, player_any.c and json_subset.c write about a failure.
 * Must not know: how cases are played, and the forms of a report. */
#include "conform/report_cause.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/text.h"

/* An explanation, taken apart. The parts of a text are separated by "; ". */
struct parts {
    struct buf expected;
    struct buf came;
    struct buf members; /* of JSON, those that differ */
    bool reduced;       /* without what is different in each case */
    bool steps;         /* lines of steps and frames follow: no frame has come for these steps */
};

/* --- words ------------------------------------------------------------------------------------ */

static bool begins(struct span line, struct span with)
{
    return line.n >= with.n && span_equal(span_first(line, with.n), with);
}

static bool ends(struct span text, struct span with)
{
    return text.n >= with.n && span_equal(span_skip(text, text.n - with.n), with);
}

static struct span next_line(struct span *lines)
{
    const uint8_t *end = lines->n == 0 ? NULL : memchr(lines->p, '\n', lines->n);
    size_t n = end == NULL ? lines->n : (size_t)(end - lines->p);
    struct span line = span_first(*lines, n);
    *lines = span_skip(*lines, end == NULL ? n : n + 1);
    return line;
}

static struct span trim(struct span line)
{
    while (line.n > 0 && line.p[0] == ' ') {
        line = span_skip(line, 1);
    }
    return line;
}

/* Returns the place of a text in another one, or its length if it is not there. */
static size_t place_of(struct span in, struct span text)
{
    for (size_t i = 0; i + text.n <= in.n; i++) {
        if (begins(span_skip(in, i), text)) {
            return i;
        }
    }
    return in.n;
}

/* "c < response" becomes "response". */
static struct span without_actor(struct span step)
{
    size_t i = place_of(step, SPAN(" < "));
    bool name = i < step.n && i > 0;
    for (size_t k = 0; k < i && name; k++) {
        name = step.p[k] != ' ' && step.p[k] != '"';
    }
    return name ? span_skip(step, i + 3) : step;
}

/* "response "OK" after 5ms (not earlier) within 9 s" becomes "response "OK"". */
static struct span without_times(struct span step)
{
    static const struct span words[] = {SPAN_LITERAL(" within "), SPAN_LITERAL(" after ")};
    static const struct span meaning = SPAN_LITERAL(" (not earlier)");
    for (size_t w = 0; w < 2; w++) {
        step = ends(step, meaning) ? span_first(step, step.n - meaning.n) : step;
        if (step.n == 0 || step.p[step.n - 1] != 's') {
            break;
        }
        for (size_t i = step.n; i-- > 0;) {
            if (begins(span_skip(step, i), words[w])) {
                step = span_first(step, i);
                break;
            }
            if (step.p[i] == '"') {
                break;
            }
        }
    }
    return step;
}

/* Of a message only the number of attempts is kept, and of an error only its code. */
static void add_reduced(struct span step, struct buf *out)
{
    step = without_times(without_actor(step));
    size_t attempts = place_of(step, SPAN(" attempts "));
    if (begins(step, SPAN("message ")) && attempts < step.n) {
        struct span rest = span_skip(step, attempts + 1);
        size_t end = place_of(rest, SPAN(" at $"));
        size_t body = place_of(rest, SPAN(" body "));
        text_append(out, "message ");
        buf_append(out, span_first(rest, end < body ? end : body));
    } else if (begins(step, SPAN("error "))) {
        struct span code = span_skip(step, sizeof "error " - 1);
        code = code.n > 0 && code.p[0] == '"' ? span_skip(code, 1) : code;
        size_t end = 0;
        while (end < code.n && code.p[end] != ' ' && code.p[end] != '"') {
            end++;
        }
        text_append(out, "error ");
        buf_append(out, span_first(code, end));
    } else {
        buf_append(out, step);
    }
}

/* "and 492 more": how many further steps or connections player_any.c has not shown. */
static bool is_rest(struct span text)
{
    return begins(text, SPAN("and ")) && ends(text, SPAN(" more"));
}

/* Adds a part without what is different in each case, unless it says nothing new: the same part
 * again, or another connection on which nothing came. */
static void add_reduced_part(struct buf *part, struct span text)
{
    struct buf reduced = {0};
    struct span nothing = SPAN("nothing");
    add_reduced(text, &reduced);
    struct span new = buf_span(&reduced);
    if (part->n > 0 && span_equal(buf_span(part), nothing)) {
        buf_drop(part, part->n);
    }
    bool same = part->n > 0 && (span_equal(new, nothing) || ends(buf_span(part), new));
    if (!same && !is_rest(new)) {
        buf_append(part, part->n > 0 ? SPAN("; ") : SPAN(""));
        buf_append(part, new);
    }
    buf_free(&reduced);
}

static void add_part(struct parts *parts, struct buf *part, struct span text)
{
    if (parts->reduced) {
        add_reduced_part(part, text);
        return;
    }
    buf_append(part, part->n > 0 ? SPAN("; ") : SPAN(""));
    buf_append(part, text);
}

/* --- lines ------------------------------------------------------------------------------------ */

static void take_line(struct parts *parts, struct span line)
{
    static const struct span expected = SPAN_LITERAL("expected: ");
    static const struct span received = SPAN_LITERAL("received: ");
    static const struct span frame = SPAN_LITERAL("          ");
    if (begins(line, expected)) {
        add_part(parts, &parts->expected, span_skip(line, expected.n));
    } else if (begins(line, SPAN("received: no frame ")) && ends(line, SPAN(" for these steps:"))) {
        parts->steps = true;
        buf_drop(&parts->expected, parts->expected.n);
    } else if (begins(line, received)) {
        add_part(parts, &parts->came, span_skip(line, received.n));
    } else if (parts->steps && begins(line, frame)) {
        add_part(parts, &parts->came, trim(line));
    } else if (parts->steps && begins(line, SPAN("    "))) {
        add_part(parts, &parts->expected, trim(line));
    } else if (parts->came.n > 0 || parts->steps) {
        buf_append(&parts->members, parts->members.n > 0 ? SPAN("; ") : SPAN(""));
        buf_append(&parts->members, line);
    }
}

static void explain(const struct report_case *c, bool reduced, struct buf *out)
{
    struct parts parts = {.reduced = reduced};
    struct span lines = buf_span(&c->why);
    struct span first = lines;
    first = next_line(&first);
    while (lines.n > 0) {
        take_line(&parts, next_line(&lines));
    }
    if (parts.expected.n == 0 && !parts.steps) {
        buf_append(out, first);
    } else if (parts.members.n > 0) {
        buf_append(out, buf_span(&parts.members));
    } else {
        text_append(out, "expected ");
        buf_append(out, buf_span(&parts.expected));
        text_append(out, ", came ");
        buf_append(out, buf_span(&parts.came));
    }
    buf_free(&parts.expected);
    buf_free(&parts.came);
    buf_free(&parts.members);
}

void report_brief(const struct report_case *c, struct buf *out)
{
    explain(c, false, out);
}

void report_cause(const struct report_case *c, struct buf *out)
{
    explain(c, true, out);
}

/* --- groups ----------------------------------------------------------------------------------- */

static struct cause_group *group_of(struct cause_groups *groups, const struct report_case *c)
{
    struct buf cause = {0};
    report_cause(c, &cause);
    for (size_t i = 0; i < groups->n; i++) {
        struct cause_group *g = &groups->groups[i];
        if (g->verdict == c->verdict && span_equal(buf_span(&g->cause), buf_span(&cause))) {
            buf_free(&cause);
            return g;
        }
    }
    groups->groups = alloc_resize(groups->groups, (groups->n + 1) * sizeof *groups->groups);
    groups->groups[groups->n] = (struct cause_group){.cause = cause, .verdict = c->verdict};
    return &groups->groups[groups->n++];
}

/* Inserts the place of a case behind those of the same level and the levels before. */
static void add_case(struct cause_group *g, const struct report *report, size_t place)
{
    size_t i = g->n;
    g->cases = alloc_resize(g->cases, (g->n + 1) * sizeof *g->cases);
    while (i > 0 &&
           report_level(&report->cases[g->cases[i - 1]]) > report_level(&report->cases[place])) {
        g->cases[i] = g->cases[i - 1];
        i--;
    }
    g->cases[i] = place;
    g->n++;
}

static bool comes_before(const struct report *report, const struct cause_group *a,
                         const struct cause_group *b)
{
    unsigned x = report_level(&report->cases[a->cases[0]]);
    unsigned y = report_level(&report->cases[b->cases[0]]);
    return x != y ? x < y : a->n > b->n;
}

static void sort(struct cause_groups *groups, const struct report *report)
{
    for (size_t i = 1; i < groups->n; i++) {
        struct cause_group g = groups->groups[i];
        size_t k = i;
        while (k > 0 && comes_before(report, &g, &groups->groups[k - 1])) {
            groups->groups[k] = groups->groups[k - 1];
            k--;
        }
        groups->groups[k] = g;
    }
}

void cause_groups_make(struct cause_groups *groups, const struct report *report,
                       const struct report_rules *rules, cause_filter *wanted)
{
    *groups = (struct cause_groups){.n = 0};
    for (size_t i = 0; i < report->n; i++) {
        if (wanted(rules, &report->cases[i])) {
            add_case(group_of(groups, &report->cases[i]), report, i);
        }
    }
    sort(groups, report);
}

void cause_groups_free(struct cause_groups *groups)
{
    for (size_t i = 0; i < groups->n; i++) {
        buf_free(&groups->groups[i].cause);
        alloc_free(groups->groups[i].cases);
    }
    alloc_free(groups->groups);
    *groups = (struct cause_groups){.n = 0};
}
