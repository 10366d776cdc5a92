/* SPDX-License-Identifier: MIT */
/* Tests of json/writer.h. */
#include "json/writer.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void holds(struct buf *out, const char *expected)
{
    struct span got = buf_span(out);
    assert_int_equal(got.n, strlen(expected));
    assert_memory_equal(got.n == 0 ? "" : (const char *)got.p, expected, got.n);
    buf_free(out);
}

static void escapes_to(enum json_style style, struct span text, struct span expected)
{
    struct buf out = {0};
    struct json_writer w = json_writer(&out, style);
    json_write_string(&w, text);
    assert_true(span_equal(buf_span(&out), expected));
    buf_free(&out);
}

/* As Go's json.Marshal of go1.26 writes them. */
static void strings_are_escaped_as_go_does(void **state)
{
    (void)state;
    escapes_to(JSON_GO, SPAN(""), SPAN("\"\""));
    escapes_to(JSON_GO, span_make(NULL, 0), SPAN("\"\""));
    escapes_to(JSON_GO, SPAN("a\"\\/\b\f\n\r\t\0\x1f\x7f"),
               SPAN("\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\""));
    escapes_to(JSON_GO, SPAN("<a href='x'>&"), SPAN("\"\\u003ca href='x'\\u003e\\u0026\""));
    escapes_to(JSON_GO, SPAN("\xc3\xbc\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9"),
               SPAN("\"\xc3\xbc\xe2\x80\xa7\\u2028\\u2029\""));
    escapes_to(JSON_GO, SPAN("\xff\xc3"), SPAN("\"\\ufffd\\ufffd\""));
    escapes_to(JSON_GO, SPAN("plain\xff then plain"), SPAN("\"plain\\ufffd then plain\""));
    escapes_to(JSON_GO, SPAN("\xf0\x9f\x98\x80\xed\xa0\x80"),
               SPAN("\"\xf0\x9f\x98\x80\\ufffd\\ufffd\\ufffd\""));
}

static void other_styles_keep_what_only_html_minds(void **state)
{
    (void)state;
    escapes_to(JSON_COMPACT, SPAN("<a>&\n\xe2\x80\xa8\xff"), SPAN("\"<a>&\\n\\u2028\\ufffd\""));
    escapes_to(JSON_INDENTED, SPAN("<a>&\""), SPAN("\"<a>&\\\"\"\n"));
}

static void scalars(void **state)
{
    (void)state;
    struct buf out = {0};
    struct json_writer w = json_writer(&out, JSON_GO);
    json_open_array(&w);
    json_write_integer(&w, INT64_MIN);
    json_write_integer(&w, 0);
    json_write_integer(&w, INT64_MAX);
    json_write_unsigned(&w, UINT64_MAX);
    json_write_bool(&w, true);
    json_write_bool(&w, false);
    json_write_null(&w);
    json_write_raw(&w, SPAN("1.50"));
    json_close_array(&w);
    assert_true(json_writer_done(&w));
    holds(&out, "[-9223372036854775808,0,9223372036854775807,18446744073709551615,true,false,null,"
                "1.50]");
}

/* One document with each kind of member and of nesting. */
static void write_document(struct json_writer *w)
{
    json_open_object(w);
    json_member_string(w, "s", SPAN("x"));
    json_member_integer(w, "n", -1);
    json_member_unsigned(w, "u", UINT64_MAX);
    json_member_null(w, "z");
    json_member_bool(w, "b", true);
    json_member_array(w, "empty");
    json_close_array(w);
    json_member_object(w, "none");
    json_close_object(w);
    json_member_array(w, "list");
    json_open_object(w);
    json_write_key(w, SPAN("a\"<"));
    json_write_null(w);
    json_close_object(w);
    json_open_array(w);
    json_write_integer(w, 1);
    json_write_integer(w, 2);
    json_close_array(w);
    json_close_array(w);
    json_close_object(w);
}

static void commas_come_by_themselves(void **state)
{
    (void)state;
    struct buf out = {0};
    struct json_writer w = json_writer(&out, JSON_GO);
    write_document(&w);
    holds(&out, "{\"s\":\"x\",\"n\":-1,\"u\":18446744073709551615,\"z\":null,\"b\":true,\"empty\":["
                "],\"none\":{},"
                "\"list\":[{\"a\\\"\\u003c\":null},[1,2]]}");
    w = json_writer(&out, JSON_COMPACT);
    write_document(&w);
    holds(&out, "{\"s\":\"x\",\"n\":-1,\"u\":18446744073709551615,\"z\":null,\"b\":true,\"empty\":["
                "],\"none\":{},"
                "\"list\":[{\"a\\\"<\":null},[1,2]]}");
}

