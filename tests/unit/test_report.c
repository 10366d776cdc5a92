/* SPDX-License-Identifier: MIT */
/* Tests of conform/report.h: each form of a report with one case of each verdict. */
#include "conform/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

static const struct report_rules lax = {.strict = false, .allow_unsupported = true};
static const struct report_rules hard = {.strict = true, .allow_unsupported = false};

static void fill(struct report *r)
{
    static const struct span ids[] = {
        SPAN_LITERAL("a/1"), SPAN_LITERAL("a/2"), SPAN_LITERAL("a/3"),
        SPAN_LITERAL("b/4"), SPAN_LITERAL("b/5"), SPAN_LITERAL("b/6"),
        SPAN_LITERAL("b/7"), SPAN_LITERAL("b/8"), SPAN_LITERAL("b/9")};
    report_init(r, SPAN("a <target>"), VERDICT_COUNT);
    for (int v = 0; v < VERDICT_COUNT; v++) {
        struct report_case *c = &r->cases[v];
        c->id = ids[v];
        c->title = SPAN("R&D # \"quoted\"");
        c->level = SPAN("MUST");
        c->reqs = SPAN("R-1");
        c->path = SPAN("x/y.session");
        c->verdict = (enum verdict)v;
        c->line = (unsigned)v;
        text_append(&c->rules, "R-1: A rule.\n");
        text_append(&c->exchange, "c connect\nc > \"<&>\"\n");
        text_append(&c->why, "expected: x\nreceived: ]]>\n");
        report_hex(SPAN("\0\xff"), &c->unmatched);
    }
    r->cases[VERDICT_XFAIL].reason = SPAN("it is known");
    r->cases[VERDICT_FAIL].ms = 12034;
    r->cases[VERDICT_FAIL].effect = SPAN("a lost & \"found\" message");
    r->ms = 700;
    text_append(&r->suite, "1.2.3");
    text_append(&r->target_version, "9.8");
    text_append(&r->date, "2026-01-31T23:59:59Z");
    text_append(&r->command, "conform --json 'x y'");
    text_append(&r->again, "conform --only");
}

static const char *text_of(struct buf *out)
{
    buf_append(out, span_make("", 1));
    return (const char *)buf_span(out).p;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("'%s' is not in:\n%s", part, text);
    }
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        n++;
    }
    return n;
}

static void the_rules_decide_which_verdicts_are_failures(void **state)
{
    (void)state;
    static const bool in_lax[] = {true, false, true, true, true, false, false, false, false};
    static const bool in_hard[] = {true, false, false, false, true, false, false, false, false};
    struct report_case c = {.level = SPAN("MUST")};
    for (int v = 0; v < VERDICT_COUNT; v++) {
        c.verdict = (enum verdict)v;
        assert_int_equal(report_good(&lax, &c), in_lax[v]);
        assert_int_equal(report_good(&hard, &c), in_hard[v]);
    }
    c = (struct report_case){.level = SPAN("SHOULD"), .verdict = VERDICT_FLAKY};
    assert_true(report_good(&hard, &c));
    c.verdict = VERDICT_DIED;
    assert_false(report_good(&hard, &c));
}

static void tap_has_one_line_for_each_case(void **state)
{
    (void)state;
    struct report r;
    struct buf out = {0};
    fill(&r);
    report_tap(&r, &lax, &out);
    const char *text = text_of(&out);
    assert_has(text, "TAP version 13\n1..9\nok 1 - a/1: R&D \\# \"quoted\"\nnot ok 2 - a/2: ");
    assert_has(text, "ok 4 - b/4: R&D \\# \"quoted\" # SKIP unsupported\n");
    assert_has(text, "not ok 5 - b/5: R&D \\# \"quoted\" # TODO it is known\n");
    assert_has(text, "  came: |\n    00 ff\n  ...\n");
    assert_has(text, "  effect: |\n    a lost & \"found\" message\n  at: |\n    x/y.session:1\n"
                     "  again: |\n    conform --only a/2\n  transcript: |\n");
    buf_free(&out);
    report_tap(&r, &hard, &out);
    assert_int_equal(count(text_of(&out), "\nnot ok "), 8);
    buf_free(&out);
    report_free(&r);
}

