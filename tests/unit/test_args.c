/* SPDX-License-Identifier: MIT */
/* Tests of conform/args.h. */
#include "conform/args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conform/session_file.h"

/* Parses the words of a command line; `said` has what it prints. */
static char *said;

static enum conform_exit parse(struct args *args, const char *line)
{
    static char words[1024];
    static char *argv[64];
    int argc = 0;
    size_t n;
    FILE *f;
    free(said);
    said = NULL;
    snprintf(words, sizeof words, "nsq-conform %s", line);
    for (char *w = strtok(words, " "); w != NULL; w = strtok(NULL, " ")) {
        argv[argc++] = w;
    }
    argv[argc] = NULL;
    f = open_memstream(&said, &n);
    assert_non_null(f);
    enum conform_exit code = args_parse(args, argc, argv, f, f);
    fclose(f);
    return code;
}

static int forget(void **state)
{
    (void)state;
    free(said);
    return 0;
}

static void without_options_cases_run_in_this_process(void **state)
{
    (void)state;
    struct args a;
    assert_int_equal(parse(&a, ""), EXIT_CONFORMS);
    assert_int_equal(a.mode, MODE_RUN);
    assert_null(a.target);
    assert_int_equal(a.file_count, 0);
    assert_int_equal(a.levels, (1 << LEVEL_COUNT) - 1);
    assert_int_equal(a.time_scale, 100);
}

/* For another server, cases of level DEPARTURE run only if --level names it. */
static void departures_are_not_the_default_for_other_servers(void **state)
{
    (void)state;
    struct args a;
    const unsigned rest = 1U << LEVEL_MUST | 1U << LEVEL_SHOULD | 1U << LEVEL_QUIRK;
    assert_int_equal(parse(&a, "--target h:1"), EXIT_CONFORMS);
    assert_int_equal(a.levels, rest);
    assert_int_equal(parse(&a, "--spawn x"), EXIT_CONFORMS);
    assert_int_equal(a.levels, rest);
    assert_int_equal(parse(&a, "--target h:1 --level DEPARTURE"), EXIT_CONFORMS);
    assert_int_equal(a.levels, 1U << LEVEL_DEPARTURE);
}

static void options_are_stored(void **state)
{
    (void)state;
    struct args a;
    assert_int_equal(parse(&a, "x.session --target h:1 --http-target h:2 --https-target h:3 -j3 "
                               "--only pub/* --only sub/* --req A "
                               "--level MUST,QUIRK --time-scale 250 --strict --allow-unsupported "
                               "--flags-given --a=1 --json j --tap t --junit u --html h --name n "
                               "--names p --known k --cases d --rerun-failed --dry-run dir"),
                     EXIT_CONFORMS);
    assert_string_equal(a.target, "h:1");
    assert_string_equal(a.http_target, "h:2");
    assert_string_equal(a.https_target, "h:3");
    assert_int_equal(a.jobs, 3);
    assert_int_equal(a.only.n, 2);
    assert_string_equal(a.only.values[1], "sub/*");
    assert_string_equal(a.reqs.values[0], "A");
    assert_int_equal(a.levels, 1U << LEVEL_MUST | 1U << LEVEL_QUIRK);
    assert_int_equal(a.time_scale, 250);
    assert_int_equal(a.splits, 3);
    assert_true(a.strict && a.allow_unsupported && a.rerun_failed);
    assert_string_equal(a.flags_given, "--a=1");
    assert_int_equal(a.mode, MODE_DRY_RUN);
    assert_int_equal(a.file_count, 2);
    assert_string_equal(a.files[0], "x.session");
}

