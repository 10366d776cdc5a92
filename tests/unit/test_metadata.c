/* SPDX-License-Identifier: MIT */
/*
 * Tests of engine/metadata.h: nsqd.dat as upstream's nsqd 1.3.0 wrote it, and documents that it was
 * given to read. An expected list is a text: each item is a name, with '*' if it is paused, and
 * with
 * ':' before it if it is a channel.
 */
#include "engine/metadata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "json/json.h"

static void append_items(const struct metadata *m, struct buf *out)
{
    for (size_t i = 0; i < m->count; i++) {
        buf_append(out, m->items[i].is_channel ? SPAN(":") : i > 0 ? SPAN(" ") : SPAN(""));
        buf_append(out, metadata_name(&m->items[i]));
        buf_append(out, m->items[i].paused ? SPAN("*") : SPAN(""));
    }
}

static void expect_text(const struct buf *got, struct span expected)
{
    if (!span_equal(buf_span(got), expected)) {
        fail_msg("got      '%.*s'\nexpected '%.*s'", (int)got->n, (const char *)buf_span(got).p,
                 (int)expected.n, (const char *)expected.p);
    }
}

static void expect_read(struct span document, const char *items, size_t skipped)
{
    struct metadata m = {.items = NULL};
    struct metadata_error error;
    struct buf text = {0};
    if (!metadata_read(document, &m, &error)) {
        fail_msg("%.*s: %d", (int)document.n, (const char *)document.p, (int)error.why);
    }
    append_items(&m, &text);
    expect_text(&text, text_span(items));
    assert_int_equal(m.skipped, skipped);
    assert_int_equal(error.why, METADATA_GOOD);
    buf_free(&text);
    metadata_free(&m);
}