static void junit_has_failures_errors_and_skipped(void **state)
{
    (void)state;
    struct report r;
    struct buf out = {0};
    fill(&r);
    report_junit(&r, &lax, &out);
    const char *text = text_of(&out);
    assert_has(text, "<testsuite name=\"a &lt;target&gt;\" tests=\"9\" failures=\"4\" errors=\"1\" "
                     "skipped=\"2\" time=\"0.700\" timestamp=\"2026-01-31T23:59:59Z\">");
    assert_has(text,
               "<testcase classname=\"a\" name=\"a/2\" file=\"x/y.session\" time=\"12.034\">\n"
               "      <failure message=\"MUST: expected x, came ]]&gt;\" type=\"fail\">");
    assert_has(text, "<skipped message=\"MUST: it is known\"/>");
    assert_has(text, "c &gt; &quot;&lt;&amp;&gt;&quot;\n");
    assert_has(text, ">R-1: A rule.\neffect: a lost &amp; &quot;found&quot; message\n"
                     "x/y.session:1\nc connect\n");
    assert_has(text, "received: ]]&gt;\nbytes:    00 ff\nagain:    conform --only a/2\n</failure>");
    assert_int_equal(count(text, "<failure "), 4);
    assert_int_equal(count(text, "<error "), 1);
    assert_int_equal(count(text, "<skipped "), 2);
    assert_int_equal(count(text, "<testcase "), count(text, "</testcase>") + 2);
    buf_free(&out);
    report_free(&r);
}

static void json_is_read_back(void **state)
{
    (void)state;
    struct report r;
    struct report again;
    struct buf first = {0};
    struct buf second = {0};
    struct buf why = {0};
    fill(&r);
    report_json(&r, &first);
    assert_true(report_read(&again, buf_span(&first), &why));
    report_json(&again, &second);
    assert_true(span_equal(buf_span(&first), buf_span(&second)));
    assert_int_equal(again.n, VERDICT_COUNT);
    assert_int_equal(again.cases[VERDICT_XPASS].verdict, VERDICT_XPASS);
    assert_int_equal(again.cases[VERDICT_FAIL].ms, 12034);
    assert_int_equal(again.cases[VERDICT_PASS].ms, -1);
    assert_int_equal(again.ms, 700);
    assert_true(span_equal(buf_span(&again.date), SPAN("2026-01-31T23:59:59Z")));
    report_free(&again);
    report_free(&r);
    buf_free(&first);
    buf_free(&second);
}

static void other_json_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"target\":\"x\"}",
        "{\"target\":\"x\",\"cases\":[{}]}",
        "{\"target\":1,\"cases\":[]}",
        "{\"target\":\"x\",\"cases\":[1]}",
        "{\"target\":\"x\",\"cases\":[{\"id\":\"a/b\",\"verdict\":\"great\"}]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct report r;
        struct buf why = {0};
        assert_false(report_read(&r, span_make(texts[i], strlen(texts[i])), &why));
        buf_free(&why);
    }
}

