/* SPDX-License-Identifier: MIT */
/* Tests of conform/suite.h and conform/ledger.h, on a small suite in its own folder. */
#include "conform/suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "conform/changes.h"
#include "conform/files.h"
#include "conform/ledger.h"
#include "support/folder.h"

#define CASE(id, level, more)                                                                      \
    "id: " id "\ntitle: rule of " id "\nreq: R-1 R-2\nlevel: " level more "\n\n"

#define THREE CASE("a/three", "MUST", "\neffect: e\nsource: spec")

static void make_suite(void)
{
    folder_add("s");
    folder_add("s/a");
    folder_add("s/ledger");
    folder_write("s/a/two.session", CASE("a/two", "SHOULD", "\nflags: --x=1\nsource: spec"));
    folder_write(
        "s/a/one.session",
        CASE(
            "a/one", "MUST",
            "\nneeds: tls\neffect: e\nsource: spec") "c connect\n"
                                                     "c < no message within 300ms\nwait 700ms\nany "
                                                     "{\n    c < end after 50ms\n}\n");
    folder_write("s/ledger/a.txt",
                 "# comment\n\nR-1\tspec\tThe first.\nR-2\tnsqd 1.3.0\tThe second.\n");
}

static void load(struct suite *suite)
{
    const char *dir = folder_path("s");
    assert_true(suite_load(suite, &dir, 1, stderr));
}

static void cases_are_sorted_by_id(void **state)
{
    (void)state;
    struct suite s;
    make_suite();
    load(&s);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.chosen, 2);
    assert_true(span_equal(s.cases[0].file.id, SPAN("a/one")));
    assert_true(span_equal(suite_words(s.cases[0].file.reqs), SPAN("R-1 R-2")));
    assert_int_equal(suite_words(NULL).n, 0);
    assert_int_equal(suite_duration(&s.cases[0].file), 1050);
    suite_free(&s);
}

static size_t choose(struct args args)
{
    struct suite s;
    load(&s);
    args.levels = args.levels == 0 ? (1U << LEVEL_COUNT) - 1 : args.levels;
    suite_choose(&s, &args);
    size_t n = s.chosen;
    suite_free(&s);
    return n;
}

static void options_choose(void **state)
{
    (void)state;
    assert_int_equal(choose((struct args){.cuts = false}), 2);
    assert_int_equal(choose((struct args){.only = {.values = {"a/o*", "b*"}, .n = 2}}), 1);
    assert_int_equal(choose((struct args){.only = {.values = {"*"}, .n = 1}}), 2);
    assert_int_equal(choose((struct args){.levels = 1U << LEVEL_SHOULD}), 1);
    assert_int_equal(choose((struct args){.reqs = {.values = {"R-2"}, .n = 1}}), 2);
    assert_int_equal(choose((struct args){.reqs = {.values = {"R-3"}, .n = 1}}), 0);
}

static void a_run_is_about_one_program(void **state)
{
    (void)state;
    assert_int_equal(choose((struct args){.server = SERVER_NSQLOOKUPD}), 0);
    folder_write("s/a/lookup.session",
                 CASE("a/lookup", "SHOULD", "\nserver: nsqlookupd\nsource: spec"));
    assert_int_equal(choose((struct args){.server = SERVER_NSQLOOKUPD}), 1);
    assert_int_equal(choose((struct args){.server = SERVER_NSQD}), 2);
    assert_int_equal(remove(folder_path("s/a/lookup.session")), 0);
}

static void a_list_of_ids_chooses_cases(void **state)
{
    (void)state;
    struct suite s;
    struct span ids[] = {SPAN("a/two"), SPAN("a/three")};
    load(&s);
    suite_choose_ids(&s, ids, 2);
    assert_int_equal(s.chosen, 1);
    assert_true(s.cases[1].chosen);
    suite_free(&s);
}

