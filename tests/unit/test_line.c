/* SPDX-License-Identifier: MIT */
/* Tests of program/line.h: lines of bounded length, and quoted values in them. */
#include "program/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_line_starts_empty(void **state)
{
    (void)state;
    char buf[4] = "abc";
    struct line l;
    line_start(&l, buf, sizeof buf);
    assert_string_equal(l.p, "");
    assert_int_equal(l.n, 0);
    assert_false(l.cut);
}

static const struct {
    const char *rule;
    size_t cap;
    const char *first, *second;
    const char *text;
    bool cut;
} bounds[] = {
    {"room for one byte more", 7, "ab", "cde", "abcde", false},
    {"just fits", 6, "ab", "cde", "abcde", false},
    {"one byte too long", 5, "ab", "cde", "a...", true},
    {"two bytes too long", 4, "ab", "cde", "...", true},
    {"no room for dots", 3, "ab", "cde", "ab", true},
    {"no room but for the NUL", 1, "ab", "cde", "", true},
    {"the first part is too long, the second would fit", 6, "abcdef", "g", "ab...", true},
    {"nothing is added to a full line", 6, "abcde", "", "abcde", false},
};

static void what_does_not_fit_is_left_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        char *buf = malloc(bounds[i].cap); /* so that ASan sees an access after its end */
        struct line l;
        line_start(&l, buf, bounds[i].cap);
        line_add(&l, "%s", bounds[i].first);
        line_add(&l, "%s", bounds[i].second);
        if (strcmp(l.p, bounds[i].text) != 0 || l.cut != bounds[i].cut ||
            l.n != strlen(bounds[i].text)) {
            fail_msg("%s: '%s', %zu bytes, cut %d", bounds[i].rule, l.p, l.n, l.cut);
        }
        free(buf);
    }
}

static void parts_are_formatted(void **state)
{
    (void)state;
    char buf[32];
    struct line l;
    line_start(&l, buf, sizeof buf);
    line_add(&l, "--%s %d", "x", -7);
    line_add(&l, "%c", '!');
    assert_string_equal(l.p, "--x -7!");
}

static void a_quoted_value_is_escaped(void **state)
{
    (void)state;
    char buf[64];
    struct line l;
    line_start(&l, buf, sizeof buf);
    line_add_quoted(&l, "");
    line_add_quoted(&l, "a\"\n\xff\xc2\xa0%s");
    assert_string_equal(l.p, "\"\"\"a\\\"\\n\\xff\\u00a0%s\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_starts_empty),
        cmocka_unit_test(what_does_not_fit_is_left_off),
        cmocka_unit_test(parts_are_formatted),
        cmocka_unit_test(a_quoted_value_is_escaped),
    };
    return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
