/* SPDX-License-Identifier: MIT */
/* Tests of conform/known.h. */
#include "conform/known.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conform/files.h"

/* --- a folder of the test --------------------------------------------------------------------- */

static char folder[] = "/tmp/nsqref-test-XXXXXX";
static char path[256];
static char *said; /* what was complained about */

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    files_remove(folder);
    free(said);
    return files_is_folder(folder) ? -1 : 0;
}

/* A path in it, until the next call. */
static const char *in_folder(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    assert_true(files_write(in_folder(name), span_make(text, strlen(text)), stderr));
}

static FILE *listen_to(void)
{
    static size_t n;
    free(said);
    said = NULL;
    FILE *f = open_memstream(&said, &n);
    assert_non_null(f);
    return f;
}

static void lines_are_patterns_and_reasons(void **state)
{
    (void)state;
    struct known k;
    struct span reason = {0};
    write_file("known", "# comment\n\na/x*   it cannot\na/y departs");
    assert_true(known_load(&k, in_folder("known"), stderr));
    assert_int_equal(k.n, 2);
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

static void a_line_without_a_case_is_told(void **state)
{
    (void)state;
    struct known k;
    assert_true(known_load(&k, in_folder("known"), stderr));
    known_see(&k, SPAN("a/x"));
    FILE *err = listen_to();
    assert_false(known_all_used(&k, "known", err));
    fclose(err);
    assert_string_equal(said, "known:4:1: expected a pattern that matches a case\n");
    known_see(&k, SPAN("a/y"));
    assert_true(known_all_used(&k, "known", stderr));
    known_free(&k);
}

static void bad_lines_are_told_where(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *said;
    } rows[] = {
        {"a/x\n", ":1:4: expected spaces and the reason\n"},
        {"a/x   \n", ":1:7: expected spaces and the reason\n"},
        {"# x\n  y z\n", ":2:1: expected a pattern of ids\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct known k;
        write_file("bad", rows[i].text);
        FILE *err = listen_to();
        assert_false(known_load(&k, in_folder("bad"), err));
        fclose(err);
        assert_non_null(strstr(said, rows[i].said));
    }
    struct known k;
    FILE *err = listen_to();
    assert_false(known_load(&k, in_folder("none"), err));
    fclose(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_patterns_and_reasons),
        cmocka_unit_test(a_line_without_a_case_is_told),
        cmocka_unit_test(bad_lines_are_told_where),
    };
    return cmocka_run_group_tests_name("known", tests, make_folder, remove_folder);
}