static void cases_are_listed(void **state)
{
    (void)state;
    struct suite s;
    struct buf text = {0};
    load(&s);
    suite_list(&s, &text);
    assert_true(span_equal(buf_span(&text), SPAN("a/one\tMUST\trule of a/one\n"
                                                 "a/two\tSHOULD\trule of a/two\n")));
    buf_drop(&text, text.n);
    suite_list_flags(&s, &text);
    assert_true(span_equal(buf_span(&text), SPAN("1\t\n1\t--x=1\n")));
    buf_drop(&text, text.n);
    suite_list_json(&s, &text);
    char json[4096] = "";
    assert_true(text.n < sizeof json);
    memcpy(json, text.n == 0 ? "" : (const char *)buf_span(&text).p, text.n);
    assert_memory_equal(json, "[\n", 2);
    assert_non_null(strstr(json, "\"needs\": [\n      \"tls\"\n    ]"));
    assert_non_null(strstr(json, "\"flags\": \"--x=1\""));
    buf_free(&text);
    suite_free(&s);
}

static void the_cases_are_found_beside_an_installed_program(void **state)
{
    (void)state;
    char program[FOLDER_PATH_MAX];
    char path[SUITE_PATH_MAX];
    folder_add("usr");
    snprintf(program, sizeof program, "%s", folder_path("usr/bin/nsq-conform"));
    assert_string_equal(suite_folder_beside(program, path), SUITE_CASES);
    folder_add("usr/share");
    folder_add("usr/share/nsqref");
    folder_add("usr/share/nsqref/conformance");
    assert_string_equal(suite_folder_beside(program, path),
                        folder_path("usr/share/nsqref/conformance"));
    assert_string_equal(suite_folder_beside("nsq-conform", path), SUITE_CASES);
}

static void all_bad_files_are_reported(void **state)
{
    (void)state;
    struct suite s;
    folder_add("bad");
    folder_write("bad/1.session", "nonsense\n");
    folder_write("bad/2.session", CASE("a/one", "MUST", "\nsource: spec"));
    folder_write("bad/3.session", CASE("a/one", "MUST", "\nsource: spec"));
    folder_write("bad/4.session", CASE("a/four", "MUST", "\nsource: spec") "c > end\n");
    FILE *err = folder_listen();
    const char *dir = folder_path("bad");
    assert_false(suite_load(&s, &dir, 1, err));
    fclose(err);
    assert_non_null(strstr(folder_said, "1.session:1:1: expected id: area/slug\n"));
    assert_non_null(strstr(folder_said, "session:1:5: expected an id other than that of "));
    assert_non_null(strstr(folder_said, "4.session:7:1: expected the name of a connection"));
    suite_free(&s);
}

/* --- the ledger ------------------------------------------------------------------------------- */

static void the_sentences_of_requirements_are_found(void **state)
{
    (void)state;
    struct suite s;
    struct ledger l;
    struct buf rules = {0};
    load(&s);
    assert_true(ledger_load(&l, folder_path("s"), stderr));
    assert_int_equal(l.n, 2);
    assert_non_null(ledger_find(&l, SPAN("R-2")));
    assert_null(ledger_find(&l, SPAN("R-9")));
    ledger_rules(&l, &s.cases[0].file, &rules);
    assert_true(span_equal(buf_span(&rules), SPAN("R-1: The first.\nR-2: The second.\n")));
    buf_free(&rules);
    ledger_free(&l);
    suite_free(&s);
}

/* The number of errors that ledger_check finds in the folder "s"; they are printed into
 * folder_said. */
static size_t wrong(void)
{
    struct suite s;
    struct ledger l;
    size_t checked;
    char dir[FOLDER_PATH_MAX];
    char departures[FOLDER_PATH_MAX];
    load(&s);
    snprintf(dir, sizeof dir, "%s", folder_path("s"));
    snprintf(departures, sizeof departures, "%s", folder_path("departures"));
    assert_true(ledger_load(&l, dir, stderr));
    FILE *err = folder_listen();
    size_t n = ledger_check(&l, &s, dir, departures, &checked, err);
    fclose(err);
    assert_int_equal(checked, s.n + l.n);
    ledger_free(&l);
    suite_free(&s);
    return n;
}

