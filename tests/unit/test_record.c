/* SPDX-License-Identifier: MIT */
/* Tests of conform/record.h. */
#include "conform/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <nsq/frame.h>

#include "base/text.h"
#include "base/time.h"
#include "conform/session_file.h"

#define ID_A "0123456789abcdef"
#define ID_B "fedcba9876543210"

/* Cuts what both sides send into pieces; offset 0 means no cut. */
struct cut {
    size_t every;
    size_t at;
};

static struct cut cut;

static void feed(struct record *r, size_t conn, bool client, struct span bytes, int64_t ms)
{
    while (bytes.n > 0) {
        size_t n = cut.every > 0 ? cut.every : cut.at > 0 && cut.at < bytes.n ? cut.at : bytes.n;
        n = n < bytes.n ? n : bytes.n;
        (client ? record_from_client : record_from_server)(r, conn, span_first(bytes, n),
                                                           ms * TIME_MS);
        bytes = span_skip(bytes, n);
    }
}

#define SAYS(r, conn, ms, literal) feed((r), (conn), true, SPAN(literal), (ms))

static void append_i32(struct buf *out, size_t n)
{
    uint8_t *p = buf_room(out, 4);
    be32_store(p, (uint32_t)n);
    buf_grew(out, 4);
}

static void answers(struct record *r, size_t conn, int64_t ms, uint32_t type, struct span data)
{
    struct buf frame = {0};
    append_i32(&frame, data.n + 4);
    append_i32(&frame, type);
    buf_append(&frame, data);
    feed(r, conn, false, buf_span(&frame), ms);
    buf_free(&frame);
}

#define ANSWERS(r, conn, ms, literal) answers((r), (conn), (ms), NSQ_FRAME_RESPONSE, SPAN(literal))
#define REFUSES(r, conn, ms, literal) answers((r), (conn), (ms), NSQ_FRAME_ERROR, SPAN(literal))
#define DELIVERS(r, conn, ms, attempts, id, body)                                                  \
    answers((r), (conn), (ms), NSQ_FRAME_MESSAGE, SPAN("\1\2\3\4\5\6\7\10\0" attempts id body))

typedef void conversation(struct record *r);

/* Appends the recorded steps; returns what could not be recorded. */
static const char *steps_of(conversation *play, struct buf *steps)
{
    struct record r = {.pause = 100 * TIME_MS};
    const struct record_header header = {
        .id = SPAN("a/b"), .title = SPAN("a title"), .level = SPAN("SHOULD"), .flags = SPAN("--x")};
    const struct span head =
        SPAN("id: a/b\ntitle: a title\nreq: RECORDED\nlevel: SHOULD\nflags: --x\n"
             "order: partial\nsource: nsqd 1.3.0\n\n");
    struct buf file = {0};
    play(&r);
    bool whole = record_print(&r, &header, &file);
    const char *broken = r.broken;
    assert_true(whole == (broken == NULL));
    assert_true(span_equal(span_first(buf_span(&file), head.n), head));

    if (whole) { /* the recording is in canonical form */
        struct transcript parsed;
        struct transcript_error error = {0};
        if (!transcript_parse(&parsed, buf_span(&file), &error)) {
            fail_msg("line %u, column %u: expected %s", error.line, error.column, error.expected);
        }
        struct buf again = {0};
        transcript_print(&parsed, &again);
        assert_true(span_equal(buf_span(&file), buf_span(&again)));
        buf_free(&again);
        transcript_free(&parsed);
    }
    buf_append(steps, span_skip(buf_span(&file), head.n));
    buf_free(&file);
    record_free(&r);
    return broken;
}

static void check_once(conversation *play, const char *want, const char *why)
{
    struct buf steps = {0};
    const char *broken = steps_of(play, &steps);
    if (why == NULL ? broken != NULL : broken == NULL || strcmp(broken, why) != 0) {
        fail_msg("reason: %s", broken == NULL ? "none" : broken);
    }
    if (want != NULL && !span_equal(buf_span(&steps), span_make(want, strlen(want)))) {
        fail_msg("cut every %zu, at %zu:\n%.*s", cut.every, cut.at, (int)steps.n,
                 steps.n > 0 ? (const char *)buf_span(&steps).p : "");
    }
    buf_free(&steps);
}

