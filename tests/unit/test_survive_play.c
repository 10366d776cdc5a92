/* SPDX-License-Identifier: MIT */
/* Tests of conform/survive_play.h: what is sent for an input, and where it is cut. */
#include "conform/survive_play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void sent(const char *path, struct span input, bool bare, struct span first,
                 struct span rest)
{
    struct survive_talk talk;
    survive_talk(&talk, path, input, bare);
    assert_true(span_equal(buf_span(&talk.first), first));
    assert_true(span_equal(buf_span(&talk.rest), rest));
    survive_talk_free(&talk);
}

static void the_header_for_the_fuzz_target_is_not_sent(void **state)
{
    (void)state;
    sent("corpus/command/1", SPAN("01234NOP\n"), false, SPAN(""), SPAN("  V2NOP\n"));
    sent("session/1", SPAN("0123456789  V2NOP\n"), false, SPAN(""), SPAN("  V2NOP\n"));
    sent("corpus/command/1", SPAN("012"), false, SPAN(""), SPAN("  V2"));
    sent("corpus/identify/1", SPAN("0{}"), false, SPAN(""), SPAN("  V2IDENTIFY\n\0\0\0\2{}"));
    sent("corpus/name/1", SPAN("0a"), false, SPAN(""), SPAN("  V2SUB a a\n"));
    sent("corpus/decimal/1", SPAN("012"), false, SPAN(""),
         SPAN("  V2SUB survive#ephemeral c#ephemeral\nRDY 12\n"));
}

static void other_files_are_sent_whole(void **state)
{
    (void)state;
    sent("corpus/http_request/1", SPAN("01234567GET /"), false, SPAN(""), SPAN("GET /"));
    sent("corpus/query/1", SPAN("0a=%"), false, SPAN(""),
         SPAN("POST /channel/create?a=% HTTP/1.1\r\nHost: nsq\r\n\r\n"));
    sent("corpus/query/1", SPAN("a=%"), true, SPAN(""), SPAN("a=%"));
    sent("corpus/mycommand/1", SPAN("NOP\n"), false, SPAN(""), SPAN("  V2NOP\n"));
    sent("command", SPAN("NOP\n"), false, SPAN(""), SPAN("  V2NOP\n"));
    sent("corpus/command/1", SPAN("01234NOP\n"), true, SPAN(""), SPAN("01234NOP\n"));
}

static void a_codec_is_negotiated_first(void **state)
{
    (void)state;
    struct survive_talk talk;
    survive_talk(&talk, "corpus/snappy/1", SPAN("01234abc"), false);
    assert_true(talk.first.n > 0);
    assert_true(span_equal(buf_span(&talk.rest), SPAN("abc")));
    survive_talk_free(&talk);
}

/* The pieces follow one another and end at the end. Returns how many there are. */
static size_t pieces(enum survive_way way, size_t n)
{
    size_t count = 0;
    for (size_t at = 0; at < n; count++) {
        size_t piece = survive_piece(way, n, at);
        assert_true(piece > 0 && piece <= n - at);
        at += piece;
    }
    return count;
}

static void each_way_has_its_pieces(void **state)
{
    (void)state;
    assert_int_equal(pieces(SURVIVE_WHOLE, 100), 1);
    assert_int_equal(pieces(SURVIVE_RESET, 100), 1);
    assert_int_equal(pieces(SURVIVE_FOUR, 100), 4);
    assert_int_equal(pieces(SURVIVE_FOUR, 3), 3);
    assert_int_equal(pieces(SURVIVE_BYTES, 100), 100);
    assert_int_equal(pieces(SURVIVE_BYTES, 1024), 1024);
    assert_int_equal(pieces(SURVIVE_BYTES, 100000), 1025);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_for_the_fuzz_target_is_not_sent),
        cmocka_unit_test(other_files_are_sent_whole),
        cmocka_unit_test(a_codec_is_negotiated_first),
        cmocka_unit_test(each_way_has_its_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