static void ledger_and_cases_cover_each_other(void **state)
{
    (void)state;
    assert_int_equal(wrong(), 0);
    folder_write("s/ledger/b.txt", "R-3\tspec\tNobody shows it.\n");
    assert_int_equal(wrong(), 1);
    assert_non_null(strstr(folder_said, "no case shows the requirement: R-3"));
    folder_write("s/ledger/b.txt", "");
    folder_write("s/a/three.session",
                 "id: a/four\ntitle: t\nreq: R-4\nlevel: MUST\neffect: e\nsource: spec\n\n");
    assert_int_equal(wrong(), 2);
    assert_non_null(strstr(folder_said, "expected requirements of the ledger, which has no: R-4"));
    assert_non_null(strstr(folder_said,
                           "must equal the path below the folder of cases, but the id is: a/four"));
    folder_write("s/a/three.session", THREE);
    folder_write("s/retired.txt", "a/thre\na/three gone in 2026\n");
    assert_int_equal(wrong(), 1);
    assert_non_null(
        strstr(folder_said, "lists the id as retired, so a case may not use it: a/three"));
    folder_write("s/retired.txt", "");
}

static void a_must_says_what_breaks(void **state)
{
    (void)state;
    folder_write("s/a/three.session", CASE("a/three", "MUST", "\nsource: spec"));
    assert_int_equal(wrong(), 1);
    assert_non_null(strstr(folder_said, "three.session: expected a line 'effect: ...' that says "
                                        "what breaks, as the level is: MUST"));
    folder_write("s/a/three.session", CASE("a/three", "SHOULD", "\nsource: spec"));
    assert_int_equal(wrong(), 0);
    folder_write("s/a/three.session", THREE);
}

static void a_departure_has_a_row_in_the_table(void **state)
{
    (void)state;
    folder_write("s/a/three.session", CASE("a/three", "DEPARTURE", "\nsource: departure 7"));
    folder_write("departures", "| 77 | x |\n");
    assert_int_equal(wrong(), 1);
    assert_non_null(strstr(folder_said, "the table of departures has no row for: departure 7"));
    folder_write("departures", "# x\n| 7 | x |\n");
    assert_int_equal(wrong(), 0);
    folder_write("s/a/three.session", CASE("a/three", "DEPARTURE", "\nsource: spec"));
    assert_int_equal(wrong(), 1);
    folder_write("s/a/three.session", CASE("a/three", "MUST", "\neffect: e\nsource: departure 7"));
    assert_int_equal(wrong(), 1);
    folder_write("s/a/three.session", THREE);
}

/* The number of errors of the list of changes with these lines. */
static size_t wrong_changes(const char *lines)
{
    folder_write("s/CHANGES.tsv", lines);
    size_t n = wrong();
    assert_int_equal(remove(folder_path("s/CHANGES.tsv")), 0);
    return n;
}

#define IN_VERSION_1 "# comment\n1\ta/one\tMUST\n1\ta/three\tMUST\n"
#define TWO "1\ta/two\tSHOULD\n"

static void a_change_without_its_line_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(wrong_changes(IN_VERSION_1 "2\ta/two\tSHOULD\n"), 0);
    assert_int_equal(wrong_changes(IN_VERSION_1 "1\ta/two\tQUIRK\n2\ta/two\tSHOULD\n"), 0);
    assert_int_equal(wrong_changes(IN_VERSION_1), 1); /* a new case */
    assert_non_null(strstr(folder_said, "CHANGES.tsv: expected the line '2\ta/two\tSHOULD'"));
    assert_int_equal(wrong_changes(IN_VERSION_1 "2\ta/two\tQUIRK\n"), 1); /* another level */
    assert_non_null(strstr(folder_said, "expected the line '2\ta/two\tSHOULD'"));
    assert_int_equal(wrong_changes(IN_VERSION_1 TWO "2\ta/gone\tMUST\n"), 1); /* retired */
    assert_non_null(strstr(folder_said, "expected the line '2\ta/gone\tretired'"));
}

