/* SPDX-License-Identifier: MIT */
/* Tests of program/goflag.h over a small table. The error texts are those of Go's flag package. */
#include "program/goflag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fields {
    int64_t before; /* must stay 0: nothing writes outside a field */
    bool on;
    bool plain;
    int64_t count;
    int64_t wait;
    const char *name;
    const char *host;
    struct goflag_strings peers;
    struct goflag_floats shares;
    int64_t word;
    int64_t bool_word;
    int64_t after;
};

/* Accepts "one" and "two"; the error contains the given value. */
static bool set_word(int64_t *field, const char *value, struct line *why)
{
    if (strcmp(value, "one") == 0 || strcmp(value, "true") == 0) {
        *field = 1;
    } else if (strcmp(value, "two") == 0) {
        *field = 2;
    } else {
        line_add(why, "no word '%s'", value);
        return false;
    }
    return true;
}

#define AT(member) offsetof(struct fields, member)

static const struct goflag rows[] = {
    {"on", GOFLAG_BOOL, AT(on), "true", "is on", NULL, "help of on"},
    {"plain", GOFLAG_BOOL, AT(plain), "false", NULL, NULL, "help of plain"},
    {"count", GOFLAG_INT, AT(count), "0x10", "counts", NULL, "help of count"},
    {"wait", GOFLAG_DURATION, AT(wait), "1m", "waits", NULL, "help of wait"},
    {"name", GOFLAG_STRING, AT(name), "a b", "is a name", NULL, "help of name"},
    {"host", GOFLAG_STRING, AT(host), NULL, "is a host", NULL, "help of host"},
    {"peers", GOFLAG_STRINGS, AT(peers), "", "has peers", NULL, "help of peers"},
    {"shares", GOFLAG_FLOATS, AT(shares), "", "has shares", NULL, "help of shares"},
    {"word", GOFLAG_WORD, AT(word), "one", "is a word", set_word, "help of word"},
    {"bool-word", GOFLAG_BOOL_WORD, AT(bool_word), "two", "is half a word", set_word,
     "help of bool-word"},
};
#define ROWS (sizeof rows / sizeof rows[0])

static const struct goflag_table table = {.program = "prog", .rows = rows, .n = ROWS};

struct parsed {
    struct fields f;
    bool given[ROWS];
    char text[256];
    struct line error;
    enum goflag_result r;
};

/* Parses words that are separated by '|', so that a word may be empty. */
static void parse(struct parsed *p, const char *command)
{
    static char words[600]; /* borrowed by the fields until the next parse */
    char *argv[GOFLAG_LIST_MAX + 8] = {"prog"};
    int argc = 1;
    memset(p, 0, sizeof *p);
    line_start(&p->error, p->text, sizeof p->text);
    goflag_defaults(&table, &p->f);
    p->f.host = "here";
    assert_true((size_t)snprintf(words, sizeof words, "%s", command) < sizeof words);
    for (char *w = words; command[0] != '\0' && w != NULL;) {
        argv[argc++] = w;
        w = strchr(w, '|');
        if (w != NULL) {
            *w++ = '\0';
        }
    }
    p->r = goflag_parse(&table, argc, argv, &p->f, p->given, &p->error);
    assert_int_equal(p->f.before, 0);
    assert_int_equal(p->f.after, 0);
}

static void defaults_are_read_like_values(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "");
    assert_int_equal(p.r, GOFLAG_DONE);
    assert_true(p.f.on);
    assert_false(p.f.plain);
    assert_int_equal(p.f.count, 16);
    assert_int_equal(p.f.wait, 60000000000);
    assert_string_equal(p.f.name, "a b");
    assert_string_equal(p.f.host, "here");
    assert_int_equal(p.f.peers.n, 0);
    assert_int_equal(p.f.shares.n, 0);
    assert_int_equal(p.f.word, 1);
    assert_int_equal(p.f.bool_word, 2);
    for (size_t i = 0; i < ROWS; i++) {
        assert_false(p.given[i]);
    }
}

