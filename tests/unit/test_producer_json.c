/* SPDX-License-Identifier: MIT */
/* Tests of lookup/producer_json.h: documents that Go's decoder accepts and refuses, and what it
 * reads. */
#include "lookup/producer_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

struct document {
    const char *json;
    bool valid;
    const char *read; /* hostname, broadcast address, version, ports */
};

static const struct document documents[] = {
    {"{}", true, "|||0|0"},
    {"null", true, "|||0|0"},
    {" {\"hostname\":\"a\",\"hostname\":\"b\"} ", true, "b|||0|0"},
    {"{\"HostName\":\"a\",\"ho\xc5\xbfTNAME\":\"c\"}", true, "c|||0|0"},
    {"{\"hostname\":\"a\",\"hostname\":null}", true, "a|||0|0"},
    {"{\"hostname\":\"a\",\"hostname\":\"\"}", true, "|||0|0"},
    {"{\"version\":\"\\u00fc\",\"broadcast_address\":\"\xff\"}", true,
     "|\xef\xbf\xbd|\xc3\xbc|0|0"},
    {"{\"version\":\"\\ud800x\"}", true, "||\xef\xbf\xbdx|0|0"},
    {"{\"tcp_port\":-1,\"http_port\":9223372036854775807}", true, "|||-1|9223372036854775807"},
    {"{\"x\":{\"hostname\":1,\"tcp_port\":\"y\"},\"y\":[[],{}],\"z\":true}", true, "|||0|0"},
    {"{\"tcp_port\":1.0}", false, NULL},
    {"{\"tcp_port\":1e3}", false, NULL},
    {"{\"tcp_port\":9223372036854775808}", false, NULL},
    {"{\"tcp_port\":\"1\"}", false, NULL},
    {"{\"tcp_port\":true}", false, NULL},
    {"{\"hostname\":1}", false, NULL},
    {"{\"hostname\":false}", false, NULL},
    {"{\"hostname\":{}}", false, NULL},
    {"{\"hostname\":[]}", false, NULL},
    {"{\"remote_address\":1}", false, NULL},
    {"", false, NULL},
    {"true", false, NULL},
    {"\"x\"", false, NULL},
    {"1", false, NULL},
    {"[]", false, NULL},
    {"[{}]", false, NULL},
    {"{}x", false, NULL},
    {"{", false, NULL},
    {"{\"hostname\":\"a\",}", false, NULL},
};

static void documents_are_read_as_go_reads_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        const struct document *d = &documents[i];
        struct producer_json p = {.tcp_port = 0};
        struct buf read = {0};
        if (producer_json_read(&p, text_span(d->json)) != d->valid) {
            fail_msg("%s", d->json);
        }
        buf_append(&read, buf_span(&p.hostname));
        text_append(&read, "|");
        buf_append(&read, buf_span(&p.broadcast_address));
        text_append(&read, "|");
        buf_append(&read, buf_span(&p.version));
        text_append(&read, "|");
        text_append_decimal(&read, p.tcp_port);
        text_append(&read, "|");
        text_append_decimal(&read, p.http_port);
        if (d->valid && !span_equal(buf_span(&read), text_span(d->read))) {
            fail_msg("%s: %.*s", d->json, (int)read.n, (const char *)buf_span(&read).p);
        }
        buf_free(&read);
        producer_json_free(&p);
    }
}

/* As Go's decoder, the reader refuses a document that is nested too deeply. */
static void nesting_has_a_limit(void **state)
{
    (void)state;
    for (size_t depth = 9999; depth <= 10000; depth++) {
        struct producer_json p = {.tcp_port = 0};
        struct buf json = {0};
        text_append(&json, "{\"x\":");
        memset(buf_room(&json, depth), '[', depth);
        buf_grew(&json, depth);
        memset(buf_room(&json, depth), ']', depth);
        buf_grew(&json, depth);
        text_append(&json, "}");
        assert_int_equal(producer_json_read(&p, buf_span(&json)), depth == 9999);
        buf_free(&json);
        producer_json_free(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_read_as_go_reads_them),
        cmocka_unit_test(nesting_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
