/* SPDX-License-Identifier: MIT */
/* Tests of conform/command_line.h. */
#include "conform/command_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_text(struct buf *out, const char *wanted)
{
    buf_append(out, span_make("", 1));
    assert_string_equal((const char *)buf_span(out).p, wanted);
    buf_free(out);
}

static void assert_word(const char *word, const char *wanted)
{
    struct buf out = {0};
    command_line_word(span_make(word, strlen(word)), &out);
    assert_text(&out, wanted);
}

static void words_are_quoted_when_a_shell_would_change_them(void **state)
{
    (void)state;
    assert_word("pub/a-1_b.session", "pub/a-1_b.session");
    assert_word("127.0.0.1:4150", "127.0.0.1:4150");
    assert_word("", "''");
    assert_word("a b", "'a b'");
    assert_word("it's", "'it'\\''s'");
    assert_word("$HOME", "'$HOME'");
    assert_word("pub/*", "'pub/*'");
    assert_word("~", "'~'");
}

static void parse(struct args *args, int argc, char **argv)
{
    assert_int_equal(args_parse(args, argc, argv, stdout, stderr), EXIT_CONFORMS);
}

static void a_case_is_played_again_by_its_id(void **state)
{
    (void)state;
    struct args args;
    struct buf out = {0};
    char *argv[] = {"build/nsq-conform",
                    "--spawn",
                    "./s {flags}",
                    "--only",
                    "pub/*",
                    "--level=MUST",
                    "--json",
                    "x y.json",
                    "-j",
                    "3",
                    "--req",
                    "PUB-1",
                    "--strict",
                    "--html",
                    "h",
                    "--tap=t",
                    "--junit=u",
                    "--rerun",
                    NULL};
    parse(&args, (int)(sizeof argv / sizeof argv[0]) - 1, argv);
    command_line_again(&args, &out);
    assert_text(&out, "build/nsq-conform --spawn './s {flags}' --level MUST -j 3 --strict --only");
    command_line_whole(&args, &out);
    assert_text(&out, "build/nsq-conform --spawn './s {flags}' --only 'pub/*' --level MUST --json "
                      "'x y.json' -j 3 --req PUB-1 --strict --html h --tap t --junit u "
                      "--rerun-failed");
}

static void a_case_that_was_given_by_its_path_is_played_again_by_its_path(void **state)
{
    (void)state;
    struct args args;
    struct buf out = {0};
    char *argv[] = {"nsq-conform", "my cases/x.session", "--target", "localhost:4150", NULL};
    parse(&args, 4, argv);
    command_line_again(&args, &out);
    assert_text(&out, "nsq-conform --target localhost:4150");
    command_line_whole(&args, &out);
    assert_text(&out, "nsq-conform --target localhost:4150 'my cases/x.session'");
}

static void too_many_options_are_refused(void **state)
{
    (void)state;
    static char strict[] = "--strict";
    static char *argv[ARGS_GIVEN_MAX + 3];
    struct args args;
    FILE *err = fopen("/dev/null", "w");
    assert_non_null(err);
    argv[0] = strict;
    for (int i = 1; i <= ARGS_GIVEN_MAX + 1; i++) {
        argv[i] = strict;
    }
    assert_int_equal(args_parse(&args, ARGS_GIVEN_MAX + 1, argv, err, err), EXIT_CONFORMS);
    assert_int_equal(args_parse(&args, ARGS_GIVEN_MAX + 2, argv, err, err), EXIT_USAGE);
    fclose(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_quoted_when_a_shell_would_change_them),
        cmocka_unit_test(a_case_is_played_again_by_its_id),
        cmocka_unit_test(a_case_that_was_given_by_its_path_is_played_again_by_its_path),
        cmocka_unit_test(too_many_options_are_refused),
    };
    return cmocka_run_group_tests_name("command_line", tests, NULL, NULL);
}
