/* SPDX-License-Identifier: MIT */
/*
 * Tests of program/goconfig.h over a small table: each kind of value for each kind of flag, what
 * wins, and the errors. What is accepted was seen on nsqd 1.3.0 with flags of the same kind, and so
 * was what is refused there; departure 42 has the rest.
 */
#include "program/goconfig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct fields {
    bool on;
    int64_t count;
    int64_t wait_time;
    const char *name;
    struct goflag_strings peers;
    struct goflag_floats shares;
    int64_t word;
    int64_t half;
    int64_t hidden;
};

/* Accepts "one", "two", "true" and "2". */
static bool set_word(int64_t *field, const char *value, struct line *why)
{
    if (strcmp(value, "one") == 0 || strcmp(value, "true") == 0) {
        *field = 1;
        return true;
    }
    if (strcmp(value, "two") == 0 || strcmp(value, "2") == 0) {
        *field = 2;
        return true;
    }
    line_add(why, "no word");
    return false;
}

#define AT(member) offsetof(struct fields, member)

static const struct goflag rows[] = {
    {"on", GOFLAG_BOOL, AT(on), "true", NULL, NULL, ""},
    {"count", GOFLAG_INT, AT(count), "7", NULL, NULL, ""},
    {"wait-time", GOFLAG_DURATION, AT(wait_time), "1s", NULL, NULL, ""},
    {"name", GOFLAG_STRING, AT(name), "a", NULL, NULL, ""},
    {"peers", GOFLAG_STRINGS, AT(peers), "", NULL, NULL, ""},
    {"shares", GOFLAG_FLOATS, AT(shares), "", NULL, NULL, ""},
    {"word", GOFLAG_WORD, AT(word), "one", NULL, set_word, "a word: one, two"},
    {"half", GOFLAG_BOOL_WORD, AT(half), "two", NULL, set_word, "half a word: true, 2"},
    {"hidden", GOFLAG_INT, AT(hidden), "3", NULL, NULL, ""},
};
#define ROWS (sizeof rows / sizeof rows[0])

static const struct goflag_key keys[] = {{"hidden", NULL}, {"peers", "all_peers"}};
static const struct goflag_table table = {
    .program = "prog", .rows = rows, .n = ROWS, .keys = keys, .key_count = COUNT(keys)};

struct run {
    struct fields f;
    bool given[ROWS];
    struct toml_document *document;
    char error[512];
    bool ok;
};

/* Applies a document. `given` is one flag of the command line with its value, or NULL. */
static void apply(struct run *r, const char *text, const char *given)
{
    struct toml_error e;
    struct line line;
    char buf[64];
    char *argv[] = {"prog", (char *)(uintptr_t)given};
    memset(r, 0, sizeof *r);
    goflag_defaults(&table, &r->f);
    line_start(&line, buf, sizeof buf);
    assert_int_equal(goflag_parse(&table, given == NULL ? 1 : 2, argv, &r->f, r->given, &line),
                     GOFLAG_DONE);
    r->document = toml_read(text, strlen(text), &e);
    if (r->document == NULL) {
        fail_msg("'%s': %s", text, e.why);
    }
    line_start(&line, r->error, sizeof r->error);
    r->ok = goconfig_apply(&table, r->document, &r->f, r->given, &line);
    assert_true(r->ok == (r->error[0] == '\0'));
}

/* Applies a document that must be accepted. The caller frees r->document. */
static void accept(struct run *r, const char *text)
{
    apply(r, text, NULL);
    if (!r->ok) {
        fail_msg("'%s': %s", text, r->error);
    }
}

static void booleans(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool on;
    } good[] = {
        {"on = true", true}, {"on = false", false}, {"on = \"F\"", false}, {"on = '1'", true},
        {"", true},
    };
    struct run r;
    for (size_t i = 0; i < COUNT(good); i++) {
        accept(&r, good[i].text);
        assert_int_equal(r.f.on, good[i].on);
        assert_int_equal(r.given[0], i < 4);
        toml_free(r.document);
    }
}

