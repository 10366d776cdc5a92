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
        json_mend_surrogates(text, n);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_pairs_are_mended),
        cmocka_unit_test(keys_match_without_regard_to_case),
        cmocka_unit_test(integers_have_bounds),
        cmocka_unit_test(documents_end_where_they_end),
        cmocka_unit_test(bytes_become_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