static void html_is_one_page_for_all_targets(void **state)
{
    (void)state;
    struct report r[2];
    struct buf out = {0};
    fill(&r[0]);
    fill(&r[1]);
    r[1].n = 3; /* the second target has fewer cases */
    report_html(r, 2, &lax, &out);
    const char *text = text_of(&out);
    assert_int_equal(count(text, "<tr class=case "), VERDICT_COUNT);
    assert_int_equal(count(text, "<tr class=area "), 2);
    assert_int_equal(count(text, ">not run</span>"), VERDICT_COUNT - 3);
    assert_has(text, "<th>a &lt;target&gt;</th>");
    assert_has(text, "R&amp;D # &quot;quoted&quot;");
    assert_has(text, "<tr class=part data-key=\"failures\">");
    assert_has(text, "<tr class=part data-key=\"others\">");
    assert_true(strstr(text, "id=\"a/2\"") < strstr(text, "data-key=\"others\""));
    assert_true(strstr(text, "id=\"a/1\"") > strstr(text, "data-key=\"others\""));
    assert_has(text, "<td class=text>9.8</td><td class=text>1.2.3</td><td class=text>"
                     "2026-01-31T23:59:59Z</td><td>0.7 s</td>");
    assert_has(text, "<code>conform --json 'x y'</code>");
    assert_has(text, "<td class=\"bad first\">2/3</td>");
    assert_has(text, "<option>b</option>");
    assert_has(text, "<input type=checkbox checked name=level value=\"MUST\">");
    assert_has(text, "<input type=checkbox checked name=verdict value=\"fail\">");
    assert_has(text, "<div class=brief>a &lt;target&gt;: expected x, came ]]&gt;</div>");
    assert_null(strstr(text, "src="));
    assert_null(strstr(text, "http:"));
    buf_free(&out);
    r[1].n = VERDICT_COUNT;
    report_free(&r[0]);
    report_free(&r[1]);
}

static void a_terminal_shows_the_cases_that_did_not_pass(void **state)
{
    (void)state;
    struct report r;
    struct buf out = {0};
    fill(&r);
    report_text(&r, &lax, &out);
    const char *text = text_of(&out);
    assert_has(text, "fail  a/2  (MUST) R&D # \"quoted\"\n    R-1: A rule.\n"
                     "    effect: a lost & \"found\" message\n    x/y.session:1\n"
                     "    c connect\n");
    assert_has(text, "    bytes:    00 ff\n    again:    conform --only a/2\n");
    assert_has(text,
               "a <target>: 9 cases: 1 pass 1 fail 1 non-strict 1 unsupported 1 xfail 1 xpass "
               "1 unreachable 1 died 1 flaky\n");
    assert_null(strstr(text, "b/5"));
    buf_free(&out);
    report_free(&r);
}

static void a_case_that_was_given_by_its_path_is_repeated_by_its_path(void **state)
{
    (void)state;
    struct report r;
    struct buf out = {0};
    fill(&r);
    buf_free(&r.again);
    text_append(&r.again, "conform --strict");
    r.cases[VERDICT_FAIL].path = SPAN("x y.session");
    report_again(&r, &r.cases[VERDICT_FAIL], &out);
    assert_string_equal(text_of(&out), "conform --strict 'x y.session'");
    buf_free(&out);
    report_free(&r);
}

static void failures_come_first_and_share_their_cause(void **state)
{
    (void)state;
    struct report r;
    struct buf out = {0};
    fill(&r);
    r.cases[VERDICT_PASS].verdict = VERDICT_NON_STRICT;
    r.cases[VERDICT_XPASS].verdict = VERDICT_FAIL;
    report_text(&r, &lax, &out);
    const char *text = text_of(&out);
    assert_int_equal(strncmp(text, "fail  a/2  (MUST) ", 18), 0);
    assert_has(text, "    the same in 1 more case: expected x, came ]]>\n        b/6\n\n");
    assert_has(text, "5 failures, 4 causes\n\nnon-strict  a/1  (MUST)");
    assert_has(text, "    received: ]]>\n    the same in 1 more case: expected x, came ]]>\n"
                     "        a/3\n\nunsupported  1 case: expected: x\n\npassed");
    assert_has(text,
               "unsupported  1 case: expected: x\n\npassed/played cases by area and level:\n"
               "area   MUST   unsupported\na      2/3    0\nb      0/5    1\nall    2/8    1\n\n"
               "a <target>: 9 cases:");
    buf_free(&out);
    report_free(&r);
}

static void unsupported_cases_share_one_line(void **state)
{
    (void)state;
    struct report r;
    struct buf out = {0};
    fill(&r);
    for (int i = 0; i < 3; i++) {
        r.cases[i].verdict = VERDICT_UNSUPPORTED;
        r.cases[i].why.n = 0;
        buf_append(&r.cases[i].why, i == 1 ? SPAN("no tls\n") : SPAN("no --a=1\nas it said\n"));
    }
    report_text(&r, &lax, &out);
    const char *text = text_of(&out);
    assert_has(text, "unsupported  2 cases: no --a=1\nunsupported  1 case: no tls\n");
    assert_null(strstr(text, "unsupported  a/"));
    buf_free(&out);
    report_free(&r);
}