static void options_say_which_program_is_tested(void **state)
{
    (void)state;
    struct args a;
    assert_int_equal(parse(&a, "--target h:1"), EXIT_CONFORMS);
    assert_int_equal(a.server, SERVER_NSQD);
    assert_int_equal(parse(&a, "--lookup --cuts"), EXIT_CONFORMS);
    assert_int_equal(a.server, SERVER_NSQLOOKUPD);
    assert_null(a.target);
    assert_int_equal(parse(&a, "--lookup-target h:1 --lookup-http-target h:2"), EXIT_CONFORMS);
    assert_int_equal(a.server, SERVER_NSQLOOKUPD);
    assert_string_equal(a.target, "h:1");
    assert_string_equal(a.http_target, "h:2");
    assert_int_equal(parse(&a, "--spawn-lookup x"), EXIT_CONFORMS);
    assert_int_equal(a.server, SERVER_NSQLOOKUPD);
    assert_string_equal(a.spawn, "x");
}

static void splits_are_for_a_server(void **state)
{
    (void)state;
    struct args a;
    assert_int_equal(parse(&a, "--target h:1 --splits 0"), EXIT_CONFORMS);
    assert_int_equal(a.splits, 0);
    assert_int_equal(parse(&a, "--target h:1 --splits 16"), EXIT_CONFORMS);
    assert_int_equal(a.splits, 16);
    assert_int_equal(parse(&a, "--target h:1 --cuts"), EXIT_CONFORMS);
    assert_int_equal(a.splits, 16);
}

static void each_mode_has_an_option(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum args_mode mode;
    } rows[] = {
        {"--list", MODE_LIST},
        {"--list=json", MODE_LIST_JSON},
        {"--fmt a", MODE_FMT},
        {"--fmt=print a", MODE_FMT_PRINT},
        {"--html x --merge a b", MODE_MERGE},
        {"--check-ledger", MODE_CHECK_LEDGER},
        {"--serve f --listen :0", MODE_SERVE},
        {"--survive f --target :0", MODE_SURVIVE},
        {"--survive f --spawn f", MODE_SURVIVE},
        {"--help", MODE_DONE},
        {"--version", MODE_DONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct args a;
        assert_int_equal(parse(&a, rows[i].line), EXIT_CONFORMS);
        assert_int_equal(a.mode, rows[i].mode);
    }
}

static void wrong_options_are_reported(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "--what",
        "--target",
        "-j 0",
        "-j 65",
        "-j x",
        "--time-scale 0",
        "--level MAY",
        "--level MUST,",
        "--list=xml",
        "--fmt=x",
        "--target a --spawn b",
        "--target a --lookup",
        "--lookup-target a --http-target b",
        "--lookup-target a --spawn-lookup b",
        "--lookup-target a --spawn b",
        "--lookup-target a --create-topics b",
        "--lookup-http-target x",
        "--survive f --spawn-lookup x",
        "--splits 17",
        "--splits x",
        "--splits -1",
        "--flags-given x",
        "--http-target x",
        "--spawn y --https-target x",
        "--serve f",
        "--listen a",
        "--merge a",
        "--html x --merge",
        "--list --dry-run",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct args a;
        if (parse(&a, lines[i]) != EXIT_USAGE) {
            fail_msg("'%s' was taken", lines[i]);
        }
    }
}

static void an_option_has_a_limit_of_repeats(void **state)
{
    (void)state;
    char *argv[2 * ARGS_LIST_MAX + 4];
    int argc = 0;
    char program[] = "nsq-conform";
    char option[] = "--only";
    char glob[] = "x";
    argv[argc++] = program;
    for (int i = 0; i <= ARGS_LIST_MAX; i++) {
        argv[argc++] = option;
        argv[argc++] = glob;
    }
    argv[argc] = NULL;
    struct args a;
    FILE *none = fopen("/dev/null", "w");
    assert_non_null(none);
    assert_int_equal(args_parse(&a, argc, argv, none, none), EXIT_USAGE);
    fclose(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_options_cases_run_in_this_process),
        cmocka_unit_test(departures_are_not_the_default_for_other_servers),
        cmocka_unit_test(options_are_stored),
        cmocka_unit_test(options_say_which_program_is_tested),
        cmocka_unit_test(splits_are_for_a_server),
        cmocka_unit_test(each_mode_has_an_option),
        cmocka_unit_test(wrong_options_are_reported),
        cmocka_unit_test(an_option_has_a_limit_of_repeats),
    };
    return cmocka_run_group_tests_name("args", tests, NULL, forget);
}