#define LONGEST 700 /* bytes of the longest piece that a test sends */

/* The steps are the same whether the bytes arrive whole, one by one, or cut anywhere. */
static void check(conversation *play, const char *want, const char *why)
{
    cut = (struct cut){0};
    check_once(play, want, why);
    cut.every = 1;
    check_once(play, want, why);
    cut.every = 0;
    for (cut.at = 1; cut.at < LONGEST; cut.at++) {
        check_once(play, want, why);
    }
    cut.at = 0;
}

/* --- what is recorded ------------------------------------------------------------------------- */

static void play_consumer(struct record *r)
{
    record_open(r, TIME_SECOND);
    SAYS(r, 0, 1000, "  V2SUB news left#ephemeral\nRDY 1\n");
    ANSWERS(r, 0, 1001, "OK");
    DELIVERS(r, 0, 1002, "\1", ID_A, "hi\n");
    SAYS(r, 0, 1003, "TOUCH " ID_A "\nREQ " ID_A " 0\n");
    DELIVERS(r, 0, 1004, "\2", ID_A, "hi\n");
    SAYS(r, 0, 1005, "FIN " ID_A "\r\nFIN " ID_B "\nCLS\n");
    REFUSES(r, 0, 1006, "E_FIN_FAILED FIN " ID_B " failed ID not in flight");
    ANSWERS(r, 0, 1007, "CLOSE_WAIT");
    record_client_end(r, 0, 1008 * TIME_MS);
    record_server_end(r, 0, 1009 * TIME_MS);
    record_client_end(r, 0, 1009 * TIME_MS);
}

static void names_and_ids_become_values(void **state)
{
    (void)state;
    check(play_consumer,
          "c1 connect\n"
          "c1 > \"  V2\"\n"
          "c1 > \"SUB \" $topic1 \" \" $channel1 \"#ephemeral\\n\"\n"
          "c1 > \"RDY 1\\n\"\n"
          "c1 < response \"OK\"\n"
          "c1 < message $m1 attempts 1 body \"hi\\n\"\n"
          "c1 > \"TOUCH \" $m1 \"\\n\"\n"
          "c1 > \"REQ \" $m1 \" 0\\n\"\n"
          "c1 < message $m1 attempts 2 body \"hi\\n\"\n"
          "c1 > \"FIN \" $m1 \"\\r\\n\"\n"
          "c1 > \"FIN fedcba9876543210\\n\"\n"
          "c1 > \"CLS\\n\"\n"
          "c1 < error E_FIN_FAILED\n"
          "c1 < response \"CLOSE_WAIT\"\n"
          "c1 > close\n",
          NULL);
}

static void play_half_closed(struct record *r)
{
    record_open(r, TIME_SECOND);
    record_open(r, TIME_SECOND);
    SAYS(r, 0, 1000, "  V2PUB news\n\0\0\0\1x");
    record_client_end(r, 0, 1000 * TIME_MS);
    SAYS(r, 1, 1001, "  V2NOP\n");
    ANSWERS(r, 0, 1002, "_heartbeat_");
    ANSWERS(r, 0, 1002, "OK");
    record_server_end(r, 0, 1003 * TIME_MS);
    ANSWERS(r, 0, 1004, "OK");
    record_client_end(r, 1, 1010 * TIME_MS);
    ANSWERS(r, 1, 1011, "OK");
}

static void a_client_that_ends_and_still_reads_gets_end(void **state)
{
    (void)state;
    check(play_half_closed,
          "c1 connect\n"
          "c2 connect\n"
          "c1 > \"  V2\"\n"
          "c1 > \"PUB \" $topic1 \"\\n\" size{\"x\"}\n"
          "c1 > end\n"
          "c2 > \"  V2\"\n"
          "c2 > \"NOP\\n\"\n"
          "c1 < response \"OK\"\n"
          "c1 < end\n"
          "c2 > end\n"
          "c2 < response \"OK\"\n",
          NULL);
}