static void lists_start_empty(void **state)
{
    (void)state;
    struct fields f;
    memset(&f, 0xAA, sizeof f);
    goflag_defaults(&table, &f);
    assert_int_equal(f.peers.n, 0);
    assert_int_equal(f.shares.n, 0);
}

/* Each of these sets count to 7, and nothing else is read. */
static const char *const spellings[] = {
    "-count=7", "--count=7", "-count|7", "--count|7", "-count|0x7", "-count=0b111", "-count=+7",
};

static void a_value_has_four_spellings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        struct parsed p;
        parse(&p, spellings[i]);
        if (p.r != GOFLAG_DONE || p.f.count != 7 || !p.given[2] || p.given[1] || p.given[3]) {
            fail_msg("%s: result %d, count %d", spellings[i], p.r, (int)p.f.count);
        }
    }
}

static const struct {
    const char *command;
    enum goflag_result r;
    const char *error;
} errors[] = {
    {"-nope", GOFLAG_BAD, "flag provided but not defined: -nope"},
    {"--nope", GOFLAG_BAD, "flag provided but not defined: -nope"},
    {"-nope=1", GOFLAG_BAD, "flag provided but not defined: -nope"},
    {"-coun=1", GOFLAG_BAD, "flag provided but not defined: -coun"},
    {"-counts=1", GOFLAG_BAD, "flag provided but not defined: -counts"},
    {"-Count=1", GOFLAG_BAD, "flag provided but not defined: -Count"},
    {"-count =1", GOFLAG_BAD, "flag provided but not defined: -count "},
    {"-hh", GOFLAG_BAD, "flag provided but not defined: -hh"},
    {"-hel", GOFLAG_BAD, "flag provided but not defined: -hel"},
    {"-helo", GOFLAG_BAD, "flag provided but not defined: -helo"},
    {"-7", GOFLAG_BAD, "flag provided but not defined: -7"},
    {"---count=7", GOFLAG_BAD, "bad flag syntax: ---count=7"},
    {"---", GOFLAG_BAD, "bad flag syntax: ---"},
    {"-=7", GOFLAG_BAD, "bad flag syntax: -=7"},
    {"--=7", GOFLAG_BAD, "bad flag syntax: --=7"},
    {"-=", GOFLAG_BAD, "bad flag syntax: -="},
    {"-count", GOFLAG_BAD, "flag needs an argument: -count"},
    {"--name", GOFLAG_BAD, "flag needs an argument: -name"},
    {"-peers", GOFLAG_BAD, "flag needs an argument: -peers"},
    {"-shares", GOFLAG_BAD, "flag needs an argument: -shares"},
    {"-word", GOFLAG_BAD, "flag needs an argument: -word"},
    {"-wait", GOFLAG_BAD, "flag needs an argument: -wait"},

    {"-count=x", GOFLAG_BAD, "invalid value \"x\" for flag -count: parse error"},
    {"-count=", GOFLAG_BAD, "invalid value \"\" for flag -count: parse error"},
    {"-count|", GOFLAG_BAD, "invalid value \"\" for flag -count: parse error"},
    {"-count=7=8", GOFLAG_BAD, "invalid value \"7=8\" for flag -count: parse error"},
    {"-count|-on", GOFLAG_BAD, "invalid value \"-on\" for flag -count: parse error"},
    {"-count=9223372036854775808", GOFLAG_BAD,
     "invalid value \"9223372036854775808\" for flag -count: value out of range"},
    {"-wait=60", GOFLAG_BAD, "invalid value \"60\" for flag -wait: parse error"},
    {"-wait=a\"\n", GOFLAG_BAD, "invalid value \"a\\\"\\n\" for flag -wait: parse error"},
    {"-word=three", GOFLAG_BAD, "invalid value \"three\" for flag -word: no word 'three'"},
    {"-on=x", GOFLAG_BAD, "invalid boolean value \"x\" for -on: parse error"},
    {"-on=", GOFLAG_BAD, "invalid boolean value \"\" for -on: parse error"},
    {"-bool-word=", GOFLAG_BAD, "invalid boolean value \"\" for -bool-word: no word ''"},
    {"-shares=x", GOFLAG_FATAL, "Could not parse: x"},
    {"-shares=", GOFLAG_FATAL, "Could not parse: "},
    {"-shares=0.5,", GOFLAG_FATAL, "Could not parse: "},
    {"-shares=,0.5", GOFLAG_FATAL, "Could not parse: "},
    {"-shares=0.5, 0.6,0.7", GOFLAG_FATAL, "Could not parse:  0.6"},
    {"-shares=1e999,x", GOFLAG_FATAL, "Could not parse: 1e999"},

    /* the first error is reported */
    {"-count=x|-nope", GOFLAG_BAD, "invalid value \"x\" for flag -count: parse error"},
    {"-on|-nope|-count=x", GOFLAG_BAD, "flag provided but not defined: -nope"},
    {"-h|-nope", GOFLAG_HELP, ""},
    {"-nope|-h", GOFLAG_BAD, "flag provided but not defined: -nope"},

    {"-h", GOFLAG_HELP, ""},
    {"--h", GOFLAG_HELP, ""},
    {"-help", GOFLAG_HELP, ""},
    {"--help", GOFLAG_HELP, ""},
    {"-h=1", GOFLAG_HELP, ""},
    {"--help=x", GOFLAG_HELP, ""},
    {"-count|7|-h", GOFLAG_HELP, ""},
    {"-name|-h", GOFLAG_DONE, ""},
};