/* Upstream's nsqd shows the same topics and channels when it has read these documents. */
static void documents_are_read_as_upstream_does(void **state)
{
    (void)state;
    static const struct {
        const char *document, *items;
        size_t skipped;
    } rows[] = {
        {"null", "", 0},
        {" {} ", "", 0},
        {"{\"topics\":null,\"version\":\"1.3.0\"}", "", 0},
        {"{\"topics\":[]}", "", 0},
        {"{\"topics\":[null,{\"name\":\"a\"}]}", "a", 1},
        {"{\"topics\":[{\"name\":\"a\",\"paused\":true,\"channels\":[{\"name\":\"c\",\"paused\":"
         "true},{\"name\":\"d\"}]},{\"name\":\"b\",\"channels\":null}]}",
         "a*:c*:d b", 0},
        /* Any order of the members. */
        {"{\"version\":\"x\",\"topics\":[{\"channels\":[{\"paused\":true,\"name\":\"c\"}],"
         "\"paused\":false,\"name\":\"a\"}]}",
         "a:c*", 0},
        {"{\"topics\":[{\"channels\":[{\"name\":\"c\"}],\"paused\":true,\"name\":\"a\"}]}", "a*:c",
         0},
        /* Names that are not valid. */
        {"{\"topics\":[{\"name\":\"a\",\"channels\":[null,{\"name\":\"c\"},{\"name\":\"!\"},{}]},"
         "{\"name\":\"b!\",\"channels\":[{\"name\":\"x\"},{\"name\":\"?\"}]},{\"name\":null},"
         "{\"name\":\"z\"}]}",
         "a:c z", 5},
        {"{\"topics\":[{\"name\":\"t#ephemeral\",\"channels\":[{\"name\":\"c#ephemeral\"}]}]}",
         "t#ephemeral:c#ephemeral", 0},
        {"{\"topics\":[{\"name\":\"a\\u0000\"},{\"name\":\"\\u0061b\"},{\"name\":\"\\ud800\"}]}",
         "ab", 2},
        /* Keys in any case, repeated members, unknown members. */
        {"{\"Topics\":[{\"NAME\":\"a\",\"pau\xc5\xbf"
         "ed\":true}]}",
         "a*", 0},
        {"{\"topics\":[{\"name\":\"x\",\"name\":\"a\",\"paused\":true,\"paused\":null}]}", "a*", 0},
        {"{\"x\":{\"topics\":[{\"name\":\"c\"}]},\"name\":1,\"topics\":[{\"name\":\"a\",\"other\":["
         "{\"name\":\"b\"},[[1,true,null,\"s\"]]],\"topics\":1}],\"paused\":5}",
         "a", 0},
        {"{\"topics\":[{\"name\":\"a\"},{\"name\":\"a\",\"paused\":true}]}", "a a*", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_read(text_span(rows[i].document), rows[i].items, rows[i].skipped);
    }
}

#define N64 "abcdefghijklmnopqrstuvwxyz.ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"

static void the_longest_name_has_64_bytes(void **state)
{
    (void)state;
    expect_read(SPAN("{\"topics\":[{\"name\":\"" N64 "\"},{\"name\":\"x" N64 "\"}]}"), N64, 1);
}

/* Upstream's nsqd refuses to start with these documents, except where a list is repeated. */
static void wrong_documents_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *document;
        enum metadata_why why;
        const char *member;
        int topic, channel;
    } rows[] = {
        {"", METADATA_NO_JSON, "", -1, -1},
        {" ", METADATA_NO_JSON, "", -1, -1},
        {"{", METADATA_NO_JSON, "", -1, -1},
        {"{\"topics\":[{\"name\":\"a\"}]} x", METADATA_NO_JSON, "", -1, -1},
        {"{\"topics\":[{\"name\":\"a\"},{\"paused\":tru", METADATA_NO_JSON, "paused", 1, -1},
        {"[]", METADATA_WRONG_TYPE, "", -1, -1},
        {"7", METADATA_WRONG_TYPE, "", -1, -1},
        {"{\"topics\":{}}", METADATA_WRONG_TYPE, "topics", -1, -1},
        {"{\"topics\":\"a\"}", METADATA_WRONG_TYPE, "topics", -1, -1},
        {"{\"topics\":[],\"version\":1}", METADATA_WRONG_TYPE, "version", -1, -1},
        {"{\"topics\":[1]}", METADATA_WRONG_TYPE, "", 0, -1},
        {"{\"topics\":[{},[]]}", METADATA_WRONG_TYPE, "", 1, -1},
        {"{\"topics\":[null,null,{\"name\":1}]}", METADATA_WRONG_TYPE, "name", 2, -1},
        {"{\"topics\":[{\"name\":[]}]}", METADATA_WRONG_TYPE, "name", 0, -1},
        {"{\"topics\":[{\"paused\":\"x\"}]}", METADATA_WRONG_TYPE, "paused", 0, -1},
        {"{\"topics\":[{\"name\":true}]}", METADATA_WRONG_TYPE, "name", 0, -1},
        {"{\"topics\":[{\"channels\":{}}]}", METADATA_WRONG_TYPE, "channels", 0, -1},
        {"{\"topics\":[{\"channels\":[{},true]}]}", METADATA_WRONG_TYPE, "", 0, 1},
        {"{\"topics\":[{\"channels\":[{},{}],\"name\":1}]}", METADATA_WRONG_TYPE, "name", 0, -1},
        {"{\"topics\":[{\"channels\":[{}]},{\"channels\":[{\"name\":\"a\"},{\"paused\":{}}]}]}",
         METADATA_WRONG_TYPE, "paused", 1, 1},
        {"{\"topics\":[{\"channels\":[{}]}],\"topics\":[]}", METADATA_REPEATED, "topics", -1, -1},
        {"{\"topics\":null,\"TOPICS\":null}", METADATA_REPEATED, "topics", -1, -1},
        {"{\"topics\":[{\"channels\":[]},{\"channels\":[],\"channels\":null}]}", METADATA_REPEATED,
         "channels", 1, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct metadata m = {.items = NULL};
        struct metadata_error error;
        assert_false(metadata_read(text_span(rows[i].document), &m, &error));
        if (error.why != rows[i].why || strcmp(error.member, rows[i].member) != 0 ||
            error.topic != rows[i].topic || error.channel != rows[i].channel) {
            fail_msg("%s: why %d, member '%s', topic %d, channel %d", rows[i].document,
                     (int)error.why, error.member, (int)error.topic, (int)error.channel);
        }
        assert_true(m.items == NULL && m.count == 0 && m.cap == 0);
    }
}