static void play_gone(struct record *r)
{
    for (int i = 0; i < 4; i++) {
        record_open(r, TIME_SECOND);
        record_client_end(r, (size_t)i, TIME_SECOND);
    }
    ANSWERS(r, 0, 1001, "OK");
    record_client_gone(r, 0, TIME_SECOND); /* no client read the answer */
    record_server_end(r, 0, TIME_SECOND);
    ANSWERS(r, 1, 1001, "_heartbeat_");
    record_server_end(r, 1, TIME_SECOND);
    ANSWERS(r, 2, 1001, "_heartbeat_"); /* the recording ends before the server closes */
    record_open(r, TIME_SECOND);
    record_client_gone(r, 4, TIME_SECOND);
    record_server_end(r, 4, TIME_SECOND);
}

static void a_client_that_reads_no_answer_gets_close(void **state)
{
    (void)state;
    check(play_gone,
          "c1 connect\n"
          "c1 > close\n"
          "c2 connect\n"
          "c2 > close\n"
          "c3 connect\n"
          "c3 > close\n"
          "c4 connect\n"
          "c4 > close\n"
          "c5 connect\n"
          "c5 > close\n",
          NULL);
}

static void play_producer(struct record *r)
{
    record_open(r, TIME_SECOND);
    SAYS(r, 0, 1000, "  V2PUB news\n\0\0\0\3a\"\xffPUB other#ephemeral\n\0\0\0\1b");
    SAYS(r, 0, 1000, "DPUB news 100\n\0\0\0\2\r\nMPUB news\n\0\0\0\17\0\0\0\2\0\0\0\1x\0\0\0\2yz");
    REFUSES(r, 0, 1001, "E_BAD_MESSAGE DPUB what");
    SAYS(r, 0, 1002, "PUB no;name\n\0\0\0\1a");
    SAYS(r, 0, 1002, "SUB news\n\nWHAT a b c d\nPUB news\n\0\0\0\1a");
    record_server_end(r, 0, 1003 * TIME_MS);
}

static void a_body_is_written_with_its_size(void **state)
{
    (void)state;
    check(play_producer,
          "c1 connect\n"
          "c1 > \"  V2\"\n"
          "c1 > \"PUB \" $topic1 \"\\n\" size{\"a\\\"\\xff\"}\n"
          "c1 > \"PUB \" $topic2 \"#ephemeral\\n\" size{\"b\"}\n"
          "c1 > \"DPUB \" $topic1 \" 100\\n\" size{\"\\r\\n\"}\n"
          "c1 > \"MPUB \" $topic1 \"\\n\" size{i32(2) size{\"x\"} size{\"yz\"}}\n"
          "c1 < error E_BAD_MESSAGE \"DPUB what\"\n"
          "c1 > \"PUB no;name\\n\" size{\"a\"}\n"
          "c1 > \"SUB \" $topic1 \"\\n\"\n"
          "c1 > \"\\n\"\n"
          "c1 > \"WHAT a b c d\\n\"\n"
          "c1 > \"PUB \" $topic1 \"\\n\" size{\"a\"}\n"
          "c1 < end\n",
          NULL);
}

static void play_fill(struct record *r)
{
    struct buf command = {0};
    text_append(&command, "  V2PUB news\n\0\0\1\0");
    for (int i = 0; i < 256; i++) {
        text_append(&command, "\n");
    }
    record_open(r, TIME_SECOND);
    feed(r, 0, true, buf_span(&command), 1000);
    buf_free(&command);
}

static void a_long_body_that_repeats_one_byte_becomes_a_fill(void **state)
{
    (void)state;
    check(play_fill,
          "c1 connect\n"
          "c1 > \"  V2\"\n"
          "c1 > \"PUB \" $topic1 \"\\n\" size{fill(256 \"\\n\")}\n",
          NULL);
}

static void play_topics(struct record *r)
{
    record_open(r, TIME_SECOND);
    record_open(r, TIME_SECOND);
    record_open(r, TIME_SECOND);
    SAYS(r, 0, 1000, "  V2SUB one c\n");
    SAYS(r, 1, 1000, "  V2SUB two c\n");
    SAYS(r, 2, 1000, "  V2SUB one d\n");
    DELIVERS(r, 0, 1001, "\1", ID_A, "x");
    DELIVERS(r, 1, 1001, "\1", ID_A, "y");
    DELIVERS(r, 2, 1001, "\1", ID_A, "x");
    SAYS(r, 1, 1002, "FIN " ID_A "\n");
    SAYS(r, 2, 1002, "FIN " ID_A "\n");
}

