/* SPDX-License-Identifier: MIT */
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/text.h"

static void half_pairs_are_mended(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *out;
    } cases[] = {
        {"\\ud800", "\\ufffd"},
        {"\\uDFFFx", "\\ufffdx"},
        {"\\ud83d\\ude00", "\\ud83d\\ude00"},
        {"\\ud83d\\ud83d\\ude00", "\\ufffd\\ud83d\\ude00"},
        {"\\ude00\\ud83d", "\\ufffd\\ufffd"},
        {"\\\\ud800", "\\\\ud800"},
        {"\\ud80", "\\ud80"},
        {"\\u0041\\n\\", "\\u0041\\n\\"},
        {"\\ud800\\u0041", "\\ufffd\\u0041"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t text[64];
        size_t n = strlen(cases[i].in);
        memcpy(text, cases[i].in, n);
        assert_int_equal(json_mend_surrogates(text, n, n), n);
        assert_memory_equal(text, cases[i].out, n);
    }
}

static void keys_match_without_regard_to_case(void **state)
{
    (void)state;
    assert_true(json_key_matches(SPAN("channels"), SPAN("channels")));
    assert_true(json_key_matches(SPAN("CHANNEL\xc5\xbf"), SPAN("channels")));
    assert_false(json_key_matches(SPAN("channel"), SPAN("channels")));
    assert_false(json_key_matches(SPAN("channels2"), SPAN("channels")));
    assert_false(json_key_matches(SPAN(""), SPAN("channels")));
}

static void integers_have_bounds(void **state)
{
    (void)state;
    int64_t v = 0;
    assert_true(json_integer(SPAN("-9223372036854775808"), INT64_MIN, INT64_MAX, &v));
    assert_true(v == INT64_MIN);
    assert_true(json_integer(SPAN("9223372036854775807"), INT64_MIN, INT64_MAX, &v));
    assert_true(v == INT64_MAX);
    assert_true(json_integer(SPAN("-0"), INT64_MIN, INT64_MAX, &v));
    assert_false(json_integer(SPAN("9223372036854775808"), INT64_MIN, INT64_MAX, &v));
    assert_false(json_integer(SPAN("6"), 0, 5, &v));
    assert_false(json_integer(SPAN("1.0"), 0, 5, &v));
    assert_false(json_integer(SPAN("1e0"), 0, 5, &v));
}

static void documents_end_where_they_end(void **state)
{
    (void)state;
    static const yajl_callbacks none = {0};
    assert_true(json_read(SPAN(" {} \r\n\t"), &none, NULL));
    assert_false(json_read(SPAN("{}x"), &none, NULL));
    assert_false(json_read(SPAN("{}\f"), &none, NULL));
    assert_false(json_read(SPAN(""), &none, NULL));
    assert_false(json_read(SPAN("{"), &none, NULL));
}

static void bytes_become_valid(void **state)
{
    (void)state;
    struct buf b = {0};
    json_append_valid(&b, SPAN("a\xed\xa0\x80\xc3\xbc"));
    assert_true(span_equal(buf_span(&b), SPAN("a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xc3\xbc")));
    buf_free(&b);
}

/* At the first and the last of each range, and beside them, in each place of a pair. */
static void every_kind_of_half_pair(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *out;
    } cases[] = {
        {"\\ud7ff", "\\ud7ff"},
        {"\\ud800", "\\ufffd"},
        {"\\udbff", "\\ufffd"},
        {"\\udc00", "\\ufffd"},
        {"\\udfff", "\\ufffd"},
        {"\\ue000", "\\ue000"},
        {"\\ud7ff\\udc00", "\\ud7ff\\ufffd"},
        {"\\ud800\\udbff", "\\ufffd\\ufffd"},
        {"\\ud800\\udc00", "\\ud800\\udc00"},
        {"\\udbff\\udfff", "\\udbff\\udfff"},
        {"\\udc00\\udc00", "\\ufffd\\ufffd"},
        {"\\ud800\\ue000", "\\ufffd\\ue000"},
        {"\\ud800\\udc0", "\\ufffd\\udc0"},
        {"\\ud800udc00", "\\ufffdudc00"},
        {"\\ud800\\xdc00", "\\ufffd\\xdc00"},
        {"\\ud800\\udc00\\ud800", "\\ud800\\udc00\\ufffd"},
        {"\\ud800\\udc00\\udc00", "\\ud800\\udc00\\ufffd"},
        {"\\ud800\\udc00x\\udc00", "\\ud800\\udc00x\\ufffd"},
        {"\\ud80g", "\\ud80g"},
        {"\\ud80/", "\\ud80/"},
        {"\\ud80:", "\\ud80:"},
        {"\\ud80@", "\\ud80@"},
        {"\\ud80`", "\\ud80`"},
        {"\\uDABC", "\\ufffd"},
        {"\\udabc\\uDEF0", "\\udabc\\uDEF0"},
        {"\\\"\\ud800", "\\\"\\ufffd"},
        {"\\\\\\ud800", "\\\\\\ufffd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t text[64];
        size_t n = strlen(cases[i].in);
        memcpy(text, cases[i].in, n);
        assert_int_equal(json_mend_surrogates(text, n, n), n);
        if (memcmp(text, cases[i].out, n) != 0) {
            fail_msg("%s: %.*s", cases[i].in, (int)n, (const char *)text);
        }
    }
}