/* A document whose depth is `depth`: {"x":[[[...]]]}. */
static bool read_deep(size_t depth, struct metadata_error *error)
{
    struct buf document = {0};
    struct metadata m = {.items = NULL};
    text_append(&document, "{\"x\":");
    memset(buf_room(&document, depth - 1), '[', depth - 1);
    buf_grew(&document, depth - 1);
    memset(buf_room(&document, depth - 1), ']', depth - 1);
    buf_grew(&document, depth - 1);
    text_append(&document, "}");
    bool good = metadata_read(buf_span(&document), &m, error);
    buf_free(&document);
    metadata_free(&m);
    return good;
}

static void the_depth_is_bounded(void **state)
{
    (void)state;
    struct metadata_error error;
    assert_true(read_deep(JSON_DEPTH_MAX, &error));
    assert_false(read_deep(JSON_DEPTH_MAX + 1, &error));
    assert_int_equal(error.why, METADATA_TOO_DEEP);
    assert_string_equal(error.member, "");
}

static void expect_written(const struct metadata *m, const char *document)
{
    struct buf out = {0};
    metadata_write(m, SPAN("1.3.0"), &out);
    expect_text(&out, text_span(document));
    buf_free(&out);
}

static void a_file_of_upstream_is_read_and_written(void **state)
{
    (void)state;
    char document[512];
    FILE *file = fopen("tests/support/diskqueue/nsqd.dat", "rb");
    assert_non_null(file);
    size_t n = fread(document, 1, sizeof document - 1, file);
    document[n] = '\0';
    assert_int_equal(fclose(file), 0);
    expect_read(text_span(document), "third* first second:ch.a*", 0);
    struct metadata m = {.items = NULL};
    struct metadata_error error;
    assert_true(metadata_read(text_span(document), &m, &error));
    expect_written(&m, document);
    metadata_free(&m);
}

static void lists_are_written(void **state)
{
    (void)state;
    struct metadata m = {.items = NULL};
    expect_written(&m, "{\"topics\":null,\"version\":\"1.3.0\"}");
    metadata_add(&m, false, SPAN("e#ephemeral"), false);
    metadata_add(&m, true, SPAN("c"), false);
    expect_written(&m, "{\"topics\":null,\"version\":\"1.3.0\"}");
    metadata_add(&m, false, SPAN("a"), true);
    metadata_add(&m, true, SPAN("c#ephemeral"), true);
    expect_written(&m, "{\"topics\":[{\"name\":\"a\",\"paused\":true,\"channels\":null}],"
                       "\"version\":\"1.3.0\"}");
    metadata_add(&m, true, SPAN("c"), false);
    metadata_add(&m, true, SPAN("d#ephemeral"), false);
    metadata_add(&m, true, SPAN("d"), true);
    metadata_add(&m, false, SPAN("f#ephemeral"), false);
    metadata_add(&m, true, SPAN("c"), false);
    metadata_add(&m, false, SPAN("b"), false);
    expect_written(&m, "{\"topics\":[{\"name\":\"a\",\"paused\":true,\"channels\":[{\"name\":\"c\","
                       "\"paused\":false},{\"name\":\"d\",\"paused\":true}]},{\"name\":\"b\","
                       "\"paused\":false,\"channels\":null}],\"version\":\"1.3.0\"}");
    metadata_free(&m);
}

static void a_long_list_grows(void **state)
{
    (void)state;
    struct metadata m = {.items = NULL}, again = {.items = NULL};
    struct metadata_error error;
    struct buf out = {0};
    for (int i = 0; i < 1000; i++) {
        char name[16];
        int n = snprintf(name, sizeof name, "n%d", i);
        metadata_add(&m, i % 3 != 0, span_make(name, (size_t)n), i % 2 == 0);
    }
    metadata_write(&m, SPAN("1.3.0"), &out);
    assert_true(metadata_read(buf_span(&out), &again, &error));
    assert_int_equal(again.count, 1000);
    assert_memory_equal(again.items, m.items, 1000 * sizeof *m.items);
    buf_free(&out);
    metadata_free(&m);
    metadata_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_read_as_upstream_does),
        cmocka_unit_test(the_longest_name_has_64_bytes),
        cmocka_unit_test(wrong_documents_are_refused),
        cmocka_unit_test(the_depth_is_bounded),
        cmocka_unit_test(a_file_of_upstream_is_read_and_written),
        cmocka_unit_test(lists_are_written),
        cmocka_unit_test(a_long_list_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
