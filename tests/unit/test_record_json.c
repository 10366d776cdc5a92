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

static void a_name_that_is_no_string_is_replaced_as_a_whole(void **state)
{
    (void)state;
    check(record_json_identify, "{\"hostname\":{\"a\":[1,{\"b\":null}],\"c\":\"x\"},\"n\":[2]}",
          "{\"hostname\":\"recorded\",\"n\":[2]}");
    check(record_json_identify, "{\"client_id\":[],\"hostname\":[[\"a\"]]}",
          "{\"client_id\":\"recorded\",\"hostname\":\"recorded\"}");
}

static void check_reply(const char *asked, const char *reply, const char *want)
{
    struct buf out = {0};
    record_json_reply(span_make(reply, strlen(reply)), span_make(asked, strlen(asked)), &out);
    assert_int_equal(out.n, strlen(want));
    assert_memory_equal(buf_span(&out).p, want, out.n);
    buf_free(&out);
}

static void a_reply_keeps_what_was_asked_for(void **state)
{
    (void)state;
    check_reply(
        "{\"msg_timeout\":1000,\"tls_v1\":true,\"snappy\":false}",
        "{\"max_rdy_count\":2500,\"version\":\"1.3.0\",\"msg_timeout\":1000,\"tls_v1\":false,"
        "\"snappy\":false,\"deflate\":false,\"more\":{\"tls_v1\":1},\"list\":[1,[2]]}",
        "{\"max_rdy_count\":null,\"version\":null,\"msg_timeout\":1000,\"tls_v1\":false,"
        "\"snappy\":false,\"deflate\":null,\"more\":null,\"list\":null}");
    check_reply("no json", "{\"a\":1}", "{\"a\":null}");
    check_reply("[\"a\"]", "{\"a\":1}", "{\"a\":null}");
}

/* With null and 0 the client leaves the choice to the server. */
static void a_client_that_leaves_the_choice_has_not_asked(void **state)
{
    (void)state;
    check_reply("{\"msg_timeout\":0,\"sample_rate\":null,\"output_buffer_size\":-1}",
                "{\"msg_timeout\":60000,\"sample_rate\":0,\"output_buffer_size\":1}",
                "{\"msg_timeout\":null,\"sample_rate\":null,\"output_buffer_size\":1}");
    check_reply("{\"deflate\":false,\"deflate_level\":6}",
                "{\"deflate\":false,\"deflate_level\":6}",
                "{\"deflate\":false,\"deflate_level\":null}");
    check_reply("{\"deflate\":true,\"deflate_level\":3}", "{\"deflate\":true,\"deflate_level\":3}",
                "{\"deflate\":true,\"deflate_level\":3}");
}

static void a_client_negotiates(void **state)
{
    (void)state;
    assert_true(record_json_negotiates(SPAN("{\"feature_negotiation\":true}")));
    assert_false(record_json_negotiates(SPAN("{\"feature_negotiation\":false}")));
    assert_false(record_json_negotiates(SPAN("{}")));
    assert_false(record_json_negotiates(SPAN("")));
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
        cmocka_unit_test(a_name_that_is_no_string_is_replaced_as_a_whole),
        cmocka_unit_test(a_reply_keeps_what_was_asked_for),
        cmocka_unit_test(a_client_that_leaves_the_choice_has_not_asked),
        cmocka_unit_test(a_client_negotiates),
        cmocka_unit_test(upgrades_are_seen),
    };
    return cmocka_run_group_tests_name("record_json", tests, NULL, NULL);
}