static void an_id_belongs_to_its_topic(void **state)
{
    (void)state;
    check(play_topics,
          "c1 connect\n"
          "c2 connect\n"
          "c3 connect\n"
          "c1 > \"  V2\"\n"
          "c1 > \"SUB \" $topic1 \" \" $channel1 \"\\n\"\n"
          "c2 > \"  V2\"\n"
          "c2 > \"SUB \" $topic2 \" \" $channel1 \"\\n\"\n"
          "c3 > \"  V2\"\n"
          "c3 > \"SUB \" $topic1 \" \" $channel2 \"\\n\"\n"
          "c1 < message $m1 attempts 1 body \"x\"\n"
          "c2 < message $m2 attempts 1 body \"y\"\n"
          "c3 < message $m1 attempts 1 body \"x\"\n"
          "c2 > \"FIN \" $m2 \"\\n\"\n"
          "c3 > \"FIN \" $m1 \"\\n\"\n",
          NULL);
}

static void play_heartbeats(struct record *r)
{
    record_open(r, TIME_SECOND);
    SAYS(r, 0, 1000, "  V2NOP\n");
    ANSWERS(r, 0, 1100, "_heartbeat_");
    SAYS(r, 0, 1200, "NOP\n");
    SAYS(r, 0, 1300, "NOP\n");
    ANSWERS(r, 0, 1310, "_heartbeat_");
    SAYS(r, 0, 1311, "RDY 1\nNOP\n");
}

static void heartbeats_and_their_answers_are_left_out(void **state)
{
    (void)state;
    check(play_heartbeats,
          "c1 connect\n"
          "c1 > \"  V2\"\n"
          "c1 > \"NOP\\n\"\n"
          "wait 300ms\n"
          "c1 > \"NOP\\n\"\n"
          "c1 > \"RDY 1\\n\"\n",
          NULL);
}

static void play_pauses(struct record *r)
{
    record_open(r, TIME_SECOND);
    SAYS(r, 0, 1099, "  V2");
    SAYS(r, 0, 1199, "RDY 1\n");
    SAYS(r, 0, 1448, "RDY 2\n");
    SAYS(r, 0, 1698, "RDY 3\n");
    ANSWERS(r, 0, 2000, "OK");
    record_open(r, 2120 * TIME_MS);
    record_client_end(r, 0, 2500 * TIME_MS);
}

static void silence_of_the_clients_becomes_a_wait(void **state)
{
    (void)state;
    check(play_pauses,
          "c1 connect\n"
          "c1 > \"  V2\"\n"
          "wait 100ms\n"
          "c1 > \"RDY 1\\n\"\n"
          "wait 200ms\n"
          "c1 > \"RDY 2\\n\"\n"
          "wait 300ms\n"
          "c1 > \"RDY 3\\n\"\n"
          "c1 < response \"OK\"\n"
          "wait 100ms\n"
          "c2 connect\n"
          "wait 400ms\n"
          "c1 > close\n",
          NULL);
}

static void play_no_pauses(struct record *r)
{
    r->pause = 0;
    record_open(r, TIME_SECOND);
    SAYS(r, 0, 9000, "  V2");
}

static void without_pause_there_are_no_waits(void **state)
{
    (void)state;
    check(play_no_pauses, "c1 connect\nc1 > \"  V2\"\n", NULL);
}

static void play_identify(struct record *r)
{
    record_open(r, TIME_SECOND);
    SAYS(r, 0, 1000,
         "  "
         "V2IDENTIFY\n\0\0\0\76{\"hostname\":\"a.b.c\",\"tls_v1\":false,\"feature_negotiation\":"
         "true}"
         "AUTH\n\0\0\0\1s");
    ANSWERS(r, 0, 1000, "{\"version\":\"1.3.0\",\"tls_v1\":false,\"snappy\":false}");
    ANSWERS(r, 0, 1000, "{ \"identity\": \"me\",\"permission_count\":1}");
}