static void indented(void **state)
{
    (void)state;
    struct buf out = {0};
    struct json_writer w = json_writer(&out, JSON_INDENTED);
    write_document(&w);
    holds(&out, "{\n"
                "  \"s\": \"x\",\n"
                "  \"n\": -1,\n"
                "  \"u\": 18446744073709551615,\n"
                "  \"z\": null,\n"
                "  \"b\": true,\n"
                "  \"empty\": [\n"
                "\n"
                "  ],\n"
                "  \"none\": {\n"
                "\n"
                "  },\n"
                "  \"list\": [\n"
                "    {\n"
                "      \"a\\\"<\": null\n"
                "    },\n"
                "    [\n"
                "      1,\n"
                "      2\n"
                "    ]\n"
                "  ]\n"
                "}\n");
}

/* The writer is a value: a document may be written in slices, with the buffer emptied or changed
 * in between. */
static void a_document_in_slices(void **state)
{
    (void)state;
    struct buf whole = {0};
    struct buf slice = {0};
    struct json_writer w = json_writer(&slice, JSON_GO);
    json_open_array(&w);
    for (int64_t i = 0; i < 3; i++) {
        struct json_writer kept = w;
        buf_append(&whole, buf_span(&slice));
        buf_free(&slice);
        w = kept;
        json_open_object(&w);
        buf_append(&whole, buf_span(&slice));
        buf_free(&slice);
        json_member_integer(&w, "i", i);
        json_close_object(&w);
        assert_false(json_writer_done(&w));
    }
    w.out = &whole;
    buf_append(&whole, buf_span(&slice));
    json_close_array(&w);
    assert_true(json_writer_done(&w));
    buf_free(&slice);
    holds(&whole, "[{\"i\":0},{\"i\":1},{\"i\":2}]");
}

static void as_deep_as_promised(void **state)
{
    (void)state;
    struct buf out = {0};
    struct json_writer w = json_writer(&out, JSON_COMPACT);
    for (unsigned i = 0; i < JSON_WRITER_DEPTH_MAX; i++) {
        assert_int_equal(json_writer_depth(&w), i);
        if (i % 3 == 0) {
            json_open_object(&w);
            json_write_key(&w, SPAN("k"));
        } else {
            json_open_array(&w);
        }
    }
    json_write_integer(&w, 7);
    for (unsigned i = JSON_WRITER_DEPTH_MAX; i-- > 0;) {
        if (i % 3 == 0) {
            json_close_object(&w);
        } else {
            json_close_array(&w);
        }
        assert_int_equal(json_writer_depth(&w), i);
    }
    assert_true(json_writer_done(&w));
    buf_free(&out);
}

/* --- misuse ----------------------------------------------------------------------------------- */

static void two_documents(struct json_writer *w)
{
    json_write_null(w);
    json_write_null(w);
}

static void a_value_without_key(struct json_writer *w)
{
    json_open_object(w);
    json_write_null(w);
}

static void a_key_in_an_array(struct json_writer *w)
{
    json_open_array(w);
    json_write_key(w, SPAN("k"));
}

static void a_key_outside(struct json_writer *w)
{
    json_write_key(w, SPAN("k"));
}

static void two_keys(struct json_writer *w)
{
    json_open_object(w);
    json_write_key(w, SPAN("k"));
    json_write_key(w, SPAN("k"));
}

static void a_key_without_value(struct json_writer *w)
{
    json_open_object(w);
    json_write_key(w, SPAN("k"));
    json_close_object(w);
}

static void another_end(struct json_writer *w)
{
    json_open_object(w);
    json_close_array(w);
}

static void and_the_other(struct json_writer *w)
{
    json_open_array(w);
    json_close_object(w);
}

static void an_end_too_many(struct json_writer *w)
{
    json_close_array(w);
}

static void too_deep(struct json_writer *w)
{
    for (unsigned i = 0; i <= JSON_WRITER_DEPTH_MAX; i++) {
        json_open_array(w);
    }
}

/* Whether the call ends the process by an assertion. It happens in a child, without its message. */
static bool is_refused(void (*misuse)(struct json_writer *w))
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct buf out = {0};
        struct json_writer w = json_writer(&out, JSON_GO);
        close(STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        misuse(&w);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void misuse_is_refused(void **state)
{
    (void)state;
#ifdef SRC_WITHOUT_ASSERTS /* the build for coverage */
    skip();
#endif
    static void (*const misuses[])(struct json_writer * w) = {
        two_documents,       a_value_without_key, a_key_in_an_array, a_key_outside,   two_keys,
        a_key_without_value, another_end,         and_the_other,     an_end_too_many, too_deep,
    };
    for (size_t i = 0; i < COUNT(misuses); i++) {
        assert_true(is_refused(misuses[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_escaped_as_go_does),
        cmocka_unit_test(other_styles_keep_what_only_html_minds),
        cmocka_unit_test(scalars),
        cmocka_unit_test(commas_come_by_themselves),
        cmocka_unit_test(indented),
        cmocka_unit_test(a_document_in_slices),
        cmocka_unit_test(as_deep_as_promised),
        cmocka_unit_test(misuse_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
