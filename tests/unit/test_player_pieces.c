/* SPDX-License-Identifier: MIT */
/* Tests of conform/player_pieces.h: what a transport is given to send. */
#include "conform/player_pieces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

#define HEADER                                                                                     \
    "id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nneeds: http\nsource: spec\n\nc connect\nh connect " \
    "http\n"

/* A server that takes everything. */
struct sink {
    struct buf pieces; /* each with "|" before it */
    int64_t now;
};

static int64_t on_now(void *self)
{
    return ((struct sink *)self)->now;
}

static bool on_connect(void *self, size_t i, enum connect_kind kind)
{
    (void)self;
    (void)i;
    (void)kind;
    return true;
}

static void on_send(void *self, size_t i, struct span bytes)
{
    struct sink *s = self;
    (void)i;
    text_append(&s->pieces, "|");
    transcript_escape(bytes, &s->pieces);
}

static void on_close(void *self, size_t i)
{
    (void)self;
    (void)i;
}

static void on_wait(void *self, int64_t deadline)
{
    struct sink *s = self;
    s->now = deadline > s->now ? deadline : s->now;
}

/* Returns how long it took, in ns. */
static int64_t sends(const char *steps, size_t splits, const char *wanted)
{
    struct transcript file;
    struct transcript_error error;
    struct sink sink = {.now = 0};
    struct buf text = {0};
    struct player *player = calloc(1, sizeof *player);
    assert_non_null(player);
    text_append(&text, HEADER);
    buf_append(&text, span_make(steps, strlen(steps)));
    if (!transcript_parse(&file, buf_span(&text), &error)) {
        fail_msg("%u:%u: expected %s", error.line, error.column, error.expected);
    }
    const struct player_config config = {.transport = {&sink, .now = on_now, .connect = on_connect,
                                                       .send = on_send, .close = on_close,
                                                       .wait = on_wait},
                                         .names = SPAN("n"),
                                         .time_scale = 100,
                                         .splits = splits};
    player_init(player, &config, &file);
    player_run(player);
    if (!span_equal(buf_span(&sink.pieces), span_make(wanted, strlen(wanted)))) {
        fail_msg("sent: %.*s", (int)sink.pieces.n, (const char *)buf_span(&sink.pieces).p);
    }
    player_free(player);
    free(player);
    transcript_free(&file);
    buf_free(&sink.pieces);
    buf_free(&text);
    return sink.now;
}

static void a_size_and_what_has_this_size_are_cut(void **state)
{
    (void)state;
    static const char pub[] = "c > \"  V2\" \"PUB \" $topic \"\\n\" size{\"12345678\"}\n";
    sends(pub, 1, "|  |V2PUB n.topic\\n\\x00\\x00\\x00\\x0812345678");
    sends(pub, 2, "|  |V2PUB n.topic\\n\\x00\\x00|\\x00\\x0812345678");
    assert_int_equal(sends(pub, 0, "|  V2PUB n.topic\\n\\x00\\x00\\x00\\x0812345678"), 0);
    assert_int_equal(sends(pub, 3, "|  |V2PUB n.topic\\n\\x00\\x00|\\x00\\x081234|5678"),
                     3 * PLAYER_SPLIT_PAUSE);
    sends(pub, 16, "|  |V2PUB n.topic\\n\\x00\\x00|\\x00\\x081234|5678");
}

static void sizes_in_sizes_are_cut(void **state)
{
    (void)state;
    sends("c > \"  V2\"\nc > \"MPUB t\\n\" size{i32(2) size{\"a\"} size{\"bc\"}}\n", 16,
          "|  |V2|MPUB "
          "t\\n\\x00\\x00|\\x00\\x0f\\x00\\x00\\x00\\x02\\x00\\x00|\\x00|\\x01|a\\x00\\x00|"
          "\\x00\\x02b|c");
}

static void without_a_size_the_middle_is_cut(void **state)
{
    (void)state;
    sends("c > \"  V2NOP\\n\"\nc > \"NOP\\n\"\nc > \"N\"\nc > \"\"\n", 3,
          "|  |V2NOP\\n|NO|P\\n|N|");
}

static void a_request_is_cut_in_its_line_its_end_and_its_body(void **state)
{
    (void)state;
    static const char post[] = "h > POST \"/abc\" body \"1234\"\n";
    sends(post, 3, "|POST /abc| HTTP/1.1\\r\\nHost: nsq\\r\\nContent-Length: 4\\r\\n|\\r\\n12|34");
    sends(post, 0, "|POST /abc HTTP/1.1\\r\\nHost: nsq\\r\\nContent-Length: 4\\r\\n\\r\\n1234");
    sends("h > GET \"/\" header \"A: b\"\n", 3,
          "|GET / H|TTP/1.1\\r\\nHost: nsq\\r\\nA: b\\r\\n|\\r\\n");
    sends("h > \"GET\"\n", 3, "|G|ET");
}

/* The pieces of a case are bounded: with 1 split a step, 8 steps are cut. */
static void a_long_case_is_cut_at_its_beginning(void **state)
{
    (void)state;
    sends("repeat 10 $i {\n    c > \"NOP\\n\"\n}\n", 1,
          "|NO|P\\n|NO|P\\n|NO|P\\n|NO|P\\n|NO|P\\n|NO|P\\n|NO|P\\n|NO|P\\n|NOP\\n|NOP\\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_size_and_what_has_this_size_are_cut),
        cmocka_unit_test(sizes_in_sizes_are_cut),
        cmocka_unit_test(without_a_size_the_middle_is_cut),
        cmocka_unit_test(a_request_is_cut_in_its_line_its_end_and_its_body),
        cmocka_unit_test(a_long_case_is_cut_at_its_beginning),
    };
    return cmocka_run_group_tests_name("player_pieces", tests, NULL, NULL);
}