/* Each byte in each place of a key: only letters have two forms, and the long s. */
static void every_byte_of_a_key(void **state)
{
    (void)state;
    static const char name[] = "a_z";
    for (size_t at = 0; at < 3; at++) {
        for (int c = 0; c < 256; c++) {
            char key[3];
            memcpy(key, name, 3);
            key[at] = (char)c;
            bool same = c == name[at] || (name[at] != '_' && c == name[at] - 'a' + 'A');
            assert_int_equal(json_key_matches(span_make(key, 3), span_make(name, 3)), same);
        }
    }
    assert_true(json_key_matches(SPAN("\xc5\xbf"), SPAN("s")));
    assert_true(json_key_matches(SPAN("\xc5\xbft"), SPAN("st")));
    assert_false(json_key_matches(SPAN("\xc5"), SPAN("s")));
    assert_false(json_key_matches(SPAN("\xc5\xbe"), SPAN("s")));
    assert_false(json_key_matches(SPAN("\xc4\xbf"), SPAN("s")));
    assert_false(json_key_matches(SPAN("\xc5\xbf\xbf"), SPAN("s")));
}

static void every_byte_of_an_integer(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        uint8_t text[] = {'1', (uint8_t)c};
        int64_t v = 0;
        bool digit = c >= '0' && c <= '9';
        assert_int_equal(json_integer(span_make(text, 2), 0, 99, &v), digit);
        assert_true(!digit || v == 10 + c - '0');
    }
    static const struct {
        const char *text;
        int64_t least, most;
        bool good;
    } bounds[] = {{"5", 0, 5, true},       {"6", 0, 5, false},       {"-0", 0, 5, true},
                  {"-1", 0, 5, false},     {"-1", -1, 5, true},      {"-2", -1, 5, false},
                  {"99", 0, 99, true},     {"100", 0, 99, false},    {"100", 0, 100, true},
                  {"101", 0, 100, false},  {"19", 0, 20, true},      {"21", 0, 20, false},
                  {"-100", -100, 0, true}, {"-101", -100, 0, false}, {"0", 0, 0, true},
                  {"1", 0, 0, false}};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        int64_t v;
        assert_int_equal(json_integer(span_make(bounds[i].text, strlen(bounds[i].text)),
                                      bounds[i].least, bounds[i].most, &v),
                         bounds[i].good);
    }
}

/* In front of a document and behind it. */
static void every_byte_around_a_document(void **state)
{
    (void)state;
    static const yajl_callbacks none = {0};
    for (int c = 0; c < 256; c++) {
        const uint8_t behind[] = {'{', '}', (uint8_t)c};
        const uint8_t before[] = {(uint8_t)c, '{', '}'};
        const uint8_t inside[] = {'{', (uint8_t)c, '}'};
        bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        assert_int_equal(json_read(span_make(behind, 3), &none, NULL), blank);
        assert_int_equal(json_read(span_make(before, 3), &none, NULL), blank);
        assert_int_equal(json_read(span_make(inside, 3), &none, NULL), blank);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_pairs_are_mended),
        cmocka_unit_test(keys_match_without_regard_to_case),
        cmocka_unit_test(integers_have_bounds),
        cmocka_unit_test(documents_end_where_they_end),
        cmocka_unit_test(bytes_become_valid),
        cmocka_unit_test(every_kind_of_half_pair),
        cmocka_unit_test(every_byte_of_a_key),
        cmocka_unit_test(every_byte_of_an_integer),
        cmocka_unit_test(every_byte_around_a_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
