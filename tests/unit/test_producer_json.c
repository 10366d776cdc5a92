/* SPDX-License-Identifier: MIT */
/* Tests of lookup/producer_json.h: which fields it reads. The rules of reading are tested in
 * test_json_fields.c. */
#include "lookup/producer_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

static void expect_text(const struct buf *b, const char *text)
{
    assert_true(span_equal(buf_span(b), text_span(text)));
}

static void all_fields_are_read(void **state)
{
    (void)state;
    struct producer_json p = {.tcp_port = 0};
    assert_true(producer_json_read(
        &p,
        SPAN("{\"remote_address\":\"r\",\"hostname\":\"h\",\"broadcast_address\":\"b\",\"version\":"
             "\"v\",\"tcp_port\":9223372036854775807,\"http_port\":-1,\"other\":[]}")));
    expect_text(&p.remote_address, "r");
    expect_text(&p.hostname, "h");
    expect_text(&p.broadcast_address, "b");
    expect_text(&p.version, "v");
    assert_true(p.tcp_port == INT64_MAX);
    assert_true(p.http_port == -1);
    producer_json_free(&p);
}

static void wrong_types_are_refused(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "{\"remote_address\":1}", "{\"hostname\":1}",     "{\"broadcast_address\":1}",
        "{\"version\":1}",        "{\"tcp_port\":\"1\"}", "{\"http_port\":\"1\"}",
    };
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        struct producer_json p = {.tcp_port = 0};
        assert_false(producer_json_read(&p, text_span(documents[i])));
        producer_json_free(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_fields_are_read),
        cmocka_unit_test(wrong_types_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
