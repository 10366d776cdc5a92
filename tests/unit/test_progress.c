/* SPDX-License-Identifier: MIT */
/* Tests of conform/progress.h. */
#include "conform/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/time.h"

static char *said;
static size_t said_size;
static FILE *out;

static int open_out(void **state)
{
    (void)state;
    out = open_memstream(&said, &said_size);
    return out == NULL ? -1 : 0;
}

static int close_out(void **state)
{
    (void)state;
    fclose(out);
    free(said);
    return 0;
}

static void assert_said(const char *text)
{
    fflush(out);
    assert_string_equal(said, text);
}

static void without_a_terminal_there_is_a_line_every_5_s(void **state)
{
    (void)state;
    struct progress p;
    progress_begin(&p, out, false, 10, 2, 100, TIME_SECOND);
    progress_done(&p, 5, 2 * TIME_SECOND);
    progress_failed(&p, SPAN("a/b"), SPAN("fail  a/b\n"));
    progress_tick(&p, 5900 * TIME_MS);
    assert_said("");
    progress_tick(&p, 6 * TIME_SECOND);
    /* 5 of 100 took 5 s */
    assert_said("nsq-conform: 1 of 10 cases, 1 failed (last: a/b), about 96 s left\n");
    progress_tick(&p, 10900 * TIME_MS);
    progress_done(&p, 95, 11 * TIME_SECOND);
    progress_end(&p);
    assert_said("nsq-conform: 1 of 10 cases, 1 failed (last: a/b), about 96 s left\n"
                "nsq-conform: 2 of 10 cases, 1 failed (last: a/b)\n");
}

static void on_a_terminal_one_line_changes(void **state)
{
    (void)state;
    struct progress p;
    progress_begin(&p, out, true, 2, 1, 2, 0);
    progress_failed(&p, SPAN("a/b"), SPAN("fail  a/b\n"));
    progress_done(&p, 1, TIME_SECOND);
    progress_tick(&p, 4 * TIME_SECOND);
    progress_end(&p);
    assert_said(
        "\r\033[K0 of 2 cases, 0 failed \r\033[Kfail  a/b\n"
        "\r\033[K1 of 2 cases, 1 failed (last: a/b), the last case is still being played "
        "\r\033[K1 of 2 cases, 1 failed (last: a/b), the last case is still being played \r\033[K");
}

static void assert_line(size_t n, size_t done, const char *text)
{
    struct progress p;
    struct buf line = {0};
    progress_begin(&p, out, false, n, 3, 100, 0);
    p.done = done;
    p.done_weight = 10;
    progress_line(&p, 4 * TIME_SECOND, &line);
    buf_append(&line, span_make("", 1));
    assert_string_equal((const char *)buf_span(&line).p, text);
    buf_free(&line);
}

static void when_all_cases_left_are_being_played_nobody_knows_how_long(void **state)
{
    (void)state;
    assert_line(9, 5, "5 of 9 cases, 0 failed, about 37 s left");
    assert_line(9, 6, "6 of 9 cases, 0 failed, the last 3 cases are still being played");
    assert_line(9, 8, "8 of 9 cases, 0 failed, the last case is still being played");
    assert_line(1, 1, "1 of 1 case, 0 failed, about 37 s left");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_terminal_there_is_a_line_every_5_s, open_out,
                                        close_out),
        cmocka_unit_test_setup_teardown(when_all_cases_left_are_being_played_nobody_knows_how_long,
                                        open_out, close_out),
        cmocka_unit_test_setup_teardown(on_a_terminal_one_line_changes, open_out, close_out),
    };
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
