/* SPDX-License-Identifier: MIT */
/* Tests of conform/record_json.h. */
#include "conform/record_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "json/writer.h"

static void check(void (*keep)(struct span, struct buf *), const char *in, const char *want)
{
    struct buf out = {0};
    keep(span_make(in, strlen(in)), &out);
    assert_int_equal(out.n, strlen(want));
    assert_memory_equal(buf_span(&out).p, want, out.n);
    buf_free(&out);
}

static void hosts_are_replaced_and_all_else_is_kept(void **state)
{
    (void)state;
    check(record_json_identify,
          "{ \"short_id\" : \"a\", \"long_id\":\"a.b\", \"hostname\":\"a.b\", \"client_id\":7,\n"
          " \"n\":1.50, \"t\":true, \"z\":null, \"list\":[1,{\"hostname\":\"x\"}], \"s\":\"\\n\"}",
          "{\"short_id\":\"recorded\",\"long_id\":\"recorded\",\"hostname\":\"recorded\","
          "\"client_id\":\"recorded\",\"n\":1.50,\"t\":true,\"z\":null,"
          "\"list\":[1,{\"hostname\":\"x\"}],\"s\":\"\\n\"}");
    check(record_json_identify, "{\"client_id\":true,\"x\":1}",
          "{\"client_id\":\"recorded\",\"x\":1}");
}

static void null_names_nobody(void **state)
{
    (void)state;
    check(record_json_identify, "{\"client_id\":null,\"hostname\":\"a\"}",
          "{\"client_id\":null,\"hostname\":\"recorded\"}");
}

static void what_is_no_json_is_kept(void **state)
{
    (void)state;
    check(record_json_identify, "{\"hostname\":", "{\"hostname\":");
    check(record_json_identify, "not json", "not json");
    check(record_json_identify, "[1]", "[1]");
}

/* The writer limits nesting. No client sends this. */
static void what_is_nested_too_deeply_is_kept(void **state)
{
    (void)state;
    char text[4 * JSON_WRITER_DEPTH_MAX];
    size_t n = JSON_WRITER_DEPTH_MAX + 1;
    snprintf(text, sizeof text, "%*s %*s", (int)n, "", (int)n, "");
    memset(text, '[', n);
    memset(text + n + 1, ']', n);
    check(record_json_identify, text, text);
}

static void a_reply_has_any_version(void **state)
{
    (void)state;
    check(record_json_reply, "{\"max_rdy_count\":2500,\"version\":\"1.3.0\"}",
          "{\"max_rdy_count\":2500,\"version\":null}");
    check(record_json_reply, "{\"version\":null}", "{\"version\":null}");
}

static size_t upgrades(const char *reply)
{
    return record_json_upgrades(span_make(reply, strlen(reply)));
}

static void upgrades_are_seen(void **state)
{
    (void)state;
    assert_int_equal(upgrades("{\"tls_v1\":false,\"snappy\":false,\"deflate\":false}"), 0);
    assert_int_equal(upgrades("{}"), 0);
    assert_int_equal(upgrades("{\"tls_v1\":true,\"snappy\":false}"), 1);
    assert_int_equal(upgrades("{\"snappy\":true}"), 1);
    assert_int_equal(upgrades("{\"tls_v1\":true,\"deflate\":true}"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_replaced_and_all_else_is_kept),
        cmocka_unit_test(null_names_nobody),
        cmocka_unit_test(what_is_no_json_is_kept),
        cmocka_unit_test(what_is_nested_too_deeply_is_kept),
        cmocka_unit_test(a_reply_has_any_version),
        cmocka_unit_test(upgrades_are_seen),
    };
    return cmocka_run_group_tests_name("record_json", tests, NULL, NULL);
}
