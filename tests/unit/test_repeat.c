/* SPDX-License-Identifier: MIT */
/* Tests of conform/repeat.h. */
#include "conform/repeat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

enum { STEADY, CHANGES, STOPPED, N };

static void set(struct report *report, size_t i, enum verdict verdict, const char *why)
{
    report->cases[i].verdict = verdict;
    buf_append(&report->cases[i].why, span_make(why, strlen(why)));
    text_append(&report->cases[i].exchange, "c connect\n");
    report->cases[i].id = SPAN("a/b");
}

static void a_verdict_that_changes_is_flaky(void **state)
{
    (void)state;
    struct report report;
    struct repeat repeat;
    bool has_result[N] = {true, true, false};
    report_init(&report, SPAN("x"), N);
    repeat_init(&repeat, N);
    set(&report, STEADY, VERDICT_FAIL, "first\n");
    set(&report, CHANGES, VERDICT_PASS, "");
    set(&report, STOPPED, VERDICT_UNREACHABLE, "no result\n");
    repeat_add(&repeat, &report, has_result);
    set(&report, STEADY, VERDICT_FAIL, "second\n");
    set(&report, CHANGES, VERDICT_FAIL, "expected: x\n");
    set(&report, STOPPED, VERDICT_UNREACHABLE, "no result\n");
    repeat_add(&repeat, &report, has_result);
    set(&report, STEADY, VERDICT_FAIL, "third\n");
    set(&report, CHANGES, VERDICT_PASS, "");
    set(&report, STOPPED, VERDICT_UNREACHABLE, "no result\n");
    repeat_add(&repeat, &report, has_result);
    repeat_finish(&repeat, &report, has_result);
    assert_int_equal(report.cases[STEADY].verdict, VERDICT_FAIL);
    assert_true(span_equal(buf_span(&report.cases[STEADY].why), SPAN("first\n")));
    assert_int_equal(report.cases[CHANGES].verdict, VERDICT_FLAKY);
    assert_true(span_equal(buf_span(&report.cases[CHANGES].why),
                           SPAN("verdicts: pass, fail, pass\nexpected: x\n")));
    assert_true(span_equal(buf_span(&report.cases[CHANGES].exchange), SPAN("c connect\n")));
    assert_true(span_equal(report.cases[CHANGES].id, SPAN("a/b")));
    assert_true(has_result[CHANGES]);
    assert_false(has_result[STOPPED]);
    repeat_free(&repeat);
    report_free(&report);
}

static void one_play_changes_nothing(void **state)
{
    (void)state;
    struct report report;
    struct repeat repeat;
    bool has_result[N] = {false};
    report_init(&report, SPAN("x"), N);
    repeat_init(&repeat, N);
    set(&report, CHANGES, VERDICT_DIED, "why\n");
    repeat_add(&repeat, &report, NULL);
    repeat_finish(&repeat, &report, has_result);
    assert_int_equal(report.cases[CHANGES].verdict, VERDICT_DIED);
    assert_true(span_equal(buf_span(&report.cases[CHANGES].why), SPAN("why\n")));
    assert_true(has_result[STEADY]);
    repeat_free(&repeat);
    report_free(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verdict_that_changes_is_flaky),
        cmocka_unit_test(one_play_changes_nothing),
    };
    return cmocka_run_group_tests_name("repeat", tests, NULL, NULL);
}
