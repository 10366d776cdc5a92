/* SPDX-License-Identifier: MIT */
/* Tests of json/fields.h: documents that Go's decoder accepts and refuses, and what it reads. */
#include "json/fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

struct values {
    int64_t port;
    int64_t rate;
    bool flag;
    struct buf hostname;
    struct json_short id;
};

static const struct json_field fields[] = {
    JSON_FIELD(struct values, port, JSON_INT64), JSON_FIELD(struct values, rate, JSON_INT32),
    JSON_FIELD(struct values, flag, JSON_BOOL),  JSON_FIELD(struct values, hostname, JSON_TEXT),
    JSON_FIELD(struct values, id, JSON_SHORT),
};

static bool read_values(struct values *v, struct span document)
{
    struct json_fields reader = {
        .rows = fields, .count = sizeof fields / sizeof fields[0], .into = v};
    return json_fields_read(&reader, document);
}

static void show(const struct values *v, struct buf *out)
{
    text_append_decimal(out, v->port);
    text_append(out, " ");
    text_append_decimal(out, v->rate);
    buf_append(out, v->flag ? SPAN(" true ") : SPAN(" false "));
    buf_append(out, buf_span(&v->hostname));
    text_append(out, " ");
    buf_append(out, span_make(v->id.bytes, v->id.n));
}

#define BEFORE "1 2 true h i"

static const struct document {
    const char *json;
    const char *read; /* NULL: it is refused */
} documents[] = {
    {"{}", BEFORE},
    {"null", BEFORE},
    {" { } ", BEFORE},
    {"{\"port\":3,\"rate\":4,\"flag\":false,\"hostname\":\"a\",\"id\":\"b\"}", "3 4 false a b"},
    {"{\"port\":null,\"rate\":null,\"flag\":null,\"hostname\":null,\"id\":null}", BEFORE},
    {"{\"hostname\":\"\",\"id\":\"\"}", "1 2 true  "},
    {"{\"hostname\":\"a\",\"hostname\":\"b\",\"id\":\"abc\",\"id\":\"d\"}", "1 2 true b d"},
    {"{\"hostname\":\"a\",\"hostname\":null}", "1 2 true a i"},
    {"{\"HostName\":\"a\",\"ho\xc5\xbfTNAME\":\"c\"}", "1 2 true c i"},
    {"{\"hostname\":\"\\u00fc\xff\\ud800x\"}", "1 2 true \xc3\xbc\xef\xbf\xbd\xef\xbf\xbdx i"},
    {"{\"id\":\"\\u00fc\xff\"}", "1 2 true h \xc3\xbc\xff"},
    {"{\"port\":-9223372036854775808}", "-9223372036854775808 2 true h i"},
    {"{\"port\":9223372036854775807}", "9223372036854775807 2 true h i"},
    {"{\"port\":9223372036854775808}", NULL},
    {"{\"rate\":-2147483648}", "1 -2147483648 true h i"},
    {"{\"rate\":2147483647}", "1 2147483647 true h i"},
    {"{\"rate\":2147483648}", NULL},
    {"{\"rate\":-2147483649}", NULL},
    {"{\"port\":1.0}", NULL},
    {"{\"port\":1e3}", NULL},
    /* Members of a value are no fields, and the value of an unknown key may have any type. */
    {"{\"x\":{\"hostname\":1,\"port\":\"y\"},\"y\":[[],{}],\"z\":true,\"x\":1e3}", BEFORE},
    {"{\"x\":[{\"port\":7}],\"port\":8}", "8 2 true h i"},
    {"{\"port\":\"1\"}", NULL},
    {"{\"port\":true}", NULL},
    {"{\"port\":{}}", NULL},
    {"{\"port\":[]}", NULL},
    {"{\"rate\":\"1\"}", NULL},
    {"{\"flag\":1}", NULL},
    {"{\"flag\":\"true\"}", NULL},
    {"{\"hostname\":1}", NULL},
    {"{\"hostname\":false}", NULL},
    {"{\"hostname\":{}}", NULL},
    {"{\"hostname\":[]}", NULL},
    {"{\"id\":1}", NULL},
    {"{\"id\":false}", NULL},
    {"{\"id\":[\"x\"]}", NULL},
    {"", NULL},
    {"true", NULL},
    {"\"x\"", NULL},
    {"1", NULL},
    {"[]", NULL},
    {"[{}]", NULL},
    {"{}x", NULL},
    {"{", NULL},
    {"OK", NULL},
    {"{\"hostname\":\"a\",}", NULL},
    {"{\"port\":7,\"hostname\":1}", NULL},
    {"{\"hostname\":1,\"port\":7}", NULL},
};

static void documents_are_read_as_go_reads_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        const struct document *d = &documents[i];
        struct values v = {.port = 1, .rate = 2, .flag = true, .id = {1, "i"}};
        struct buf shown = {0};
        text_append(&v.hostname, "h");
        if (read_values(&v, text_span(d->json)) != (d->read != NULL)) {
            fail_msg("%s", d->json);
        }
        show(&v, &shown);
        if (d->read != NULL && !span_equal(buf_span(&shown), text_span(d->read))) {
            fail_msg("%s: %.*s", d->json, (int)shown.n, (const char *)buf_span(&shown).p);
        }
        buf_free(&shown);
        buf_free(&v.hostname);
    }
}

/* As Go's decoder, the reader refuses a document that is nested too deeply. */
static void nesting_has_a_limit(void **state)
{
    (void)state;
    for (size_t depth = 9999; depth <= 10000; depth++) {
        struct values v = {.port = 0};
        struct buf json = {0};
        text_append(&json, "{\"x\":");
        memset(buf_room(&json, depth), '[', depth);
        buf_grew(&json, depth);
        memset(buf_room(&json, depth), ']', depth);
        buf_grew(&json, depth);
        text_append(&json, "}");
        assert_int_equal(read_values(&v, buf_span(&json)), depth == 9999);
        buf_free(&json);
    }
}

/* A struct json_short has the beginning of a longer text, and nothing of the struct behind it
 * changes. */
static void short_texts_are_cut(void **state)
{
    (void)state;
    for (size_t n = JSON_SHORT_MAX - 1; n <= JSON_SHORT_MAX + 1; n++) {
        struct values v = {.port = 1};
        struct buf json = {0};
        text_append(&json, "{\"id\":\"");
        memset(buf_room(&json, n), 'x', n);
        buf_grew(&json, n);
        text_append(&json, "\"}");
        assert_true(read_values(&v, buf_span(&json)));
        assert_int_equal(v.id.n, n < JSON_SHORT_MAX ? n : JSON_SHORT_MAX);
        assert_int_equal(v.id.bytes[v.id.n - 1], 'x');
        buf_free(&json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_read_as_go_reads_them),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(short_texts_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