static void errors_are_worded_as_in_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct parsed p;
        parse(&p, errors[i].command);
        if (p.r != errors[i].r || strcmp(p.text, errors[i].error) != 0) {
            fail_msg("%s: result %d, '%s'", errors[i].command, p.r, p.text);
        }
    }
}

/* None of these sets count, and none is an error. */
static const char *const ends[] = {
    "--|-count=7",        "-|-count=7", "x|-count=7", "|-count=7",
    "-on|false|-count=7", "7|-h",       "-on|--|-h",
};

static void the_first_argument_that_is_no_flag_ends_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct parsed p;
        parse(&p, ends[i]);
        if (p.r != GOFLAG_DONE || p.f.count != 16 || p.given[2]) {
            fail_msg("%s: result %d, count %d", ends[i], p.r, (int)p.f.count);
        }
    }
    struct fields f;
    bool given[ROWS] = {false};
    struct line error = {.p = (char[1]){0}, .cap = 1};
    char *const nobody[] = {NULL};
    assert_int_equal(goflag_parse(&table, 0, nobody, &f, given, &error), GOFLAG_DONE);
}

static void a_boolean_takes_its_value_behind_the_sign_only(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "-on=false|-plain|-bool-word");
    assert_int_equal(p.r, GOFLAG_DONE);
    assert_false(p.f.on);
    assert_true(p.f.plain);
    assert_int_equal(p.f.bool_word, 1);
    parse(&p, "-on|-bool-word=two|-plain=T");
    assert_true(p.f.on);
    assert_true(p.f.plain);
    assert_int_equal(p.f.bool_word, 2);
    parse(&p, "-plain|true");
    assert_true(p.f.plain);
    parse(&p, "-plain=1|-plain=0");
    assert_false(p.f.plain);
    assert_true(p.given[1]);
}

static void each_kind_reaches_its_field(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "-wait=-1.5s|-name=|-host|-x=y|-word=two|-count=1|-count=-2");
    assert_int_equal(p.r, GOFLAG_DONE);
    assert_int_equal(p.f.wait, -1500000000);
    assert_string_equal(p.f.name, "");
    assert_string_equal(p.f.host, "-x=y");
    assert_int_equal(p.f.word, 2);
    assert_int_equal(p.f.count, -2);
    static const bool expected[ROWS] = {false, false, true,  true, true,
                                        true,  false, false, true, false};
    assert_memory_equal(p.given, expected, sizeof expected);
}

static void a_list_keeps_every_value(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "-peers=a|-peers|b|-peers=|-peers=a,b");
    assert_int_equal(p.r, GOFLAG_DONE);
    assert_int_equal(p.f.peers.n, 4);
    assert_string_equal(p.f.peers.v[0], "a");
    assert_string_equal(p.f.peers.v[1], "b");
    assert_string_equal(p.f.peers.v[2], "");
    assert_string_equal(p.f.peers.v[3], "a,b");
}