static void integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t count;
    } good[] = {
        {"count = 5", 5},         {"count = -0", 0},
        {"count = 0x10", 16},     {"count = 9223372036854775807", INT64_MAX},
        {"count = \"5\"", 5},     {"count = '-9223372036854775808'", INT64_MIN},
        {"count = '010'", 10},    {"count = '+5'", 5},
        {"\"count\" = 6 # x", 6},
    };
    struct run r;
    for (size_t i = 0; i < COUNT(good); i++) {
        accept(&r, good[i].text);
        assert_int_equal(r.f.count, good[i].count);
        toml_free(r.document);
    }
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {
        {"wait_time = '1h'", 3600000000000},
        {"wait_time = '-1.5us'", -1500},
        {"wait_time = '0'", 0},
        {"wait_time = 0", 0},
        {"wait_time = 5", 5000000},
        {"wait_time = -5", -5000000},
        {"wait_time = 9223372036854", 9223372036854000000},
        {"wait_time = -9223372036854", -9223372036854000000},
    };
    struct run r;
    for (size_t i = 0; i < COUNT(good); i++) {
        accept(&r, good[i].text);
        assert_int_equal(r.f.wait_time, good[i].ns);
        toml_free(r.document);
    }
}

static void strings_and_lists(void **state)
{
    (void)state;
    struct run r;
    accept(&r, "name = \"\"\"\nx\ny\"\"\"\nall_peers = ['a,b', '', 'c']\nshares = [0.5, 1.0, 0.9]\n"
               "peers = 5\n");
    assert_string_equal(r.f.name, "x\ny");
    assert_int_equal(r.f.peers.n, 3);
    assert_string_equal(r.f.peers.v[0], "a,b");
    assert_string_equal(r.f.peers.v[1], "");
    assert_string_equal(r.f.peers.v[2], "c");
    assert_int_equal(r.f.shares.n, 3);
    assert_true(r.f.shares.v[0] == 0.5 && r.f.shares.v[1] == 1.0 && r.f.shares.v[2] == 0.9);
    toml_free(r.document);

    accept(&r, "name = ''\nall_peers = 'a,,b c'\nshares = \" 0.5,0x1p0\\t, 1e-1\"");
    assert_string_equal(r.f.name, "");
    assert_int_equal(r.f.peers.n, 3);
    assert_string_equal(r.f.peers.v[0], "a");
    assert_string_equal(r.f.peers.v[1], "");
    assert_string_equal(r.f.peers.v[2], "b c");
    assert_int_equal(r.f.shares.n, 3);
    assert_true(r.f.shares.v[0] == 0.5 && r.f.shares.v[1] == 1.0 && r.f.shares.v[2] == 0.1);
    toml_free(r.document);

    accept(&r, "all_peers = ''\nshares = '1'");
    assert_int_equal(r.f.peers.n, 1);
    assert_string_equal(r.f.peers.v[0], "");
    assert_int_equal(r.f.shares.n, 1);
    toml_free(r.document);

    accept(&r, "all_peers = []\nshares = []");
    assert_true(r.f.peers.n == 0 && r.f.shares.n == 0);
    toml_free(r.document);
}

static void words(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t word, half;
    } good[] = {
        {"", 1, 2},
        {"word = 'two'\nhalf = 'one'", 2, 1},
        {"half = true", 1, 1},
        {"half = 2", 1, 2},
        {"word = 'true'", 1, 2},
    };
    struct run r;
    for (size_t i = 0; i < COUNT(good); i++) {
        accept(&r, good[i].text);
        assert_int_equal(r.f.word, good[i].word);
        assert_int_equal(r.f.half, good[i].half);
        toml_free(r.document);
    }
}

#define BOOL_ "expected true or false, found "
#define INT_ "expected an integer, found "
#define DURATION_ "expected a duration such as \"1m30s\", or an integer of milliseconds, found "
#define STRINGS_ "expected a list of strings, found "
#define FLOATS_ "expected a list of floats such as [0.99, 0.95], found "

