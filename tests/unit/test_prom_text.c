/* SPDX-License-Identifier: MIT */
/* Tests of api/prom_text.h. */
#include "api/prom_text.h"

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

static void a_family(void **state)
{
    (void)state;
    struct buf out = {0};
    prom_family(&out, "a_total", PROM_COUNTER, "Some help.");
    expect(&out, "# HELP a_total Some help.\n# TYPE a_total counter\n");
    prom_family(&out, "b", PROM_GAUGE, "x");
    prom_family(&out, "c", PROM_SUMMARY, "y");
    expect(&out, "# HELP b x\n# TYPE b gauge\n# HELP c y\n# TYPE c summary\n");
}

static void samples(void **state)
{
    (void)state;
    struct buf out = {0};
    const struct prom_label labels[] = {{"topic", SPAN("t")}, {"channel", SPAN("")}};
    prom_sample(&out, "a", NULL, 0);
    prom_number(&out, 0);
    prom_sample(&out, "b", labels, 1);
    prom_number(&out, UINT64_MAX);
    prom_sample(&out, "c", labels, 2);
    prom_no_number(&out);
    expect(&out, "a 0\nb{topic=\"t\"} 18446744073709551615\nc{topic=\"t\",channel=\"\"} NaN\n");
}

static void values_of_labels(void **state)
{
    (void)state;
    static const struct {
        struct span value;
        const char *text;
    } rows[] = {
        {SPAN_LITERAL("\"a\\b\nc\""), "\\\"a\\\\b\\nc\\\""},
        {SPAN_LITERAL("{,=} #\t\r\x7f"), "{,=} #\t\r\x7f"},
        {SPAN_LITERAL("\xc3\xa9\xf0\x9f\x98\x80"), "\xc3\xa9\xf0\x9f\x98\x80"},
        {SPAN_LITERAL("a\xff\xc3"), "a\xef\xbf\xbd\xef\xbf\xbd"},
        {SPAN_LITERAL("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = {0};
        struct buf expected = {0};
        prom_sample(&out, "n", &(struct prom_label){"l", rows[i].value}, 1);
        text_append(&expected, "n{l=\"");
        buf_append(&expected, text_span(rows[i].text));
        text_append(&expected, "\"} \0");
        expect(&out, (const char *)buf_span(&expected).p);
        buf_free(&expected);
    }
}

static void seconds(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } rows[] = {
        {0, "0\n"},
        {1, "0.000000001\n"},
        {-1, "-0.000000001\n"},
        {103781921, "0.103781921\n"},
        {1500000000, "1.5\n"},
        {60000000000, "60\n"},
        {10010000000, "10.01\n"},
        {INT64_MAX, "9223372036.854775807\n"},
        {INT64_MIN, "-9223372036.854775808\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = {0};
        prom_seconds(&out, rows[i].ns);
        expect(&out, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family),
        cmocka_unit_test(samples),
        cmocka_unit_test(values_of_labels),
        cmocka_unit_test(seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
