/* SPDX-License-Identifier: MIT */
/* Tests of conform/report_cause.h. */
#include "conform/report_cause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef void writer(const struct report_case *, struct buf *);

static void assert_text(writer *write, const char *why, const char *wanted)
{
    struct report_case c = {.id = SPAN_LITERAL("a/b")};
    struct buf out = {0};
    buf_append(&c.why, span_make(why, strlen(why)));
    write(&c, &out);
    buf_append(&out, span_make("", 1));
    assert_string_equal((const char *)buf_span(&out).p, wanted);
    buf_free(&out);
    buf_free(&c.why);
}

#define ANY                                                                                        \
    "expected: any {\n    c < response \"OK\"\n    d < message $m attempts 1 body \"x\"\n}\n"      \
    "received: no frame within 8 s for these steps:\n    d < message $m attempts 1 body \"x\"\n"   \
    "          c < nothing\n          d < nothing\n"
#define MANY                                                                                       \
    "expected: any 20 $i {\n    c < message $m$i attempts 1 body \"x\"\n}\n"                       \
    "received: no frame within 8 s for these steps:\n    c < message $m1 attempts 1 body \"x\"\n"  \
    "    c < message $m2 attempts 1 body \"x\"\n          and 18 more\n"                           \
    "          c < message 0123456789abcdef attempts 2 body \"y\"\n          d < nothing\n"        \
    "          e < message 0123456789abcdee attempts 2 body \"y\"\n          f < response "        \
    "\"OK\"\n"
#define JSON                                                                                       \
    "expected: c < response {\"a\":1,\"b\":2}\nreceived: response \"{..}\"\na: expected 1, came "  \
    "3\n"                                                                                          \
    "b: expected 2, came 4\n"

static void a_brief_is_one_line(void **state)
{
    (void)state;
    assert_text(report_brief, "", "");
    assert_text(report_brief, "the target has no tls\nmore\n", "the target has no tls");
    assert_text(report_brief, "expected: c < response \"OK\" within 50ms\nreceived: nothing\n",
                "expected c < response \"OK\" within 50ms, came nothing");
    assert_text(report_brief, JSON, "a: expected 1, came 3; b: expected 2, came 4");
    assert_text(report_brief, ANY,
                "expected d < message $m attempts 1 body \"x\", came c < nothing; d < nothing");
}

static void a_cause_has_nothing_that_is_different_in_each_case(void **state)
{
    (void)state;
    assert_text(report_cause,
                "expected: c < response \"OK\" after 5ms within 50ms\nreceived: nothing\n",
                "expected response \"OK\", came nothing");
    assert_text(report_cause,
                "expected: c < message $m (00ab) attempts 3 body \"x\" after 950ms (not earlier)\n"
                "received: nothing within 8 s\n",
                "expected message attempts 3, came nothing");
    assert_text(report_cause,
                "expected: c < response \"OK\" after 5ms (not earlier) within 50ms\n"
                "received: nothing; the connection is not closed within 1.2 s\n",
                "expected response \"OK\", came nothing; the connection is not closed");
    assert_text(report_cause, "expected: c1 < end fin within 50ms\nreceived: RST\n",
                "expected end fin, came RST");
    assert_text(report_cause,
                "expected: d < message $m attempts 2 at $t body \"x after 5ms\" after 9ms\n"
                "received: message 0123456789abcdef attempts 1 body \"y\"\n",
                "expected message attempts 2, came message attempts 1");
    assert_text(report_cause,
                "expected: c < error E_BAD_TOPIC \"a after 5ms\"\n"
                "received: error \"E_INVALID x < y\"\n",
                "expected error E_BAD_TOPIC, came error E_INVALID");
    assert_text(report_cause,
                "expected: c < response \"a < b\"\nreceived: response \"a after b\"\n",
                "expected response \"a < b\", came response \"a after b\"");
    assert_text(report_cause,
                "expected: c < response \"OK\" after 9ms\n"
                "received: the same, but too early: after 3ms\n",
                "expected response \"OK\", came the same, but too early:");
    assert_text(report_cause, ANY, "expected message attempts 1, came nothing");
    assert_text(report_cause, ANY "          p < error \"E_INVALID x\"\n          q < nothing\n",
                "expected message attempts 1, came error E_INVALID");
    assert_text(report_cause, MANY,
                "expected message attempts 1, came message attempts 2; response \"OK\"");
    assert_text(report_cause, JSON, "a: expected 1, came 3; b: expected 2, came 4");
}

static void failures_of_the_same_cause_are_one_group(void **state)
{
    (void)state;
    static const struct {
        const char *level;
        enum verdict verdict;
        const char *why;
    } cases[] = {
        {"SHOULD", VERDICT_FAIL, "expected: c < end\nreceived: nothing\n"},
        {"MUST", VERDICT_PASS, ""},
        {"SHOULD", VERDICT_FAIL, "expected: c < response \"OK\"\nreceived: nothing\n"},
        {"MUST", VERDICT_FAIL, "expected: d < response \"OK\"\nreceived: nothing\n"},
        {"QUIRK", VERDICT_UNSUPPORTED, "no tls\n"},
        {"SHOULD", VERDICT_XPASS, "expected: c < end\nreceived: nothing\n"},
        {"SHOULD", VERDICT_FAIL, "expected: x < end\nreceived: nothing\n"},
    };
    static const size_t n = sizeof cases / sizeof cases[0];
    const struct report_rules rules = {.strict = false};
    struct report r;
    struct cause_groups groups;
    report_init(&r, SPAN("t"), n);
    for (size_t i = 0; i < n; i++) {
        r.cases[i].level = span_make(cases[i].level, strlen(cases[i].level));
        r.cases[i].verdict = cases[i].verdict;
        buf_append(&r.cases[i].why, span_make(cases[i].why, strlen(cases[i].why)));
    }
    cause_groups_make(&groups, &r, &rules, report_failed);
    assert_int_equal(groups.n, 3);
    assert_int_equal(groups.groups[0].n, 2);
    assert_int_equal(groups.groups[0].cases[0], 3); /* MUST before SHOULD */
    assert_int_equal(groups.groups[0].cases[1], 2);
    assert_int_equal(groups.groups[1].n, 2);
    assert_int_equal(groups.groups[1].cases[0], 0);
    assert_int_equal(groups.groups[2].verdict, VERDICT_XPASS);
    cause_groups_free(&groups);
    report_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_brief_is_one_line),
        cmocka_unit_test(a_cause_has_nothing_that_is_different_in_each_case),
        cmocka_unit_test(failures_of_the_same_cause_are_one_group),
    };
    return cmocka_run_group_tests_name("report_cause", tests, NULL, NULL);
}
