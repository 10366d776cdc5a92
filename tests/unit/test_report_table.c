/* SPDX-License-Identifier: MIT */
/* Tests of conform/report_table.h. */
#include "conform/report_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    const char *id;
    const char *level;
    enum verdict verdict;
} cases[] = {
    {"a/1", "MUST", VERDICT_PASS},        {"a/2", "MUST", VERDICT_FAIL},
    {"a/3", "QUIRK", VERDICT_NON_STRICT}, {"auth/1", "MUST", VERDICT_UNSUPPORTED},
    {"auth/2", "MUST", VERDICT_XFAIL},    {"pub/1", "DEPARTURE", VERDICT_UNREACHABLE},
};

static void assert_table(bool strict, size_t n, const char *wanted)
{
    const struct report_rules rules = {.strict = strict};
    struct report r;
    struct report_table table;
    struct buf out = {0};
    report_init(&r, SPAN("t"), n);
    for (size_t i = 0; i < n; i++) {
        r.cases[i].id = span_make(cases[i].id, strlen(cases[i].id));
        r.cases[i].level = span_make(cases[i].level, strlen(cases[i].level));
        r.cases[i].verdict = cases[i].verdict;
    }
    report_table_make(&table, &r, &rules);
    report_table_text(&table, &out);
    buf_append(&out, span_make("", 1));
    assert_string_equal((const char *)buf_span(&out).p, wanted);
    buf_free(&out);
    report_table_free(&table);
    report_free(&r);
}

static void each_area_has_a_line_and_each_level_a_column(void **state)
{
    (void)state;
    assert_table(false, 6,
                 "area   MUST   QUIRK   DEPARTURE   unsupported\n"
                 "a      1/2    1/1     -           0\n"
                 "auth   0/1    -       -           1\n"
                 "pub    -      -       0/1         0\n"
                 "all    1/3    1/1     0/1         1\n");
}

static void columns_without_cases_are_left_out(void **state)
{
    (void)state;
    assert_table(true, 3,
                 "area   MUST   QUIRK\n"
                 "a      1/2    0/1\n"
                 "all    1/2    0/1\n");
    assert_table(true, 0, "area\nall\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_area_has_a_line_and_each_level_a_column),
        cmocka_unit_test(columns_without_cases_are_left_out),
    };
    return cmocka_run_group_tests_name("report_table", tests, NULL, NULL);
}
