/* SPDX-License-Identifier: MIT */
/* Tests of base/go_text.h. The expected texts are those that Go 1.26 prints. */
#include "base/go_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/text.h"

/* What was appended is `expected`; the buffer is empty afterwards. */
static void expect(struct buf *out, const char *expected)
{
    buf_append(out, span_make("", 1));
    assert_string_equal((const char *)buf_span(out).p, expected);
    buf_free(out);
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } rows[] = {
        {INT64_C(0), "0s"},
        {INT64_C(1), "1ns"},
        {INT64_C(999), "999ns"},
        {INT64_C(1000), "1\xc2\xb5"
                        "s"},
        {INT64_C(1500), "1.5\xc2\xb5"
                        "s"},
        {INT64_C(999999), "999.999\xc2\xb5"
                          "s"},
        {INT64_C(1000000), "1ms"},
        {INT64_C(99293950), "99.29395ms"},
        {INT64_C(1490000000), "1.49s"},
        {INT64_C(999999999), "999.999999ms"},
        {INT64_C(1000000000), "1s"},
        {INT64_C(5404850377), "5.404850377s"},
        {INT64_C(59999999999), "59.999999999s"},
        {INT64_C(60000000000), "1m0s"},
        {INT64_C(61500000000), "1m1.5s"},
        {INT64_C(3600000000000), "1h0m0s"},
        {INT64_C(3661000000001), "1h1m1.000000001s"},
        {INT64_C(90000000000000), "25h0m0s"},
        {INT64_C(-1), "-1ns"},
        {INT64_C(-1500), "-1.5\xc2\xb5"
                         "s"},
        {INT64_C(-61000000000), "-1m1s"},
        {INT64_C(9223372036854775807), "2562047h47m16.854775807s"},
        {INT64_MIN, "-2562047h47m16.854775808s"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = {0};
        go_text_duration(&out, rows[i].ns);
        expect(&out, rows[i].text);
    }
}

static void latencies(void **state)
{
    (void)state;
    static const struct {
        double ns;
        const char *text;
    } rows[] = {
        {0, "0.0ns"},
        {1, "1.0ns"},
        {-1, "-1.0ns"},
        {999, "999.0ns"},
        {1000, "1000.0ns"},
        {1001, "1.0us"},
        {1049, "1.0us"},
        {1050, "1.1us"},
        {1051, "1.1us"},
        {1150, "1.1us"},
        {1250, "1.2us"},
        {1950, "1.9us"},
        {1999, "2.0us"},
        {999949, "999.9us"},
        {999950, "1000.0us"},
        {999999, "1000.0us"},
        {1000000, "1000.0us"},
        {1000001, "1.0ms"},
        {1250000, "1.2ms"},
        {103781921, "103.8ms"},
        {1000000000, "1000.0ms"},
        {1000000001, "1.0s"},
        {1950000000, "1.9s"},
        {1050000000, "1.1s"},
        {9999999999, "10.0s"},
        {123456789012345, "123456.8s"},
        {9007199254740992, "9007199.3s"},
        {9223372036854774784, "9223372036.9s"},
        {-5000000000, "-5000000000.0ns"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = {0};
        go_text_latency(&out, rows[i].ns);
        expect(&out, rows[i].text);
    }
}

static void whole_numbers(void **state)
{
    (void)state;
    static const struct {
        double number;
        const char *text;
    } rows[] = {
        {0, "0"},
        {1, "1"},
        {-1, "-1"},
        {123456789, "123456789"},
        {9007199254740991, "9007199254740991"},
        {9007199254740992, "9007199254740992"},
        {9007199254740994, "9007199254740994"},
        {9007199254740996, "9007199254740996"},
        {1000000000000000000, "1000000000000000000"},
        {1234567890123456768, "1234567890123456800"},
        {4611686018427387904, "4611686018427388000"},
        {9223372036854774784, "9223372036854775000"},
        {-9007199254740998, "-9007199254740998"},
        {9100000000000000000, "9100000000000000000"},
        {72057594037927936, "72057594037927940"},
        {72057594037927936, "72057594037927940"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = {0};
        go_text_whole(&out, rows[i].number);
        expect(&out, rows[i].text);
    }
}

static void times(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        int32_t zone;
        const char *text;
    } rows[] = {
        {INT64_C(0), 0, "1970-01-01T00:00:00Z"},
        {INT64_C(1795929504), 0, "2026-11-29T05:18:24Z"},
        {INT64_C(1795929504), 3600, "2026-11-29T06:18:24+01:00"},
        {INT64_C(1795929504), -12600, "2026-11-29T01:48:24-03:30"},
        {INT64_C(951782400), 0, "2000-02-29T00:00:00Z"},
        {INT64_C(951868799), 0, "2000-02-29T23:59:59Z"},
        {INT64_C(951868800), 0, "2000-03-01T00:00:00Z"},
        {INT64_C(4107542400), 0, "2100-03-01T00:00:00Z"},
        {INT64_C(1709164800), 19800, "2024-02-29T05:30:00+05:30"},
        {INT64_C(-1), 0, "1969-12-31T23:59:59Z"},
        {INT64_C(-62135596800), 0, "0001-01-01T00:00:00Z"},
        {INT64_C(253402300799), 0, "9999-12-31T23:59:59Z"},
        {INT64_C(1735689599), 0, "2024-12-31T23:59:59Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = {0};
        go_text_rfc3339(&out, rows[i].seconds, rows[i].zone);
        expect(&out, rows[i].text);
    }
}

/* Characters are counted, not bytes; what is too long is not cut. */
static void columns(void **state)
{
    (void)state;
    struct buf out = {0};
    go_text_padded(&out, SPAN("h\xc3\xa9st"), 6);
    go_text_padded(&out, SPAN("|"), 1);
    go_text_padded(&out, SPAN("longer"), 3);
    go_text_padded_number(&out, -12, 5);
    go_text_padded_number(&out, 1234567, 5);
    expect(&out, "h\xc3\xa9st  |longer-12  1234567");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations), cmocka_unit_test(latencies), cmocka_unit_test(whole_numbers),
        cmocka_unit_test(times),     cmocka_unit_test(columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