/* Makes all cases unsupported, each for a set of flags of its own; the first two have the same. */
static void lack_flags(struct report *r, char flags[][200])
{
    fill(r);
    for (size_t i = 0; i < r->n; i++) {
        struct report_case *c = &r->cases[i];
        c->verdict = VERDICT_UNSUPPORTED;
        c->flags = span_make(flags[i], strlen(flags[i]));
        c->why.n = 0;
        text_append(&c->why, REPORT_LACKS_FLAGS);
        buf_append(&c->why, c->flags);
        text_append(&c->why, "; --spawn does that\n");
    }
}

static void sets_of_flags_that_a_server_lacks_are_a_few_short_lines(void **state)
{
    (void)state;
    static char flags[VERDICT_COUNT][200];
    struct report r;
    struct buf out = {0};
    for (int i = 0; i < VERDICT_COUNT; i++) {
        snprintf(flags[i], sizeof flags[i], "--x=%d", i < 2 ? 1 : i);
    }
    memset(flags[2], 'y', 150);
    lack_flags(&r, flags);
    r.cases[8].why.n = 0;
    text_append(&r.cases[8].why, "no tls\n");
    report_text(&r, &lax, &out);
    const char *text = text_of(&out);
    assert_int_equal(strncmp(text,
                             "unsupported  1 case: no tls\nunsupported  2 cases: the server needs "
                             "--x=1\nunsupported  1 case: the server needs yyyy",
                             109),
                     0);
    assert_has(text, "y ...\nunsupported  1 case: the server needs --x=3\n");
    assert_has(text,
               "--x=5\nunsupported  2 cases: and 2 more flag sets (--list-flags lists them all)\n"
               "To play these");
    assert_int_equal(count(text, "--spawn 'nsqd "), 1);
    assert_null(strstr(text, "exit code"));
    buf_free(&out);
    r.server = SERVER_NSQLOOKUPD;
    report_text(&r, &lax, &out);
    assert_int_equal(count(text_of(&out), "--spawn-lookup 'nsqlookupd "), 1);
    assert_null(strstr(text_of(&out), "--spawn 'nsqd "));
    buf_free(&out);
    r.server = SERVER_NSQD;
    report_text(&r, &hard, &out);
    assert_has(text_of(&out),
               "\n\nNo case failed. The exit code is 1 only because 9 cases are "
               "unsupported; --allow-unsupported accepts that.\na <target>: 9 cases: "
               "9 unsupported\n");
    buf_free(&out);
    r.cases[0].verdict = VERDICT_FAIL;
    report_text(&r, &hard, &out);
    assert_null(strstr(text_of(&out), "exit code"));
    buf_free(&out);
    report_free(&r);
}

static void bytes_that_are_not_printable_are_replaced(void **state)
{
    (void)state;
    struct buf out = {0};
    report_escape(SPAN("a\0\x1b\xff\n"), &out);
    assert_true(span_equal(buf_span(&out), SPAN("a\?\?\?\n")));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rules_decide_which_verdicts_are_failures),
        cmocka_unit_test(tap_has_one_line_for_each_case),
        cmocka_unit_test(junit_has_failures_errors_and_skipped),
        cmocka_unit_test(json_is_read_back),
        cmocka_unit_test(other_json_is_refused),
        cmocka_unit_test(html_is_one_page_for_all_targets),
        cmocka_unit_test(a_terminal_shows_the_cases_that_did_not_pass),
        cmocka_unit_test(a_case_that_was_given_by_its_path_is_repeated_by_its_path),
        cmocka_unit_test(failures_come_first_and_share_their_cause),
        cmocka_unit_test(unsupported_cases_share_one_line),
        cmocka_unit_test(sets_of_flags_that_a_server_lacks_are_a_few_short_lines),
        cmocka_unit_test(bytes_that_are_not_printable_are_replaced),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
