/* SPDX-License-Identifier: MIT */
/*
 * Tests of program/toml.h: what a value of each kind becomes, where it stands, which documents are
 * refused and where, and the limits.
 */
#include "program/toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Reads a copy of exactly n bytes, so that ASan sees a read past their end, or after the call. */
static struct toml_document *read_bytes(const char *p, size_t n, struct toml_error *error)
{
    char *copy = malloc(n > 0 ? n : 1);
    memcpy(copy, p, n);
    struct toml_document *document = toml_read(copy, n, error);
    free(copy);
    return document;
}

static struct toml_document *read_good(const char *text)
{
    struct toml_error error;
    struct toml_document *document = read_bytes(text, strlen(text), &error);
    if (document == NULL) {
        fail_msg("%s: %s", text, error.why);
    }
    return document;
}

static void values_have_kinds_and_places(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        enum toml_kind kind;
        unsigned line, column;
    } rows[] = {
        {"string", TOML_STRING, 1, 10}, {"integer", TOML_INTEGER, 2, 13},
        {"real", TOML_FLOAT, 3, 8},     {"boolean", TOML_BOOLEAN, 4, 13},
        {"date", TOML_TIME, 5, 6},      {"time", TOML_TIME, 6, 6},
        {"both", TOML_TIME, 7, 6},      {"\xC3\xA9\xC3\xA9", TOML_INTEGER, 8, 8},
        {"array", TOML_ARRAY, 9, 9},    {"inline", TOML_TABLE, 11, 10},
        {"dotted", TOML_TABLE, 12, 1},  {"table", TOML_TABLE, 13, 1},
        {"tables", TOML_ARRAY, 14, 1},
    };
    struct toml_document *document =
        read_good("string = \"a\"\n"
                  "  integer = -5\r\n"
                  "real = 1.5\n"
                  "boolean  =  true\n"
                  "date=1979-05-27\n"
                  "time=07:32:00\n"
                  "both=1979-05-27T07:32:00Z\n"
                  "\"\xC3\xA9\xC3\xA9\" = 1\n" /* a column is a character */
                  "array = [1,\n 2.5, [], 'x']\n"
                  "inline = {a = 1}\n"
                  "dotted.a = 1\n"
                  "[table]\n"
                  "[[tables]]\n");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct toml_value v;
        assert_true(toml_find(document, rows[i].key, &v));
        if (v.kind != rows[i].kind || v.line != rows[i].line || v.column != rows[i].column) {
            fail_msg("%s: %d at %u, %u", rows[i].key, (int)v.kind, v.line, v.column);
        }
    }
    struct toml_value v;
    assert_false(toml_find(document, "a", &v)); /* only in tables */
    assert_false(toml_find(document, "", &v));
    toml_free(document);
    toml_free(NULL);
}

static void values_are_exact(void **state)
{
    (void)state;
    struct toml_value v;
    struct toml_document *document =
        read_good("s = \"a\\u0000\\u00e9\"\ne = ''\nleast = -9223372036854775808\nhex = 0xFF\n"
                  "r = -2.5e3\nf = false\nl = [7, ['a', 'b'], true]\nn = []\n\"\" = 3");
    assert_true(toml_find(document, "s", &v));
    assert_int_equal(v.n, 4);
    assert_memory_equal(v.text, "a\0\xC3\xA9", 5); /* and the NUL at the end */
    assert_true(toml_find(document, "e", &v) && v.n == 0 && v.text[0] == '\0');
    assert_true(toml_find(document, "least", &v) && v.is.integer == INT64_MIN);
    assert_true(toml_find(document, "hex", &v) && v.is.integer == 255);
    assert_true(toml_find(document, "r", &v) && v.is.real == -2500.0);
    assert_true(toml_find(document, "f", &v) && !v.is.boolean);
    assert_true(toml_find(document, "", &v) && v.is.integer == 3);
    assert_true(toml_find(document, "n", &v) && v.n == 0);
    assert_true(toml_find(document, "l", &v) && v.n == 3);
    assert_int_equal(toml_item(&v, 0).is.integer, 7);
    struct toml_value inner = toml_item(&v, 1);
    assert_true(inner.kind == TOML_ARRAY && inner.n == 2);
    assert_string_equal(toml_item(&inner, 1).text, "b");
    assert_true(toml_item(&v, 2).is.boolean);
    assert_int_equal(toml_item(&v, 2).column, 21);
    toml_free(document);
}

static void a_bad_document_names_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        unsigned line, column;
    } rows[] = {
#define ROW(text, line, column) {text, sizeof(text) - 1, line, column}
        ROW("a", 1, 2),
        ROW("a = ", 1, 5),
        ROW("\n\n  a = x", 3, 7),
        ROW("a = 1 b = 2", 1, 7),
        ROW("a = 1\na = 2", 2, 5),
        ROW("a = \"x", 1, 7),
        ROW("a = \"\\q\"", 1, 7),
        ROW("a = \"\xFF\"", 1, 5),
        ROW("a = \"\xC3", 1, 5),
        ROW("a = '\xED\xA0\x80'", 1, 5), /* half of a surrogate pair */
        ROW("a\0 = 1", 1, 2),
        ROW("a = [1", 1, 7),
        ROW("a = {b = 1,}", 1, 12),
        ROW("a = 01", 1, 7),
        ROW("a = 9223372036854775808", 1, 24),
        ROW("[a", 1, 3),
        ROW("[`]", 1, 2), /* an assert of toml++ does not hold */
        ROW("[[a]]\n[a]", 2, 1),
        ROW("\xEF\xB9\xBF = 1", 1, 1), /* U+FE7F, for which toml++ reaches an unreachable place */
        ROW("a =\xC2\xA0 1", 1, 4),    /* a blank, but not of TOML */
#undef ROW
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct toml_error e;
        assert_null(read_bytes(rows[i].text, rows[i].n, &e));
        if (e.line != rows[i].line || e.column != rows[i].column || e.why[0] == '\0') {
            fail_msg("'%s': %u, %u: %s", rows[i].text, e.line, e.column, e.why);
        }
    }
}