static void a_bad_line_of_the_list_of_changes_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(wrong_changes(IN_VERSION_1 "2\ta/two\tSHOULD\n2\ta/two\tSHOULD\n"), 1);
    assert_non_null(strstr(folder_said, "CHANGES.tsv:5: expected a change, but the case has this"));
    assert_int_equal(wrong_changes("2\ta/two\tSHOULD\n" IN_VERSION_1), 1);
    assert_non_null(strstr(folder_said, "CHANGES.tsv:3: expected a version that is not smaller"));
    assert_int_equal(wrong_changes(IN_VERSION_1 "2\ta/two\tSOME\nx\ta/b\tMUST\n2\n"), 4);
    assert_non_null(strstr(folder_said, "CHANGES.tsv:4: expected VERSION, tab, ID, tab, and a"));
    assert_int_equal(wrong_changes(IN_VERSION_1 TWO), 1); /* no change in this version */
    assert_int_equal(wrong_changes(IN_VERSION_1 "999999\ta/two\tSHOULD\n"), 1);
    assert_non_null(strstr(folder_said, "CHANGES.tsv:4: expected the version of this program"));
    assert_int_equal(wrong_changes(IN_VERSION_1 TWO "2\ta/old\tretired\n"), 2); /* never there */
    folder_write("s/retired.txt", "a/old-one x\na/old why\n");
    assert_int_equal(wrong_changes("1\ta/old\tMUST\n" IN_VERSION_1 TWO "2\ta/old\tretired\n"), 0);
    folder_write("s/retired.txt", "");
    assert_int_equal(wrong_changes("1\ta/old\tMUST\n" IN_VERSION_1 TWO "2\ta/old\tretired\n"), 1);
    assert_non_null(strstr(folder_said, "expected a line in retired.txt that says why"));
}

static void the_version_of_the_suite_is_a_text(void **state)
{
    (void)state;
    char text[16];
    snprintf(text, sizeof text, "%u", SUITE_VERSION);
    assert_string_equal(suite_version(), text);
}

static void an_error_in_the_ledger_has_its_line(void **state)
{
    (void)state;
    struct ledger l;
    FILE *err = folder_listen();
    folder_write("s/ledger/c.txt", "R-1\tspec\tTwice.\nR-8 no tabs\nR-9\tspec\t\n");
    assert_false(ledger_load(&l, folder_path("s"), err));
    fclose(err);
    assert_non_null(
        strstr(folder_said, "c.txt:1:1: expected an id that no other requirement has\n"));
    assert_non_null(strstr(folder_said, "c.txt:2:1: expected ID, tab, source, tab, sentence\n"));
    assert_non_null(strstr(folder_said, "c.txt:3:10: expected"));
    ledger_free(&l);
    assert_true(ledger_load(&l, folder_path("s/a"), stderr)); /* the folder has no ledger */
    assert_int_equal(l.n, 0);
    ledger_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_are_sorted_by_id),
        cmocka_unit_test(options_choose),
        cmocka_unit_test(a_run_is_about_one_program),
        cmocka_unit_test(a_list_of_ids_chooses_cases),
        cmocka_unit_test(cases_are_listed),
        cmocka_unit_test(the_cases_are_found_beside_an_installed_program),
        cmocka_unit_test(all_bad_files_are_reported),
        cmocka_unit_test(the_sentences_of_requirements_are_found),
        cmocka_unit_test(ledger_and_cases_cover_each_other),
        cmocka_unit_test(a_must_says_what_breaks),
        cmocka_unit_test(a_departure_has_a_row_in_the_table),
        cmocka_unit_test(a_change_without_its_line_is_an_error),
        cmocka_unit_test(a_bad_line_of_the_list_of_changes_is_an_error),
        cmocka_unit_test(the_version_of_the_suite_is_a_text),
        cmocka_unit_test(an_error_in_the_ledger_has_its_line),
    };
    return cmocka_run_group_tests_name("suite", tests, folder_make, folder_remove);
}
