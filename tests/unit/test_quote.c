/* SPDX-License-Identifier: MIT */
/* Tests of json/quote.h: each class of characters and of broken UTF-8, as Go's %q prints it. */
#include "json/quote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/world.h"

static const struct row {
    const char *rule;
    struct span in;
    const char *out;
} rows[] = {
#define ROW(rule, in, out)                                                                         \
    {                                                                                              \
        rule, SPAN_LITERAL(in), out                                                                \
    }
    ROW("nothing", "", "\"\""),
    ROW("plain text", "a Z09~!", "\"a Z09~!\""),
    ROW("quotes and backslashes", "\"\\'`", "\"\\\"\\\\'`\""),
    ROW("control characters with a letter", "\a\b\f\n\r\t\v", "\"\\a\\b\\f\\n\\r\\t\\v\""),
    ROW("NUL", "a\0b", "\"a\\x00b\""),
    ROW("the first without a letter", "\x01\x06", "\"\\x01\\x06\""),
    ROW("the others", "\x0e\x1b\x1f", "\"\\x0e\\x1b\\x1f\""),
    ROW("DEL", "\x7f", "\"\\x7f\""),
    ROW("the first and the last that print", " ~", "\" ~\""),

    ROW("C1 controls: U+0080, U+0085, U+009F", "\xc2\x80\xc2\x85\xc2\x9f",
        "\"\\u0080\\u0085\\u009f\""),
    ROW("U+00A0, a space that is not U+0020", "\xc2\xa0", "\"\\u00a0\""),
    ROW("U+00A1, the first behind it", "\xc2\xa1", "\"\xc2\xa1\""),
    ROW("U+00AD, a soft hyphen: format", "\xc2\xad", "\"\\u00ad\""),
    ROW("a letter", "\xc3\xa9", "\"\xc3\xa9\""),
    ROW("a mark, U+0301", "e\xcc\x81", "\"e\xcc\x81\""),
    ROW("a number, U+00BD", "\xc2\xbd", "\"\xc2\xbd\""),
    ROW("a symbol, U+20AC", "\xe2\x82\xac", "\"\xe2\x82\xac\""),
    ROW("U+2028, a line separator", "\xe2\x80\xa8", "\"\\u2028\""),
    ROW("U+2029, a paragraph separator", "\xe2\x80\xa9", "\"\\u2029\""),
    ROW("U+200B, of no width", "\xe2\x80\x8b", "\"\\u200b\""),
    ROW("U+3000, a wide space", "\xe3\x80\x80", "\"\\u3000\""),
    ROW("U+E000, for private use", "\xee\x80\x80", "\"\\ue000\""),
    ROW("U+FEFF, the byte order mark", "\xef\xbb\xbf", "\"\\ufeff\""),
    ROW("U+FFFD is a character like others", "\xef\xbf\xbd", "\"\xef\xbf\xbd\""),
    ROW("U+FFFF, no character", "\xef\xbf\xbf", "\"\\uffff\""),
    ROW("U+0378, not assigned", "\xcd\xb8", "\"\\u0378\""),
    ROW("U+10000, above 16 bits", "\xf0\x90\x80\x80", "\"\xf0\x90\x80\x80\""),
    ROW("U+1F600, a face", "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""),
    ROW("U+E0001, a tag: format", "\xf3\xa0\x80\x81", "\"\\U000e0001\""),
    ROW("U+10FFFF, the last", "\xf4\x8f\xbf\xbf", "\"\\U0010ffff\""),

    ROW("a byte that begins nothing", "\xff", "\"\\xff\""),
    ROW("a byte that only continues", "\x80z", "\"\\x80z\""),
    ROW("two bytes, cut off", "\xc3", "\"\\xc3\""),
    ROW("three bytes, cut off: each by itself", "\xe2\x82", "\"\\xe2\\x82\""),
    ROW("four bytes, cut off", "\xf0\x9f\x98", "\"\\xf0\\x9f\\x98\""),
    ROW("cut off by a letter", "\xe2\x82z", "\"\\xe2\\x82z\""),
    ROW("too long for what it says: NUL in two bytes", "\xc0\x80", "\"\\xc0\\x80\""),
    ROW("too long for what it says: three bytes", "\xe0\x80\x80", "\"\\xe0\\x80\\x80\""),
    ROW("half of a surrogate pair", "\xed\xa0\x80", "\"\\xed\\xa0\\x80\""),
    ROW("above U+10FFFF", "\xf4\x90\x80\x80", "\"\\xf4\\x90\\x80\\x80\""),
    ROW("good behind bad", "\xff\xc3\xa9", "\"\\xff\xc3\xa9\""),
#undef ROW
};

static void bytes_are_quoted_as_go_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b = {0};
        quote_append(&b, rows[i].in);
        struct span out = buf_span(&b);
        if (!span_equal(out, span_make(rows[i].out, strlen(rows[i].out)))) {
            world_fail(__FILE__, __LINE__, "\"%s\"\n  expected: %s\n  quoted:   %.*s", rows[i].rule,
                       rows[i].out, (int)out.n, (const char *)out.p);
        }
        buf_free(&b);
    }
}

static void quotes_are_appended(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_append(&b, SPAN("a "));
    quote_append(&b, SPAN("b"));
    quote_append(&b, SPAN("c"));
    assert_true(span_equal(buf_span(&b), SPAN("a \"b\"\"c\"")));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_quoted_as_go_does),
        cmocka_unit_test(quotes_are_appended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
