/* SPDX-License-Identifier: MIT */
/* Tests of peer/peer_answer.h. */
#include "peer/peer_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* Reads an answer. Returns the names as "a b", or "BAD". The text lives until the next call. */
static const char *read_names(const char *answer, size_t most)
{
    static char text[1000];
    struct buf names = {0};
    size_t n = 0;
    text[0] = '\0';
    if (!peer_answer_read(text_span(answer), most, &names)) {
        assert_int_equal(names.n, 0);
        return "BAD";
    }
    struct span rest = buf_span(&names);
    while (rest.n > 0) {
        struct span name = peer_answer_next(&rest);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s", n > 0 ? " " : "", (int)name.n,
                              (const char *)name.p);
    }
    buf_free(&names);
    return text;
}

static void answers_are_read_as_go_does(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        const char *names;
    } rows[] = {
        {"{\"channels\":[\"a\",\"b\"]}", "a b"},
        {"{\"channels\":[]}", ""},
        {"{\"channels\":null}", ""},
        {"{}", ""},
        {"null", ""},
        {" {\"CHANNELS\" : [ \"a\" ] } ", "a"},
        {"{\"topics\":[\"x\"],\"channels\":[\"a\"],\"y\":[[\"z\"],{\"channels\":[\"q\"]}],\"w\":1}",
         "a"},
        {"{\"channels\":[\"a\"],\"channels\":[\"b\"]}", "b"},
        {"{\"channels\":[\"a\"],\"channels\":null}", ""},
        /* no names of channels */
        {"{\"channels\":[\"\",\" bad\",\"b*\",null,\"c#x\",\"ok\",\"\\u00e9\",\"a\\u0000\"]}",
         "ok"},
        {"{\"channels\":[\"" X64 "\",\"" X64 "x\"]}", X64},
        {"{\"channels\":[\"e#ephemeral\",\"a\"]}", "a"},
        {"{\"channels\":[\"a\",1]}", "BAD"},
        {"{\"channels\":[\"a\",true]}", "BAD"},
        {"{\"channels\":[\"a\",[]]}", "BAD"},
        {"{\"channels\":[[\"a\"]]}", "BAD"},
        {"{\"channels\":[{}]}", "BAD"},
        {"{\"channels\":\"a\"}", "BAD"},
        {"{\"channels\":{}}", "BAD"},
        {"{\"channels\":1}", "BAD"},
        {"[\"a\"]", "BAD"},
        {"\"a\"", "BAD"},
        {"true", "BAD"},
        {"", "BAD"},
        {"{\"channels\":[\"a\"]", "BAD"},
        {"{\"channels\":[\"a\"]} x", "BAD"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(read_names(rows[i].answer, 10), rows[i].names);
    }
}

static void the_number_of_names_is_bounded(void **state)
{
    (void)state;
    assert_string_equal(read_names("{\"channels\":[\"a\",\"b\",\"c\"]}", 2), "a b");
    assert_string_equal(read_names("{\"channels\":[\"a\",\"\",\"b\",\"c\"]}", 2), "a b");
    assert_string_equal(
        read_names("{\"channels\":[\"a\",\"b\",\"c\"],\"channels\":[\"d\",\"e\"]}", 2), "d e");
    assert_string_equal(read_names("{\"channels\":[\"a\",\"b\",1]}", 1), "BAD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_read_as_go_does),
        cmocka_unit_test(the_number_of_names_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