static void floats_are_kept_from_the_largest_down(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "-shares=0.5,0.99|-shares|0.75,-1,0.99");
    static const double expected[] = {0.99, 0.99, 0.75, 0.5, -1};
    assert_int_equal(p.r, GOFLAG_DONE);
    assert_int_equal(p.f.shares.n, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_true(p.f.shares.v[i] == expected[i]);
    }
    assert_true(p.given[7]);
}

/* Parses the word repeated `times` times, with a start before and an end after it. */
static void repeat(struct parsed *p, const char *start, const char *word, size_t times,
                   const char *end)
{
    char command[600];
    struct line l;
    line_start(&l, command, sizeof command);
    line_add(&l, "%s", start);
    for (size_t i = 0; i < times; i++) {
        line_add(&l, "%s", word);
    }
    line_add(&l, "%s", end);
    assert_false(l.cut);
    parse(p, command);
}

static void a_list_has_a_largest(void **state)
{
    (void)state;
    struct parsed p;
    repeat(&p, "", "-peers=|", GOFLAG_LIST_MAX - 1, "x");
    assert_int_equal(p.r, GOFLAG_DONE);
    assert_int_equal(p.f.peers.n, GOFLAG_LIST_MAX - 1);
    repeat(&p, "", "-peers=|", GOFLAG_LIST_MAX - 1, "-peers|a");
    assert_int_equal(p.r, GOFLAG_DONE);
    assert_int_equal(p.f.peers.n, GOFLAG_LIST_MAX);
    repeat(&p, "", "-peers=|", GOFLAG_LIST_MAX, "-peers|a");
    assert_int_equal(p.r, GOFLAG_BAD);
    assert_string_equal(p.text, "invalid value \"a\" for flag -peers: more than 64 values");

    repeat(&p, "-shares=", "1,", GOFLAG_LIST_MAX - 1, "0.5");
    assert_int_equal(p.r, GOFLAG_DONE);
    assert_int_equal(p.f.shares.n, GOFLAG_LIST_MAX);
    repeat(&p, "-shares=", "1,", GOFLAG_LIST_MAX, "0.5");
    assert_int_equal(p.r, GOFLAG_BAD);
    assert_non_null(strstr(p.text, "for flag -shares: more than 64 values"));
}

static void a_long_value_leaves_room_for_the_rest(void **state)
{
    (void)state;
    struct fields f;
    bool given[ROWS] = {false};
    char value[1000] = "-word=";
    memset(value + 6, 'x', sizeof value - 7);
    char *argv[] = {"prog", value};
    char buf[200];
    struct line error;
    line_start(&error, buf, sizeof buf);
    goflag_defaults(&table, &f);
    assert_int_equal(goflag_parse(&table, 2, argv, &f, given, &error), GOFLAG_BAD);
    assert_int_equal(strlen(buf), sizeof buf - 1);
    assert_string_equal(buf + sizeof buf - 4, "...");
}

static void the_usage_lists_all_flags_by_name(void **state)
{
    (void)state;
    char buf[1024];
    struct line out;
    line_start(&out, buf, sizeof buf);
    goflag_usage(&table, &out);
    assert_string_equal(buf, "Usage of prog:\n"
                             "  -bool-word\n    \thelp of bool-word (default two)\n"
                             "  -count int\n    \thelp of count (default 0x10)\n"
                             "  -host string\n    \thelp of host\n"
                             "  -name string\n    \thelp of name (default \"a b\")\n"
                             "  -on\n    \thelp of on (default true)\n"
                             "  -peers value\n    \thelp of peers\n"
                             "  -plain\n    \thelp of plain\n"
                             "  -shares value\n    \thelp of shares\n"
                             "  -wait duration\n    \thelp of wait (default 1m)\n"
                             "  -word value\n    \thelp of word (default one)\n");
}