static void hosts_and_versions_are_replaced(void **state)
{
    (void)state;
    check(play_identify,
          "c1 connect\n"
          "c1 > \"  V2\"\n"
          "c1 > \"IDENTIFY\\n\" size{\"{\\\"hostname\\\":\\\"recorded\\\",\\\"tls_v1\\\":false,"
          "\\\"feature_negotiation\\\":true}\"}\n"
          "c1 > \"AUTH\\n\" size{\"s\"}\n"
          "c1 < response {\"version\":null,\"tls_v1\":false,\"snappy\":null}\n"
          "c1 < response {\"identity\":\"me\",\"permission_count\":1}\n",
          NULL);
}

static void play_odd_sizes(struct record *r)
{
    record_open(r, TIME_SECOND);
    SAYS(r, 0, 1000, "  V2AUTH\n\0\0\0\1sMPUB t\n\0\0\0\7\0\0\0\1\0\0\0\1xNOP\n");
}

static void other_bodies_are_recorded_too(void **state)
{
    (void)state;
    check(play_odd_sizes,
          "c1 connect\n"
          "c1 > \"  V2\"\n"
          "c1 > \"AUTH\\n\" size{\"s\"}\n"
          "c1 > \"MPUB \" $topic1 "
          "\"\\n\\x00\\x00\\x00\\x07\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x01x\"\n"
          "c1 > \"NOP\\n\"\n",
          NULL);
}

static void play_upgrades(struct record *r)
{
    const struct step tls = {.kind = STEP_UPGRADE, .upgrade = UPGRADE_TLS};
    const struct step deflate = {
        .kind = STEP_UPGRADE, .upgrade = UPGRADE_DEFLATE, .upgrade_number = 3};
    record_open(r, TIME_SECOND);
    SAYS(r, 0, 1000, "  V2IDENTIFY\n\0\0\0\2{}");
    ANSWERS(r, 0, 1000, "{\"tls_v1\":true,\"deflate\":true}");
    record_upgrade(r, 0, &tls);
    ANSWERS(r, 0, 1000, "OK");
    record_upgrade(r, 0, &deflate);
    ANSWERS(r, 0, 1000, "OK");
    record_upgrade(r, 1, &tls); /* no connection has this number */
    record_server_end(r, 0, TIME_SECOND);
    record_upgrade(r, 0, &tls); /* the connection has ended */
}

static void a_codec_becomes_a_step_and_a_need(void **state)
{
    (void)state;
    struct record r = {0};
    struct buf out = {0};
    const struct record_header header = {.id = SPAN("a/b"),
                                         .title = SPAN("t"),
                                         .level = SPAN("SHOULD"),
                                         .flags = SPAN("--auth-http-address={auth}")};
    const char *want =
        "id: a/b\ntitle: t\nreq: RECORDED\nlevel: SHOULD\nneeds: tls deflate auth\n"
        "flags: --auth-http-address={auth}\norder: partial\nsource: nsqd 1.3.0\n\n"
        "c1 connect\nc1 > \"  V2\"\nc1 > \"IDENTIFY\\n\" size{\"{}\"}\n"
        "c1 < response {\"tls_v1\":true,\"deflate\":true}\nc1 upgrade tls\n"
        "c1 < response \"OK\"\nc1 upgrade deflate 3\nc1 < response \"OK\"\nc1 < end\n";
    play_upgrades(&r);
    assert_true(record_print(&r, &header, &out));
    assert_true(span_equal(buf_span(&out), span_make(want, strlen(want))));
    buf_free(&out);
    record_free(&r);
}

/* --- what cannot be recorded ------------------------------------------------------------------ */

static void play_bad_size(struct record *r)
{
    record_open(r, TIME_SECOND);
    SAYS(r, 0, 1000, "  V2PUB news\n\0\0\0\0NOP\n");
}

static void play_bad_count(struct record *r)
{
    record_open(r, TIME_SECOND);
    SAYS(r, 0, 1000, "  V2MPUB news\n\0\0\0\4\377\377\377\377NOP\n");
}

static void play_unended(struct record *r)
{
    record_open(r, TIME_SECOND);
    SAYS(r, 0, 1000, "  V2PUB news\n\0\0\0\4abc");
    record_client_end(r, 0, TIME_SECOND);
}

