/* SPDX-License-Identifier: MIT */
/* Tests of conform/known.h. */
#include "conform/known.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conform/files.h"
#include "support/folder.h"

static void lines_are_patterns_and_reasons(void **state)
{
    (void)state;
    struct known k;
    struct span reason = {0};
    folder_write("known", "# comment\n\na/x*   it cannot\na/y departs\na/z sometimes: by chance");
    assert_true(known_load(&k, folder_path("known"), stderr));
    assert_int_equal(k.n, 3);
    assert_int_equal(known_apply(&k, SPAN("a/z"), VERDICT_PASS, &reason), VERDICT_PASS);
    assert_int_equal(known_apply(&k, SPAN("a/z"), VERDICT_FAIL, &reason), VERDICT_XFAIL);
    assert_int_equal(known_apply(&k, SPAN("a/xx"), VERDICT_FAIL, &reason), VERDICT_XFAIL);
    assert_true(span_equal(reason, SPAN("it cannot")));
    assert_int_equal(known_apply(&k, SPAN("a/y"), VERDICT_PASS, &reason), VERDICT_XPASS);
    assert_true(span_equal(reason, SPAN("departs")));
    assert_int_equal(known_apply(&k, SPAN("a/y"), VERDICT_UNSUPPORTED, &reason), VERDICT_XFAIL);
    assert_int_equal(known_apply(&k, SPAN("a/y"), VERDICT_UNREACHABLE, &reason),
                     VERDICT_UNREACHABLE);
    struct span none = {0};
    assert_int_equal(known_apply(&k, SPAN("b/x"), VERDICT_FAIL, &none), VERDICT_FAIL);
    assert_int_equal(none.n, 0);
    known_free(&k);
}

static void a_line_that_matches_no_case_is_reported(void **state)
{
    (void)state;
    struct known k;
    assert_true(known_load(&k, folder_path("known"), stderr));
    known_see(&k, SPAN("a/x"));
    known_see(&k, SPAN("a/z"));
    FILE *err = folder_listen();
    assert_false(known_all_used(&k, "known", err));
    fclose(err);
    assert_string_equal(folder_said,
                        "known:4:1: expected a pattern that matches the id of a case\n");
    known_see(&k, SPAN("a/y"));
    assert_true(known_all_used(&k, "known", stderr));
    known_free(&k);
}

static void an_error_has_its_line_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *said;
    } rows[] = {
        {"a/x\n", ":1:4: expected a space and the reason of the failure\n"},
        {"a/x   \n", ":1:7: expected a space and the reason of the failure\n"},
        {"# x\n  y z\n", ":2:1: expected a pattern of case ids, shorter than 128 bytes\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct known k;
        folder_write("bad", rows[i].text);
        FILE *err = folder_listen();
        assert_false(known_load(&k, folder_path("bad"), err));
        fclose(err);
        assert_non_null(strstr(folder_said, rows[i].said));
    }
    struct known k;
    FILE *err = folder_listen();
    assert_false(known_load(&k, folder_path("none"), err));
    fclose(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_patterns_and_reasons),
        cmocka_unit_test(a_line_that_matches_no_case_is_reported),
        cmocka_unit_test(an_error_has_its_line_and_column),
    };
    return cmocka_run_group_tests_name("known", tests, folder_make, folder_remove);
}
