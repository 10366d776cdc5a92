/* SPDX-License-Identifier: MIT */
/* Tests of conform/busy.h. */
#include "conform/busy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/time.h"

static int64_t read_text(const char *text)
{
    char copy[200];
    size_t n = strlen(text);
    memcpy(copy, text, n);
    FILE *file = n == 0 ? fopen("/dev/null", "r") : fmemopen(copy, n, "r");
    assert_non_null(file);
    int64_t waited = busy_read(file);
    fclose(file);
    return waited;
}

static void the_first_line_counts(void **state)
{
    (void)state;
    assert_int_equal(read_text("some avg10=72.54 avg60=47.49 avg300=51.02 total=2019681933\n"
                               "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"),
                     2019681933 * TIME_MS / 1000);
    assert_int_equal(read_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"), 0);
}

static void other_texts_are_unknown(void **state)
{
    (void)state;
    assert_int_equal(read_text(""), BUSY_UNKNOWN);
    assert_int_equal(read_text("some avg10=0.00 avg60=0.00 avg300=0.00\n"), BUSY_UNKNOWN);
    assert_int_equal(read_text("full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"), BUSY_UNKNOWN);
}

static bool again(enum verdict verdict, int64_t waited, unsigned plays, unsigned *left)
{
    const struct busy_play play = {
        .verdict = verdict, .before = 5, .after = 5 + waited, .ns = TIME_SECOND};
    return busy_again(&play, plays, left);
}

#define LIMIT (TIME_SECOND / 100 * BUSY_PERCENT)

static void a_failure_on_a_busy_machine_is_played_again(void **state)
{
    (void)state;
    unsigned left = 2;
    assert_true(again(VERDICT_FAIL, LIMIT, 1, &left));
    assert_int_equal(left, 1);
    assert_true(again(VERDICT_FAIL, LIMIT, 2, &left));
    assert_int_equal(left, 1); /* it is the same case */
    assert_false(again(VERDICT_FAIL, LIMIT, BUSY_PLAYS_MAX, &left));
}

static void a_failure_on_an_idle_machine_counts_at_once(void **state)
{
    (void)state;
    unsigned left = 1;
    assert_false(again(VERDICT_FAIL, LIMIT - 1, 1, &left));
    const struct busy_play unknown = {
        .verdict = VERDICT_FAIL, .before = BUSY_UNKNOWN, .after = BUSY_UNKNOWN, .ns = TIME_SECOND};
    assert_false(busy_again(&unknown, 1, &left));
    const struct busy_play unknown_later = {
        .verdict = VERDICT_FAIL, .before = 0, .after = BUSY_UNKNOWN, .ns = 0};
    assert_false(busy_again(&unknown_later, 1, &left));
    const struct busy_play unknown_before = {
        .verdict = VERDICT_FAIL, .before = BUSY_UNKNOWN, .after = LIMIT, .ns = 0};
    assert_false(busy_again(&unknown_before, 1, &left));
    assert_int_equal(left, 1);
}

static void only_failures_are_played_again(void **state)
{
    (void)state;
    unsigned left = 1;
    assert_false(again(VERDICT_PASS, TIME_SECOND, 1, &left));
    assert_false(again(VERDICT_UNSUPPORTED, TIME_SECOND, 1, &left));
    assert_false(again(VERDICT_UNREACHABLE, TIME_SECOND, 1, &left));
}

static void a_server_that_fails_many_cases_is_not_played_again_without_end(void **state)
{
    (void)state;
    unsigned left = 1;
    assert_true(again(VERDICT_FAIL, LIMIT, 1, &left));
    assert_false(again(VERDICT_FAIL, LIMIT, 1, &left));
}

static bool has_times(const char *steps)
{
    char text[400];
    struct transcript file;
    struct transcript_error error;
    snprintf(text, sizeof text,
             "id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nsource: spec\n\nc connect\n%s", steps);
    if (!transcript_parse(&file, span_make(text, strlen(text)), &error)) {
        fail_msg("%u:%u: expected %s", error.line, error.column, error.expected);
    }
    bool found = busy_has_times(&file);
    transcript_free(&file);
    return found;
}

static void waits_and_limits_are_times(void **state)
{
    (void)state;
    assert_false(has_times("c < response \"OK\"\nc < end\n"));
    assert_true(has_times("wait 10ms\n"));
    assert_true(has_times("c < response \"OK\" within 50ms\n"));
    assert_true(has_times("c < response \"OK\" after 50ms\n"));
    assert_true(
        has_times("any {\n    c < response \"OK\"\n    c < response \"NO\" within 5ms\n}\n"));
    assert_false(has_times("any {\n    c < response \"OK\"\n    c < response \"NO\"\n}\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_counts),
        cmocka_unit_test(other_texts_are_unknown),
        cmocka_unit_test(a_failure_on_a_busy_machine_is_played_again),
        cmocka_unit_test(a_failure_on_an_idle_machine_counts_at_once),
        cmocka_unit_test(only_failures_are_played_again),
        cmocka_unit_test(waits_and_limits_are_times),
        cmocka_unit_test(a_server_that_fails_many_cases_is_not_played_again_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