static void other_values_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } bad[] = {
        {"on = 1", "line 1, column 6: on: " BOOL_ "1"},
        {"on = 0", "line 1, column 6: on: " BOOL_ "0"},
        {"on = 'yes'", "line 1, column 6: on: " BOOL_ "\"yes\""},
        {"on = ''", "line 1, column 6: on: " BOOL_ "\"\""},
        {"on = 1.0", "line 1, column 6: on: " BOOL_ "the float 1"},
        {"on = []", "line 1, column 6: on: " BOOL_ "an array"},
        {"\n[on]", "line 2, column 1: on: " BOOL_ "a table"},
        {"on = 07:32:00", "line 1, column 6: on: " BOOL_ "a date or a time"},
        {"on = \"1\\u0000\"", "line 1, column 6: on: " BOOL_ "a string with a NUL"},

        {"count = 5.0", "line 1, column 9: count: " INT_ "the float 5"},
        {"count = true", "line 1, column 9: count: " INT_ "true"},
        {"count = '0x5'", "line 1, column 9: count: " INT_ "\"0x5\""},
        {"count = '1_0'", "line 1, column 9: count: " INT_ "\"1_0\""},
        {"count = ''", "line 1, column 9: count: " INT_ "\"\""},
        {"count = '9223372036854775808'",
         "line 1, column 9: count: " INT_ "\"9223372036854775808\""},
        {"count = [1]", "line 1, column 9: count: " INT_ "an array"},
        {"count = {}", "line 1, column 9: count: " INT_ "a table"},
        {"count.x = 1", "line 1, column 1: count: " INT_ "a table"},

        {"wait_time = '5'", "line 1, column 13: wait_time: " DURATION_ "\"5\""},
        {"wait_time = 5.5", "line 1, column 13: wait_time: " DURATION_ "the float 5.5"},
        {"wait_time = false", "line 1, column 13: wait_time: " DURATION_ "false"},
        {"wait_time = 9223372036855", "line 1, column 13: wait_time: " DURATION_ "9223372036855"},
        {"wait_time = -9223372036855", "line 1, column 13: wait_time: " DURATION_ "-9223372036855"},

        {"name = 5", "line 1, column 8: name: expected a string, found 5"},
        {"name = true", "line 1, column 8: name: expected a string, found true"},
        {"name = ['a']", "line 1, column 8: name: expected a string, found an array"},
        {"name = 1979-05-27", "line 1, column 8: name: expected a string, found a date or a time"},
        {"name = \"a\\u0000b\"",
         "line 1, column 8: name: expected a string, found a string with a NUL"},

        {"all_peers = 5", "line 1, column 13: all_peers: " STRINGS_ "5"},
        {"all_peers = true", "line 1, column 13: all_peers: " STRINGS_ "true"},
        {"[[all_peers]]", "line 1, column 1: all_peers: " STRINGS_ "a table"},
        {"all_peers = ['a',\n 5]", "line 2, column 2: all_peers: " STRINGS_ "5"},
        {"all_peers = [['a']]", "line 1, column 14: all_peers: " STRINGS_ "an array"},
        {"all_peers = ['a', \"\\u0000\"]",
         "line 1, column 19: all_peers: " STRINGS_ "a string with a NUL"},

        {"shares = 0.5", "line 1, column 10: shares: " FLOATS_ "the float 0.5"},
        {"shares = [0.5, 1]", "line 1, column 16: shares: " FLOATS_ "1"},
        {"shares = ['0.5']", "line 1, column 11: shares: " FLOATS_ "\"0.5\""},
        {"shares = ''", "line 1, column 10: shares: " FLOATS_ "\"\""},
        {"shares = ' '", "line 1, column 10: shares: " FLOATS_ "\" \""},
        {"shares = '0.5,'", "line 1, column 10: shares: " FLOATS_ "\"0.5,\""},
        {"shares = '0 5'", "line 1, column 10: shares: " FLOATS_ "\"0 5\""},

        {"word = 'three'", "line 1, column 8: word: expected one, two, found \"three\""},
        {"word = true", "line 1, column 8: word: expected one, two, found true"},
        {"word = 2", "line 1, column 8: word: expected one, two, found 2"},
        {"word = \"two\\u0000\"",
         "line 1, column 8: word: expected one, two, found a string with a NUL"},
        {"half = false", "line 1, column 8: half: expected true, 2, found false"},
        {"half = 1", "line 1, column 8: half: expected true, 2, found 1"},
        {"half = 2.0", "line 1, column 8: half: expected true, 2, found the float 2"},
        {"half = [2]", "line 1, column 8: half: expected true, 2, found an array"},

        /* words come first, then the order is that of the table */
        {"name = 5\ncount = true\nhalf = 1", "line 3, column 8: half: expected true, 2, found 1"},
        {"name = 5\ncount = true", "line 2, column 9: count: " INT_ "true"},
    };
    struct run r;
    for (size_t i = 0; i < COUNT(bad); i++) {
        apply(&r, bad[i].text, NULL);
        if (strcmp(r.error, bad[i].error) != 0) {
            fail_msg("'%s': %s", bad[i].text, r.error);
        }
        toml_free(r.document);
    }
}

