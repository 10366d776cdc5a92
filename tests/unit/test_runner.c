/* SPDX-License-Identifier: MIT */
/* Tests of conform/runner.h and conform/target_needs.h, on a small suite in its own folder.
 */
#include "conform/runner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <unistd.h>

#include "conform/files.h"

#define CASE(slug, more) "id: a/" slug "\ntitle: t\nreq: R-1\nlevel: MUST\n" more "source: spec\n\n"
#define PUB "c connect\nc > \"  V2PUB \" $topic \"\\n\" size{\"x\"}\n"

static char folder[] = "/tmp/nsqref-test-XXXXXX";
static struct suite suite;
static struct ledger ledger;
static struct report report;

static void write_case(const char *slug, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s.session", folder, slug);
    assert_true(files_write(path, span_make(text, strlen(text)), stderr));
}

enum { CUT, FAILS, FLAGS, HTTP, PASSES, TLS, CASES };

static int make_suite(void **state)
{
    (void)state;
    const char *dir = folder;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    write_case("cut", CASE("cut", "") PUB "c < response \"OK\"\nc > end\nc < end\n");
    write_case("fails", CASE("fails", "") PUB "c < response \"NO\"\n");
    write_case("flags", CASE("flags", "flags: --max-msg-size=1\n") PUB "c < response \"OK\"\n");
    write_case("http", CASE("http", "needs: http\n") "c connect\n");
    write_case("passes", CASE("passes", "") PUB "c < response \"OK\"\n");
    write_case("tls", CASE("tls", "needs: tls\n") "c connect\n");
    return suite_load(&suite, &dir, 1, stderr) && ledger_load(&ledger, dir, stderr) ? 0 : -1;
}

static int remove_suite(void **state)
{
    (void)state;
    files_remove(folder);
    suite_free(&suite);
    ledger_free(&ledger);
    return 0;
}

static int forget_report(void **state)
{
    (void)state;
    report_free(&report);
    return 0;
}

static enum conform_exit run(struct args args)
{
    const struct known none = {.n = 0};
    FILE *err = fopen("/dev/null", "w");
    assert_non_null(err);
    args.time_scale = 100;
    args.cases = SUITE_CASES;
    enum conform_exit code = runner_run(&args, &suite, &ledger, &none, NULL, &report, err);
    fclose(err);
    return code;
}

static void assert_verdicts(const enum verdict wanted[CASES])
{
    assert_int_equal(report.n, CASES);
    for (int i = 0; i < CASES; i++) {
        if (report.cases[i].verdict != wanted[i]) {
            fail_msg("case %d: %s, %.*s", i, verdict_name(report.cases[i].verdict),
                     (int)report.cases[i].why.n, (const char *)buf_span(&report.cases[i].why).p);
        }
    }
}

static const enum verdict in_process[CASES] = {
    [CUT] = VERDICT_PASS,  [FAILS] = VERDICT_FAIL,  [FLAGS] = VERDICT_PASS,
    [HTTP] = VERDICT_PASS, [PASSES] = VERDICT_PASS, [TLS] = VERDICT_UNSUPPORTED};

static void one_process_and_several_give_the_same_report(void **state)
{
    (void)state;
    struct buf one = {0};
    struct buf three = {0};
    assert_int_equal(run((struct args){.jobs = 1, .reproducible = true}), EXIT_CONFORMS);
    assert_verdicts(in_process);
    report_json(&report, &one);
    report_free(&report);
    assert_int_equal(run((struct args){.jobs = 3, .reproducible = true}), EXIT_CONFORMS);
    report_json(&report, &three);
    assert_true(span_equal(buf_span(&one), buf_span(&three)));
    buf_free(&one);
    buf_free(&three);
}

static void a_report_says_when_how_long_and_by_which_command(void **state)
{
    (void)state;
    assert_int_equal(run((struct args){.jobs = 1, .program = "it", .strict = true}), EXIT_CONFORMS);
    assert_int_equal(report.date.n, strlen("2026-01-31T23:59:59Z"));
    assert_true(span_equal(buf_span(&report.command), SPAN("it")));
    assert_true(span_equal(buf_span(&report.again), SPAN("it --only")));
    assert_true(report.suite.n > 0);
    assert_true(report.ms >= 0);
    assert_true(report.cases[PASSES].ms >= 0);
}

static void cuts_change_nothing(void **state)
{
    (void)state;
    assert_int_equal(run((struct args){.jobs = 1, .cuts = true}), EXIT_CONFORMS);
    assert_verdicts(in_process);
}

