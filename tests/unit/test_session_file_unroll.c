/* SPDX-License-Identifier: MIT */
/* Tests of conform/session_file_unroll.h: the steps that are written out, as text. */
#include "conform/session_file_unroll.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEADER "id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nsource: spec\n\n"

static void parse(struct transcript *file, const char *text)
{
    struct transcript_error error;
    if (!transcript_parse(file, span_make(text, strlen(text)), &error)) {
        fail_msg("%u:%u: expected %s", error.line, error.column, error.expected);
    }
}

static void becomes(const char *text, const char *wanted)
{
    struct transcript file;
    struct unrolled steps;
    struct buf printed = {0};
    parse(&file, text);
    transcript_unroll(&file, &steps);
    assert_null(steps.too_long);
    for (const struct step *s = steps.steps; s != NULL; s = s->next) {
        assert_int_equal(s->line, s->origin->line);
        transcript_step_print(s, 0, &printed);
    }
    if (!span_equal(buf_span(&printed), span_make(wanted, strlen(wanted)))) {
        fail_msg("printed:\n%.*s", (int)printed.n, (const char *)buf_span(&printed).p);
    }
    buf_free(&printed);
    unrolled_free(&steps);
    transcript_free(&file);
}

static void steps_without_repetitions_stay(void **state)
{
    (void)state;
    becomes(HEADER, "");
    becomes(HEADER "# why\nc connect\n\nc > $m size{\"x\"}\nany {\n    # why\n    c < end\n}\n",
            "c connect\nc > $m size{\"x\"}\nany {\n    c < end\n}\n");
}

static void a_repeat_is_written_out_with_its_numbers(void **state)
{
    (void)state;
    becomes(HEADER
            "repeat 2 $i {\n    c$i connect\n    c$i > \"RDY \" $i size{$m$i $i}\n}\nwait 1ms\n",
            "c1 connect\nc1 > \"RDY \" \"1\" size{$m1 \"1\"}\n"
            "c2 connect\nc2 > \"RDY \" \"2\" size{$m2 \"2\"}\nwait 1ms\n");
    becomes(HEADER "any 2 $i {\n    c < message $m$i attempts $i at $t$i body \"m\" $i\n}\n",
            "any {\n    c < message $m1 attempts 1 at $t1 body \"m\" \"1\"\n"
            "    c < message $m2 attempts 2 at $t2 body \"m\" \"2\"\n}\n");
    becomes(HEADER "c > repeat(3 $k \"m\" $k) \"!\"\n",
            "c > \"m\" \"1\" \"m\" \"2\" \"m\" \"3\" \"!\"\n");
}

static void repetitions_can_be_inside_each_other(void **state)
{
    (void)state;
    becomes(HEADER "repeat 2 $i {\n    repeat 2 $k {\n        c > $m$i$k $m$k$i\n    }\n}\n",
            "c > $m1_1 $m1_1\nc > $m1_2 $m2_1\nc > $m2_1 $m1_2\nc > $m2_2 $m2_2\n");
    becomes(HEADER "repeat 2 $i {\n    any 2 $k {\n        c$i < response $k\n    }\n}\n",
            "any {\n    c1 < response \"1\"\n    c1 < response \"2\"\n}\n"
            "any {\n    c2 < response \"1\"\n    c2 < response \"2\"\n}\n");
    becomes(HEADER "repeat 2 $i {\n    c > repeat(2 $k $i $k)\n}\n",
            "c > \"1\" \"1\" \"1\" \"2\"\nc > \"2\" \"1\" \"2\" \"2\"\n");
}

/* How many steps are written out, and whether the limit was passed. */
static size_t count(const char *text, bool *too_long)
{
    struct transcript file;
    struct unrolled steps;
    size_t n = 0;
    parse(&file, text);
    transcript_unroll(&file, &steps);
    for (const struct step *s = steps.steps; s != NULL; s = s->next) {
        n++;
    }
    *too_long = steps.too_long != NULL;
    unrolled_free(&steps);
    transcript_free(&file);
    return n;
}

static void the_steps_have_a_limit(void **state)
{
    (void)state;
    bool too_long;
    assert_int_equal(count(HEADER "repeat 10000 $i {\n    wait 1ms\n}\n", &too_long), 10000);
    assert_false(too_long);
    size_t n = count(
        HEADER "repeat 10000 $i {\n    repeat 10000 $k {\n        wait 1ms\n    }\n}\n", &too_long);
    assert_true(n <= UNROLLED_MAX && too_long);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_without_repetitions_stay),
        cmocka_unit_test(a_repeat_is_written_out_with_its_numbers),
        cmocka_unit_test(repetitions_can_be_inside_each_other),
        cmocka_unit_test(the_steps_have_a_limit),
    };
    return cmocka_run_group_tests_name("session_file_unroll", tests, NULL, NULL);
}