static void play_no_frame(struct record *r)
{
    record_open(r, TIME_SECOND);
    SAYS(r, 0, 1000, "  V2NOP\n");
    feed(r, 0, false, SPAN("HTTP/1.1 400 Bad Request"), 1000);
}

static void play_short_message(struct record *r)
{
    record_open(r, TIME_SECOND);
    answers(r, 0, 1000, NSQ_FRAME_MESSAGE, SPAN("too short"));
}

static void play_many_names(struct record *r)
{
    record_open(r, TIME_SECOND);
    SAYS(r, 0, 1000, "  V2");
    for (int i = 0; i < RECORD_NAMES_MAX + 1; i++) {
        struct buf line = {0};
        text_append(&line, "PUB t");
        text_append_decimal(&line, i);
        text_append(&line, "\n\0\0\0\1x");
        feed(r, 0, true, buf_span(&line), 1000);
        buf_free(&line);
    }
}

static void play_many_connections(struct record *r)
{
    for (int i = 0; i < RECORD_CONNS_MAX + 1; i++) {
        record_open(r, TIME_SECOND);
    }
    SAYS(r, RECORD_CONNS_MAX, 1000, "  V2NOP\n");
    ANSWERS(r, RECORD_CONNS_MAX, 1000, "OK");
    record_client_end(r, RECORD_CONNS_MAX, TIME_SECOND);
    record_server_end(r, RECORD_CONNS_MAX, TIME_SECOND);
}

/* The file must be one that nsq-conform can read. */
static void play_a_large_body(struct record *r)
{
    static uint8_t body[TRANSCRIPT_SIZE_MAX];
    struct buf bytes = {0};
    for (size_t i = 0; i < sizeof body; i++) {
        body[i] = (uint8_t)(i % 251);
    }
    text_append(&bytes, "  V2PUB t\n");
    buf_append(&bytes, span_make("\0\x10\0\0", 4));
    buf_append(&bytes, span_make(body, sizeof body));
    record_open(r, TIME_SECOND);
    record_from_client(r, 0, buf_span(&bytes), TIME_SECOND);
    record_from_client(r, 0, SPAN("NOP\n"), TIME_SECOND);
    buf_free(&bytes);
}

static void what_cannot_be_recorded_has_a_reason(void **state)
{
    (void)state;
    const char *bad = "a client sent a command with a bad size or a line that is too long";
    check(play_bad_size, NULL, bad);
    check(play_bad_count, NULL, bad);
    check(play_unended, NULL, "a client sent a part of a command only");
    check(play_no_frame, NULL, "the server sent bytes that are not a frame");
    check_once(play_short_message, NULL,
               "the server sent a message frame that is too short for a message");
    check_once(play_many_names, NULL,
               "more than 256 names of topics, channels and messages, or a name that is too long");
    check_once(play_a_large_body, NULL, "more than a session file may contain");
    check_once(play_many_connections, NULL, "more connections than a session file may have");
}

static void replies(struct record *r, size_t conn, struct span data)
{
    struct buf reply = {0};
    append_i32(&reply, data.n);
    buf_append(&reply, data);
    feed(r, conn, false, buf_span(&reply), 1);
    buf_free(&reply);
}

static void play_v1(struct record *r)
{
    record_open(r, TIME_MS);
    SAYS(r, 0, 1, "  V1IDENTIFY\n\0\0\0\x19{\"broadcast_address\":\"b\"}PING\n");
    replies(r, 0, SPAN("{\"broadcast_address\":\"host\",\"tcp_port\":1}"));
    replies(r, 0, SPAN("OK"));
    SAYS(r, 0, 1, "REGISTER orders mail#ephemeral\r\nUNREGISTER orders\n");
    replies(r, 0, SPAN("OK"));
    replies(r, 0, SPAN("OK"));
    SAYS(r, 0, 1, "WHAT orders\n");
    replies(r, 0, SPAN("E_INVALID invalid command WHAT"));
    record_server_end(r, 0, TIME_MS);
}