static void a_failure_is_reported_completely(void **state)
{
    (void)state;
    assert_int_equal(run((struct args){.jobs = 1}), EXIT_CONFORMS);
    const struct report_case *c = &report.cases[FAILS];
    assert_int_equal(c->line, 9);
    assert_true(span_equal(buf_span(&c->why),
                           SPAN("expected: c < response \"NO\"\nreceived: response \"OK\"\n")));
    assert_true(span_equal(buf_span(&c->unmatched), SPAN("00 00 00 06 00 00 00 00 4f 4b")));
    assert_true(span_equal(buf_span(&c->rules), SPAN("R-1\n")));
}

static void assert_finding(struct span id)
{
    assert_int_equal(report.n, 1);
    assert_true(span_equal(report.cases[0].id, id));
    assert_int_equal(report.cases[0].verdict, VERDICT_UNREACHABLE);
}

static void a_server_that_does_not_start_is_one_finding(void **state)
{
    (void)state;
    assert_int_equal(run((struct args){.spawn = "false {flags}", .jobs = 2}), EXIT_CONFORMS);
    assert_finding(SPAN("preflight/starts"));
}

static void without_the_preflight_a_server_that_does_not_start_fails_each_case(void **state)
{
    (void)state;
    static const enum verdict wanted[CASES] = {VERDICT_UNREACHABLE, VERDICT_UNREACHABLE,
                                               VERDICT_UNSUPPORTED, VERDICT_UNREACHABLE,
                                               VERDICT_UNREACHABLE, VERDICT_UNREACHABLE};
    assert_int_equal(run((struct args){.spawn = "false {flags}", .jobs = 2, .no_preflight = true}),
                     EXIT_CONFORMS);
    assert_verdicts(wanted);
}

static void a_target_without_a_server_is_one_finding(void **state)
{
    (void)state;
    assert_int_equal(run((struct args){.target = "/no/such/socket"}), EXIT_CONFORMS);
    assert_finding(SPAN("preflight/connects"));
}

static void known_failures_are_applied(void **state)
{
    (void)state;
    struct known_line lines[] = {{.glob = "a/fails", .reason = SPAN_LITERAL("so be it")},
                                 {.glob = "a/passes", .reason = SPAN_LITERAL("but it does")}};
    const struct known known = {.lines = lines, .n = 2};
    const struct args args = {.jobs = 1, .time_scale = 100};
    assert_int_equal(runner_run(&args, &suite, &ledger, &known, NULL, &report, stderr),
                     EXIT_CONFORMS);
    assert_int_equal(report.cases[FAILS].verdict, VERDICT_XFAIL);
    assert_true(span_equal(report.cases[FAILS].reason, SPAN("so be it")));
    assert_int_equal(report.cases[PASSES].verdict, VERDICT_XPASS);
}

static void a_run_that_is_stopped_reports_what_was_done(void **state)
{
    (void)state;
    const struct known none = {.n = 0};
    const struct args args = {.jobs = 1, .time_scale = 100};
    int end[2];
    FILE *err = fopen("/dev/null", "w");
    assert_non_null(err);
    assert_int_equal(pipe(end), 0);
    assert_int_equal(write(end[1], "x", 1), 1);
    assert_int_equal(runner_run(&args, &suite, &ledger, &none, &end[0], &report, err),
                     EXIT_STOPPED);
    assert_int_equal(report.n, 0);
    close(end[0]);
    close(end[1]);
    fclose(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(one_process_and_several_give_the_same_report, forget_report),
        cmocka_unit_test_teardown(a_report_says_when_how_long_and_by_which_command, forget_report),
        cmocka_unit_test_teardown(cuts_change_nothing, forget_report),
        cmocka_unit_test_teardown(a_failure_is_reported_completely, forget_report),
        cmocka_unit_test_teardown(a_server_that_does_not_start_is_one_finding, forget_report),
        cmocka_unit_test_teardown(
            without_the_preflight_a_server_that_does_not_start_fails_each_case, forget_report),
        cmocka_unit_test_teardown(a_target_without_a_server_is_one_finding, forget_report),
        cmocka_unit_test_teardown(known_failures_are_applied, forget_report),
        cmocka_unit_test_teardown(a_run_that_is_stopped_reports_what_was_done, forget_report),
    };
    return cmocka_run_group_tests_name("runner", tests, make_suite, remove_suite);
}