static void a_default_of_zero_is_not_listed(void **state)
{
    (void)state;
    static const struct goflag zero[] = {{"z", GOFLAG_INT, AT(count), "0", NULL, NULL, "zed"}};
    const struct goflag_table one = {.program = "p", .rows = zero, .n = 1};
    char buf[64];
    struct line out;
    line_start(&out, buf, sizeof buf);
    goflag_usage(&one, &out);
    assert_string_equal(buf, "Usage of p:\n  -z int\n    \tzed\n");
}

static const struct {
    const char *command;
    const char *warnings; /* each ends with ';' */
} warned[] = {
    {"", ""},
    {"-count=17", "--count counts;"},
    {"-count=16", ""},
    {"-count=0x10", ""},
    {"-count=1|-count=16", ""},
    {"-wait=61s", "--wait waits;"},
    {"-wait=60s", ""},
    {"-on=false", "--on is on;"},
    {"-on", ""},
    {"-plain", ""},
    {"-name=c", "--name is a name;"},
    {"-name=a b", ""},
    {"-name=", ""}, /* off */
    {"-host=there", "--host is a host;"},
    {"-host=", ""},
    {"-peers=", "--peers has peers;"},
    {"-shares=1", "--shares has shares;"},
    {"-word=two", "--word is a word;"},
    {"-word=one", ""},
    {"-bool-word", "--bool-word is half a word;"},
    {"-bool-word=two", ""},
    {"-wait=1s|-count=1|-on=0", "--on is on;--count counts;--wait waits;"},
    {"-count=1|-count=2", "--count counts;"},
};

static void what_differs_from_its_default_is_warned_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof warned / sizeof warned[0]; i++) {
        struct parsed p;
        char all[256];
        struct line out;
        size_t at = 0;
        parse(&p, warned[i].command);
        assert_int_equal(p.r, GOFLAG_DONE);
        line_start(&out, all, sizeof all);
        while (goflag_next_warning(&table, &p.f, p.given, &at, &out)) {
            line_add(&out, ";");
        }
        if (strcmp(all, warned[i].warnings) != 0) {
            fail_msg("%s: '%s'", warned[i].command, all);
        }
    }
}

static void warnings_end_with_the_table(void **state)
{
    (void)state;
    struct fields f;
    bool *none =
        calloc(ROWS, sizeof *none); /* so that ASan sees an access to a row after the last */
    struct line out = {.p = (char[1]){0}, .cap = 1};
    size_t at = 0;
    goflag_defaults(&table, &f);
    assert_false(goflag_next_warning(&table, &f, none, &at, &out));
    assert_int_equal(at, ROWS);
    assert_false(goflag_next_warning(&table, &f, none, &at, &out));
    free(none);
}

static void rows_are_found_by_their_whole_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(goflag_find(&table, rows[i].name, strlen(rows[i].name)), i);
    }
    assert_int_equal(goflag_find(&table, "on=1", 2), 0);
    assert_int_equal(goflag_find(&table, "on", 1), ROWS);
    assert_int_equal(goflag_find(&table, "", 0), ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_read_like_values),
        cmocka_unit_test(lists_start_empty),
        cmocka_unit_test(a_value_has_four_spellings),
        cmocka_unit_test(errors_are_worded_as_in_go),
        cmocka_unit_test(the_first_argument_that_is_no_flag_ends_them),
        cmocka_unit_test(a_boolean_takes_its_value_behind_the_sign_only),
        cmocka_unit_test(each_kind_reaches_its_field),
        cmocka_unit_test(a_list_keeps_every_value),
        cmocka_unit_test(floats_are_kept_from_the_largest_down),
        cmocka_unit_test(a_list_has_a_largest),
        cmocka_unit_test(a_long_value_leaves_room_for_the_rest),
        cmocka_unit_test(the_usage_lists_all_flags_by_name),
        cmocka_unit_test(a_default_of_zero_is_not_listed),
        cmocka_unit_test(what_differs_from_its_default_is_warned_of),
        cmocka_unit_test(warnings_end_with_the_table),
        cmocka_unit_test(rows_are_found_by_their_whole_name),
    };
    return cmocka_run_group_tests_name("goflag", tests, NULL, NULL);
}