static const char v1_file[] =
    "id: a/b\ntitle: t\nreq: RECORDED\nlevel: SHOULD\nserver: nsqlookupd\norder: partial\n"
    "source: nsqlookupd 1.3.0\n\nc1 connect\nc1 > \"  V1\"\n"
    "c1 > \"IDENTIFY\\n\" size{\"{\\\"broadcast_address\\\":\\\"b\\\"}\"}\nc1 > \"PING\\n\"\n"
    "c1 < response {\"broadcast_address\":null,\"tcp_port\":null}\nc1 < response \"OK\"\n"
    "c1 > \"REGISTER \" $topic1 \" \" $channel1 \"#ephemeral\\n\"\n"
    "c1 > \"UNREGISTER \" $topic1 \"\\n\"\nc1 < response \"OK\"\nc1 < response \"OK\"\n"
    "c1 > \"WHAT orders\\n\"\nc1 < error E_INVALID \"invalid command WHAT\"\nc1 < end\n";

static const char *print_v1(struct record *r, struct buf *out)
{
    const struct record_header header = {
        .id = SPAN("a/b"), .title = SPAN("t"), .level = SPAN("SHOULD"), .flags = SPAN("")};
    record_print(r, &header, out);
    return r->broken;
}

static void a_client_may_speak_v1(void **state)
{
    (void)state;
    for (size_t every = 0; every < 3; every++) {
        struct record r = {.pause = 0};
        struct buf file = {0};
        cut = (struct cut){.every = every};
        play_v1(&r);
        assert_null(print_v1(&r, &file));
        assert_true(span_equal(buf_span(&file), SPAN(v1_file)));
        buf_free(&file);
        record_free(&r);
    }
    cut = (struct cut){0};
}

static void a_file_is_about_one_program(void **state)
{
    (void)state;
    struct record r = {.pause = 0};
    struct buf file = {0};
    play_v1(&r);
    record_open(&r, TIME_MS);
    SAYS(&r, 1, 1, "  V2NOP\n");
    assert_string_equal(print_v1(&r, &file), "some connections speak V1 and some do not");
    buf_free(&file);
    record_free(&r);
}

/* The connections that are open end with it. Only the step itself is written. */
static void a_restart_of_the_server_is_a_step(void **state)
{
    (void)state;
    struct record r = {.pause = 0};
    struct buf file = {0};
    record_open(&r, TIME_MS);
    SAYS(&r, 0, 1, "  V1PING\n");
    replies(&r, 0, SPAN("OK"));
    record_restart(&r, TIME_MS);
    record_client_end(&r, 0, TIME_MS);
    record_server_end(&r, 0, TIME_MS);
    record_open(&r, TIME_MS);
    SAYS(&r, 1, 1, "  V1PING\n");
    record_client_gone(&r, 1, TIME_MS);
    assert_null(print_v1(&r, &file));
    buf_append(&file, SPAN("\0"));
    assert_non_null(strstr((const char *)file.p,
                           "\n\nc1 connect\nc1 > \"  V1\"\nc1 > \"PING\\n\"\nc1 < response \"OK\"\n"
                           "restart\nc2 connect\nc2 > \"  V1\"\nc2 > \"PING\\n\"\nc2 > close\n"));
    buf_free(&file);
    record_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_codec_becomes_a_step_and_a_need),
        cmocka_unit_test(names_and_ids_become_values),
        cmocka_unit_test(a_client_that_ends_and_still_reads_gets_end),
        cmocka_unit_test(a_client_that_reads_no_answer_gets_close),
        cmocka_unit_test(a_body_is_written_with_its_size),
        cmocka_unit_test(a_long_body_that_repeats_one_byte_becomes_a_fill),
        cmocka_unit_test(an_id_belongs_to_its_topic),
        cmocka_unit_test(heartbeats_and_their_answers_are_left_out),
        cmocka_unit_test(silence_of_the_clients_becomes_a_wait),
        cmocka_unit_test(without_pause_there_are_no_waits),
        cmocka_unit_test(hosts_and_versions_are_replaced),
        cmocka_unit_test(other_bodies_are_recorded_too),
        cmocka_unit_test(what_cannot_be_recorded_has_a_reason),
        cmocka_unit_test(a_client_may_speak_v1),
        cmocka_unit_test(a_file_is_about_one_program),
        cmocka_unit_test(a_restart_of_the_server_is_a_step),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