static void the_command_line_wins(void **state)
{
    (void)state;
    static const char text[] = "on = false\ncount = 5\nwait_time = 5\nname = 'file'\n"
                               "all_peers = ['file']\nshares = [0.5]\nword = 'two'\nhalf = 'one'\n";
    static const char *const flags[] = {"-on",         "-count=9",    "-wait-time=9s", "-name=line",
                                        "-peers=line", "-shares=0.9", "-word=one",     "-half=2"};
    struct run r;
    for (size_t i = 0; i < COUNT(flags); i++) {
        apply(&r, text, flags[i]);
        assert_true(r.ok);
        assert_int_equal(r.f.on, i == 0);
        assert_int_equal(r.f.count, i == 1 ? 9 : 5);
        assert_int_equal(r.f.wait_time, i == 2 ? 9000000000 : 5000000);
        assert_string_equal(r.f.name, i == 3 ? "line" : "file");
        assert_int_equal(r.f.peers.n, 1);
        assert_string_equal(r.f.peers.v[0], i == 4 ? "line" : "file");
        assert_int_equal(r.f.shares.n, 1);
        assert_true(r.f.shares.v[0] == (i == 5 ? 0.9 : 0.5));
        assert_int_equal(r.f.word, i == 6 ? 1 : 2);
        assert_int_equal(r.f.half, i == 7 ? 2 : 1);
        toml_free(r.document);
    }
    /* A value that loses is not looked at, except for a word. */
    apply(&r, "count = true", "-count=9");
    assert_true(r.ok && r.f.count == 9);
    toml_free(r.document);
    apply(&r, "word = 'three'", "-word=two");
    assert_string_equal(r.error, "line 1, column 8: word: expected one, two, found \"three\"");
    assert_int_equal(r.f.word, 2);
    toml_free(r.document);
}

static void other_keys_have_no_effect(void **state)
{
    (void)state;
    struct run r;
    accept(&r,
           "hidden = 5\npeers = ['a']\nwait-time = '5s'\nCOUNT = 5\nnope = 5\n[t]\ncount = 5\n");
    assert_int_equal(r.f.hidden, 3);
    assert_int_equal(r.f.peers.n, 0);
    assert_int_equal(r.f.wait_time, 1000000000);
    assert_int_equal(r.f.count, 7);
    for (size_t i = 0; i < ROWS; i++) {
        assert_false(r.given[i]);
    }
    toml_free(r.document);
}

static void lists_have_a_longest(void **state)
{
    (void)state;
    static const struct {
        const char *key, *item, *string, *error;
    } lists[] = {
        {"all_peers", "'x',", "'", "all_peers: expected at most 64 values, found "},
        {"shares", "0.5,", "'", "shares: expected at most 64 values, found "},
    };
    struct run r;
    for (size_t i = 0; i < 4; i++) {
        bool array = i % 2 == 0;
        for (size_t n = GOFLAG_LIST_MAX; n <= GOFLAG_LIST_MAX + 1; n++) {
            char text[1024];
            size_t at = (size_t)snprintf(text, sizeof text, "%s = %s", lists[i / 2].key,
                                         array ? "[" : "'0.5");
            for (size_t k = array ? 0 : 1; k < n; k++) {
                at += (size_t)snprintf(text + at, sizeof text - at, "%s",
                                       array ? lists[i / 2].item : ",0.5");
            }
            snprintf(text + at, sizeof text - at, "%s", array ? "]" : "'");
            apply(&r, text, NULL);
            assert_int_equal(r.ok, n == GOFLAG_LIST_MAX);
            assert_int_equal(i < 2 ? r.f.peers.n : r.f.shares.n, GOFLAG_LIST_MAX);
            assert_true(r.ok || strstr(r.error, lists[i / 2].error) != NULL);
            toml_free(r.document);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(booleans),
        cmocka_unit_test(integers),
        cmocka_unit_test(durations),
        cmocka_unit_test(strings_and_lists),
        cmocka_unit_test(words),
        cmocka_unit_test(other_values_are_refused),
        cmocka_unit_test(the_command_line_wins),
        cmocka_unit_test(other_keys_have_no_effect),
        cmocka_unit_test(lists_have_a_longest),
    };
    return cmocka_run_group_tests_name("goconfig", tests, NULL, NULL);
}