/* A document with the same text n times, between a beginning and an end. */
static struct toml_document *read_repeated(const char *begin, const char *text, size_t n,
                                           const char *end, struct toml_error *error)
{
    size_t length = strlen(text);
    size_t total = strlen(begin) + n * length + strlen(end);
    char *all = malloc(total + 1);
    char *p = all + sprintf(all, "%s", begin);
    for (size_t i = 0; i < n; i++, p += length) {
        memcpy(p, text, length);
    }
    memcpy(p, end, strlen(end));
    struct toml_document *document = toml_read(all, total, error);
    free(all);
    return document;
}

static void a_reason_is_one_short_line(void **state)
{
    (void)state;
    struct toml_error e;
    assert_null(read_repeated("a = 1\n\"", "\\n\x7F", 1, "\"", &e));
    assert_null(strpbrk(e.why, "\n\r\x7F"));
    char twice[2 * 600 + 64];
    char name[601];
    memset(name, 'n', 600);
    name[600] = '\0';
    /* From every beginning, so that the cut falls into each byte of a character. */
    for (size_t i = 0; i < 4; i++) {
        for (size_t at = i; at + 2 <= 600; at += 2) {
            memcpy(name + at, "\xC3\xA9", 2);
        }
        int n = snprintf(twice, sizeof twice, "\"%s\" = 1\n\"%s\" = 2", name, name);
        assert_null(read_bytes(twice, (size_t)n, &e));
        size_t length = strlen(e.why);
        assert_in_range(length, TOML_WHY_MAX - 3, TOML_WHY_MAX - 1);
        assert_true((e.why[length - 1] & 0xFF) != 0xC3);
        memset(name, 'n', 600);
    }
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    struct toml_error e;
    toml_free(read_good("a = [[[[{b = [[{}]]}]]]]"));
    struct toml_document *document = read_repeated("a = ", "[", TOML_NESTED_MAX + 1, "", &e);
    assert_null(document);
    assert_int_equal(e.line, 1);
    assert_int_equal(e.column, 5 + TOML_NESTED_MAX);
    assert_null(read_repeated("a = ", "[\n{b = ", 100000, "", &e));
    assert_int_equal(e.line, TOML_NESTED_MAX / 2 + 1);

    document = read_repeated("a", ".a", TOML_DOTS_MAX, " = 1", &e);
    assert_non_null(document);
    toml_free(document);
    assert_null(read_repeated("a", ".a", TOML_DOTS_MAX + 1, " = 1", &e));
    assert_string_equal(e.why, "expected at most 4096 dots in a file");
    assert_int_equal(e.line, 0);
    assert_null(read_repeated("# ", ".", 500000, "", &e));
}

static void large_documents_are_read(void **state)
{
    (void)state;
    struct toml_error e;
    struct toml_value v;
    struct toml_document *document = read_repeated("a = [", "1,", 500000, "]", &e);
    assert_non_null(document);
    assert_true(toml_find(document, "a", &v) && v.n == 500000);
    toml_free(document);
    document = read_repeated("s = '", "x", 1000000, "'", &e);
    assert_true(toml_find(document, "s", &v) && v.n == 1000000 && strlen(v.text) == v.n);
    toml_free(document);
    document = read_repeated("", "[[a]]\n", 100000, "", &e);
    assert_true(toml_find(document, "a", &v) && v.n == 100000);
    toml_free(document);
}

/* Every beginning of a document is read or refused, within its bytes. */
static void a_document_may_end_anywhere(void **state)
{
    (void)state;
    static const char text[] =
        "\xEF\xBB\xBF"
        "a.\"b\\u00e9\" = [1, 2.5e1, {c = '''x'''}]\r\n"
        "[[t]] # \xC3\xA9\nd = 1979-05-27T07:32:00.5+01:00\ns = \"\"\"\n\\\n y\"\"\"\n";
    size_t good = 0;
    for (size_t n = 0; n < sizeof text; n++) {
        struct toml_error e = {0};
        struct toml_document *document = read_bytes(text, n, &e);
        assert_true((document == NULL) == (e.why[0] != '\0'));
        good += document != NULL;
        toml_free(document);
    }
    assert_in_range(good, 10, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_kinds_and_places),
        cmocka_unit_test(values_are_exact),
        cmocka_unit_test(a_bad_document_names_its_place),
        cmocka_unit_test(a_reason_is_one_short_line),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(large_documents_are_read),
        cmocka_unit_test(a_document_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
