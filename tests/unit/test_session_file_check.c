/* SPDX-License-Identifier: MIT */
/* Tests of conform/session_file_check.h. */
#include "conform/session_file_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "conform/files.h"

#define HEADER "id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nsource: spec\n\n"
#define HEADER_LINES 6

static bool check(struct span text, struct transcript_error *error)
{
    struct transcript file;
    if (!transcript_parse(&file, text, error)) {
        fail_msg("%u:%u: expected %s", error->line, error->column, error->expected);
    }
    bool ok = transcript_check(&file, error);
    transcript_free(&file);
    return ok;
}

static void good(struct span text)
{
    struct transcript_error error = {0};
    if (!check(text, &error)) {
        fail_msg("%u:%u: expected %s", error.line, error.column, error.expected);
    }
}

/* The file is bad at this place; lines are counted from the end of the header. */
static void bad(const char *steps, unsigned line, unsigned column, const char *expected)
{
    struct transcript_error error = {0};
    struct buf text = {0};
    text_append(&text, HEADER);
    buf_append(&text, span_make(steps, strlen(steps)));
    assert_false(check(buf_span(&text), &error));
    buf_free(&text);
    assert_string_equal(error.expected, expected);
    assert_int_equal(error.line, HEADER_LINES + line);
    assert_int_equal(error.column, column);
}

#define OPENED "the name of a connection that an earlier step opens"
#define CAPTURED "a value that an earlier message captures"

static void committed_files_can_be_played(void **state)
{
    (void)state;
    struct files files = {0};
    assert_true(files_add(&files, "tests/conformance", ".session", stderr));
    assert_true(files_add(&files, "corpus/sessions", ".session", stderr));
    assert_true(files.n > 0);
    for (size_t i = 0; i < files.n; i++) {
        struct buf text = {0};
        assert_true(files_read(files.paths[i], TRANSCRIPT_SIZE_MAX, &text, stderr));
        good(buf_span(&text));
        buf_free(&text);
    }
    files_free(&files);
}

static void a_connection_is_opened_before_it_is_used(void **state)
{
    (void)state;
    bad("c > \"x\"\n", 1, 1, OPENED);
    bad("c connect\nd > \"x\"\n", 2, 1, OPENED);
    bad("# first\nc < end\n", 2, 1, OPENED);
    bad("c connect\nany {\n    c < end\n    d < end\n}\n", 4, 5, OPENED);
}

static void the_name_of_a_connection_is_used_once(void **state)
{
    (void)state;
    bad("c connect\nc connect\n", 2, 1, "a name that no earlier connection has");
    bad("c connect\nc > close\nc connect\n", 3, 1, "a name that no earlier connection has");
}

static void a_closed_connection_cannot_be_used(void **state)
{
    (void)state;
    bad("c connect\nc > close\nc > \"x\"\n", 3, 1, "a connection that the client has not closed");
    bad("c connect\nc > reset\nc < end\n", 3, 1, "a connection that the client has not closed");
    bad("c connect\nc > end\nc > \"x\"\n", 3, 1,
        "a connection whose output the client has not ended");
    bad("c connect\nc > end\nc > end\n", 3, 1,
        "a connection whose output the client has not ended");
    good(SPAN(HEADER "c connect\nc > end\nc < response \"OK\"\nc > close\n"));
}

static void codecs_have_an_order(void **state)
{
    (void)state;
    good(SPAN(HEADER "c connect\nc upgrade tls\nc upgrade snappy\nc > raw \"x\"\nc > raw end\n"));
    good(SPAN(HEADER "c connect\nc upgrade deflate 1\nd connect\nd upgrade tls 1.2\n"));
    bad("c upgrade tls\n", 1, 1, OPENED);
    bad("c connect\nc upgrade tls\nc upgrade tls\n", 3, 1, "a connection without TLS");
    bad("c connect\nc upgrade snappy\nc upgrade tls\n", 3, 1, "a connection without compression");
    bad("c connect\nc upgrade tls\nc upgrade snappy\nc upgrade deflate 6\n", 4, 1,
        "a connection without compression");
    bad("c connect\nc > end\nc upgrade tls\n", 3, 1,
        "a connection whose output the client has not ended");
    bad("c connect\nc > raw \"x\"\n", 2, 1, "a connection with a codec, which raw bypasses");
    bad("c connect\nc > raw end\n", 2, 1, "a connection with a codec, which raw bypasses");
}

static void a_value_is_captured_before_it_is_used(void **state)
{
    (void)state;
    bad("c connect\nc > \"FIN \" $m \"\\n\"\n", 2, 13, CAPTURED);
    bad("c connect\nc > size{size{$m}}\n", 2, 16, CAPTURED);
    bad("c connect\nc < message $m attempts 1 body $m\n", 2, 33, CAPTURED);
    bad("c connect\nc < response $t\n", 2, 15, CAPTURED);
    bad("c connect\nany {\n    c < message $m attempts 1 body $m\n}\n", 3, 37, CAPTURED);
    good(SPAN(HEADER "c connect\nc > $topic1 \" \" $channel\n"
                     "c < message $m attempts 1 at $t body \"x\"\nc > $m $t\n"));
    good(SPAN(HEADER "c connect\nany {\n    c < message $m attempts 1 body $n\n"
                     "    c < message $n attempts 1 body \"x\"\n}\nc > $m $n\n"));
}

#define BEHIND "behind a step of this connection, a wait, or no message within"

static void nothing_does_not_follow_another_connections_step(void **state)
{
    (void)state;
    bad("c connect\nd connect\nc < nothing\n", 3, 1, BEHIND);
    bad("d connect\nc connect\nd < message $m attempts 2 body \"x\"\nc < nothing\n", 4, 1, BEHIND);
    bad("c connect\nd connect\nd > \"x\"\nd < nothing\nc < nothing\n", 5, 1, BEHIND);
    bad("c connect\nd connect\nany {\n    d < end\n}\n# why\nc < nothing\n", 7, 1, BEHIND);
    good(SPAN(HEADER "c connect\nd connect\nd > \"x\"\nd < nothing\n"));
    good(SPAN(HEADER "c connect\nd connect\nany {\n    d < end\n    c < end\n}\nc < nothing\n"));
    good(SPAN(HEADER "c connect\nd connect\nwait 1ms\nd < nothing\nc < nothing\n"));
    good(SPAN(HEADER "c connect\nd connect\nd < no message within 1ms\nc < nothing\n"));
}

/* Appends `n` lines with a number in each. */
static void append_lines(struct buf *out, const char *head, const char *tail, int n)
{
    for (int i = 0; i < n; i++) {
        buf_append(out, span_make(head, strlen(head)));
        text_append_decimal(out, i);
        buf_append(out, span_make(tail, strlen(tail)));
    }
}

static void too_many(const char *first, const char *head, const char *tail, int n,
                     const char *expected)
{
    struct transcript_error error = {0};
    struct buf text = {0};
    text_append(&text, HEADER);
    buf_append(&text, span_make(first, strlen(first)));
    append_lines(&text, head, tail, n);
    good(buf_span(&text));
    append_lines(&text, head, "x", 1);
    buf_append(&text, span_make(tail, strlen(tail)));
    assert_false(check(buf_span(&text), &error));
    assert_string_equal(error.expected, expected);
    buf_free(&text);
}

static void connections_and_values_have_limits(void **state)
{
    (void)state;
    too_many("", "c", " connect\n", 64, "at most 64 connections");
    too_many("c connect\n", "c > $topic", "\n", 20000, "at most 20000 values");
}

static void names_are_numbered_by_counters(void **state)
{
    (void)state;
    good(SPAN(HEADER "repeat 64 $i {\n    c$i connect\n}\nc64 > \"x\"\n"
                     "any {\n    c* < response \"OK\"\n}\n"));
    bad("repeat 65 $i {\n    c$i connect\n}\n", 2, 5, "at most 64 connections");
    bad("repeat 2 $i {\n    c connect\n}\n", 2, 5, "a name that no earlier connection has");
    bad("repeat 2 $i {\n    c$i connect\n}\nc3 > \"x\"\n", 4, 1, OPENED);
    bad("c connect\nany {\n    c* < end\n}\n", 3, 5, OPENED);
    bad("c1 connect\nc1 > close\nany {\n    c* < end\n}\n", 4, 5, OPENED);
    good(SPAN(HEADER "c connect\nrepeat 3 $i {\n    any 2 $k {\n"
                     "        c < message $m$i$k attempts $k body $topic$i\n    }\n}\n"
                     "c > $m3_2\n"));
    bad("c connect\nany 3 $k {\n    c < message $m$k attempts 1 body *\n}\nc > $m3 $m4\n", 5, 10,
        CAPTURED);
    bad("c connect\nrepeat 3 $i {\n    c > $m$i\n}\n", 3, 10, CAPTURED);
}

static void a_client_that_does_not_read_expects_nothing(void **state)
{
    (void)state;
    static const char reads[] = "a connection from which the client reads";
    good(SPAN(HEADER "c connect\nc stop reading\nc > \"x\"\nc start reading\nc < end\n"));
    good(SPAN(HEADER "c connect\nc stop reading\nc > end\nc > close\n"));
    bad("c connect\nc stop reading\nc < response \"OK\"\n", 3, 1, reads);
    bad("c connect\nc stop reading\nc < no message within 1ms\n", 3, 1, reads);
    bad("c connect\nc stop reading\nc stop reading\n", 3, 1, reads);
    bad("c connect\nc stop reading\nany {\n    c < end\n}\n", 4, 5, reads);
    bad("c1 connect\nc1 stop reading\nany {\n    c* < end\n}\n", 4, 5, OPENED);
    bad("c connect\nc start reading\n", 2, 1,
        "a connection from which the client has stopped reading");
    bad("c stop reading\n", 1, 1, OPENED);
}

static void a_restart_closes_all_connections(void **state)
{
    (void)state;
    static const char open[] = "a connection that the client has not closed";
    good(SPAN(HEADER "restart\nc connect\nrestart kill\nd connect\nd > \"x\"\n"));
    bad("c connect\nrestart\nc > \"x\"\n", 3, 1, open);
    bad("c connect\nrestart\nc > close\n", 3, 1, open);
    bad("c connect\nrestart\nc connect\n", 3, 1, "a name that no earlier connection has");
}

/* Counts of repetitions multiply. */
static void repetitions_have_a_limit(void **state)
{
    (void)state;
    static const char limit[] =
        "fewer repetitions: at most 200000 steps and items, all written out";
    good(SPAN(HEADER "repeat 300 $i {\n    repeat 300 $k {\n        wait 1ms\n    }\n}\n"));
    bad("wait 1ms\nrepeat 1000 $i {\n    repeat 200 $k {\n        wait 1ms\n    }\n}\n", 4, 1,
        limit);
    bad("c connect\nc > repeat(10000 $a repeat(10000 $b repeat(10000 $c \"x\")))\n", 2, 1, limit);
}

#define HTTP_HEADER "id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nneeds: http\nsource: spec\n\n"
#define HTTP_STEPS                                                                                 \
    "h connect http\nh > POST \"/\" $topic header \"A: \" $topic body $topic\nh < 200\nh > "       \
    "\"raw\"\n"                                                                                    \
    "h < no message within 5ms\nh > end\nh < end\n"
#define SPEAKS_HTTP "a connection that speaks HTTP"
#define SPEAKS_NSQ "a connection that speaks NSQ's own protocol"

static void bad_http(const char *steps, unsigned line, unsigned column, const char *expected)
{
    struct transcript_error error = {0};
    struct buf text = {0};
    text_append(&text, HTTP_HEADER);
    buf_append(&text, span_make(steps, strlen(steps)));
    assert_false(check(buf_span(&text), &error));
    buf_free(&text);
    assert_string_equal(error.expected, expected);
    assert_int_equal(error.line, HEADER_LINES + 1 + line);
    assert_int_equal(error.column, column);
}

static void a_connection_speaks_one_protocol(void **state)
{
    (void)state;
    good(SPAN(HTTP_HEADER HTTP_STEPS));
    good(SPAN(HTTP_HEADER "h connect https\nh > raw \"x\"\nh > close\n"));
    bad("h connect http\n", 1, 1, "needs: http in the header of this file");
    bad("c connect\nc > GET \"/\"\n", 2, 1, SPEAKS_HTTP);
    bad("c connect\nc < 200\n", 2, 1, SPEAKS_HTTP);
    bad_http("h connect http\nh < response \"OK\"\n", 2, 1, SPEAKS_NSQ);
    bad_http("h connect http\nh < heartbeat\n", 2, 1, SPEAKS_NSQ);
    bad_http("h connect http\nh > GET \"/\"\nh < nothing\n", 3, 1, SPEAKS_NSQ);
    bad_http("h connect http\nh upgrade tls\n", 2, 1, SPEAKS_NSQ);
    bad_http("h connect http\nh > end\nh > GET \"/\"\n", 3, 1,
             "a connection whose output the client has not ended");
    bad_http("h connect http\nh > raw \"x\"\n", 2, 1,
             "a connection with a codec, which raw bypasses");
}

#define LOOKUP_HEADER                                                                              \
    "id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nserver: nsqlookupd\nneeds: http\nsource: spec\n\n"

static void bad_lookup(struct span text, unsigned line, const char *expected)
{
    struct transcript_error error = {0};
    assert_false(check(text, &error));
    assert_string_equal(error.expected, expected);
    assert_int_equal(error.line, HEADER_LINES + 2 + line);
}

static void nsqlookupd_has_no_codecs_messages_and_heartbeats(void **state)
{
    (void)state;
    static const char v1[] = "a step that V1 has: no upgrade, nothing, message or heartbeat";
    good(SPAN(LOOKUP_HEADER
              "c connect\nc > \"  V1PING\\n\"\nc < response \"OK\"\nc > end\nc < end\n"
              "h connect http\nh > GET \"/\"\nh < 200\n"));
    bad_lookup(SPAN(LOOKUP_HEADER "c connect\nc upgrade tls\n"), 2, v1);
    bad_lookup(SPAN(LOOKUP_HEADER "c connect\nc < nothing\n"), 2, v1);
    bad_lookup(SPAN(LOOKUP_HEADER "c connect\nc < heartbeat\n"), 2, v1);
    bad_lookup(SPAN(LOOKUP_HEADER "c connect\nc < message $m attempts 1 body \"x\"\n"), 2, v1);
    bad_lookup(SPAN(LOOKUP_HEADER "c connect\nany {\n    c < heartbeat\n}\n"), 3, v1);
    bad_lookup(SPAN(LOOKUP_HEADER "h connect https\n"), 1,
               "connect or connect http: nsqlookupd has no HTTPS");
}

#define PEER_HEADER                                                                                \
    "id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nflags: -x={lookupd}\nsource: spec\n\n"
#define PEER_STEP                                                                                  \
    "a step of a scripted nsqlookupd: > with items, identify, nothing or end; "                    \
    "< with response, error, raw, end, close or reset"

#define PEER_HTTP_STEP                                                                             \
    "a step of the HTTP side of a scripted nsqlookupd: > with a request without a body, nothing "  \
    "or end; < with a status and what is sent, raw, end, close or reset"

/* The second line of the steps is bad. */
static void bad_peer(const char *step, const char *expected)
{
    struct transcript_error error = {0};
    struct buf text = {0};
    text_append(&text, PEER_HEADER "l accept lookupd\nh accept lookupd http\n");
    buf_append(&text, span_make(step, strlen(step)));
    text_append(&text, "\n");
    if (check(buf_span(&text), &error)) {
        fail_msg("%s was taken", step);
    }
    buf_free(&text);
    assert_string_equal(error.expected, expected);
}

static void a_scripted_nsqlookupd_has_its_own_steps(void **state)
{
    (void)state;
    static const char *const others[] = {"l < heartbeat",
                                         "l < nothing",
                                         "l < no message within 1ms",
                                         "l < end fin",
                                         "l upgrade tls",
                                         "l < message $m attempts 1 body *",
                                         "l > close",
                                         "l > reset",
                                         "l > raw \"x\"",
                                         "l stop reading",
                                         "l > GET \"/\"",
                                         "l < 200",
                                         "l < response \"x\" after 1ms",
                                         "l < raw \"x\" within 1ms",
                                         "l < close after 1ms"};
    good(SPAN(PEER_HEADER "l accept lookupd\nl > \"x\" within 1ms\nl > identify {}\n"
                          "l > nothing within 1ms\nl < response $lookupd $lookupd2\nl < error "
                          "E_INVALID\nl < response {}\nl < raw \"x\"\nany {\n    l > \"x\"\n}\n"
                          "l < end\nl > end after 1ms\nm accept lookupd2\nm < close\n"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        bad_peer(others[i], PEER_STEP);
    }
    bad_peer("l accept lookupd", "a name that no earlier connection has");
    bad_peer("l < close\nl > end", "a connection that neither side has closed");
    bad_peer("restart\nl > end", "a connection that neither side has closed");
    bad_peer("l > end\nl < raw \"x\"", "a connection that neither side has closed");
    bad_peer("l < end\nl < raw \"x\"", "a connection whose output the nsqlookupd has not ended");
    static const char *const others_of_http[] = {"h > \"x\"",
                                                 "h > identify {}",
                                                 "h > GET \"/\" body \"x\"",
                                                 "h < response \"x\"",
                                                 "h < 200 body *",
                                                 "h < 200 header \"A: \" *",
                                                 "h < 200 without \"A\"",
                                                 "h < 200 within 1ms"};
    good(SPAN(PEER_HEADER "h accept lookupd http\nh > GET \"/\" header \"A: b\" within 1ms\n"
                          "h < 200 header \"A: b\" body $lookupd_http_port\nh < 200 {}\n"
                          "h < 304 no body\nh > nothing within 1ms\nh < raw \"x\"\nh < end\n"
                          "h > end\n"));
    for (size_t i = 0; i < sizeof others_of_http / sizeof others_of_http[0]; i++) {
        bad_peer(others_of_http[i], PEER_HTTP_STEP);
    }
    bad_peer("l > $m", CAPTURED);
    bad_peer("any {\n    l < response \"x\"\n}",
             "a step that receives: in any { } nothing else may stand");
}

static void only_a_scripted_nsqlookupd_has_these_steps(void **state)
{
    (void)state;
    static const char peer[] = "a connection to a scripted nsqlookupd";
    bad("l accept lookupd\n", 1, 1, "{lookupd} in the flags in the header of this file");
    bad("c connect\nc > identify {}\n", 2, 1, peer);
    bad("c connect\nc > nothing within 1ms\n", 2, 1, peer);
    bad("c connect\nc < raw \"x\"\n", 2, 1, peer);
    bad("c connect\nc < close\n", 2, 1, peer);
    bad("c connect\nc > \"x\" within 1ms\n", 2, 1, peer);
    bad("c connect\nc > end after 1ms\n", 2, 1, peer);
    bad("c connect\nc > GET \"/\" after 1ms\n", 2, 1, peer);
    bad("c connect\nany {\n    c > \"x\"\n}\n", 3, 5,
        "a step that receives: in any { } nothing else may stand");
    bad_lookup(SPAN(LOOKUP_HEADER "l accept lookupd\n"), 1,
               "a file about nsqd: nsqlookupd has no nsqlookupds");
}

static void the_values_of_a_request_are_known(void **state)
{
    (void)state;
    bad_http("h connect http\nh > GET $m\n", 2, 10, CAPTURED);
    bad_http("h connect http\nh > GET \"/\" header \"A\" $m\n", 2, 25, CAPTURED);
    bad_http("h connect http\nh > GET \"/\" body $m\n", 2, 19, CAPTURED);
    bad_http("h connect http\nh < 200 header \"A:\" $m\n", 2, 22, CAPTURED);
    bad_http("h connect http\nh < 200 body * $m\n", 2, 17, CAPTURED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(committed_files_can_be_played),
        cmocka_unit_test(a_connection_is_opened_before_it_is_used),
        cmocka_unit_test(the_name_of_a_connection_is_used_once),
        cmocka_unit_test(a_closed_connection_cannot_be_used),
        cmocka_unit_test(codecs_have_an_order),
        cmocka_unit_test(a_value_is_captured_before_it_is_used),
        cmocka_unit_test(nothing_does_not_follow_another_connections_step),
        cmocka_unit_test(connections_and_values_have_limits),
        cmocka_unit_test(names_are_numbered_by_counters),
        cmocka_unit_test(repetitions_have_a_limit),
        cmocka_unit_test(a_client_that_does_not_read_expects_nothing),
        cmocka_unit_test(a_restart_closes_all_connections),
        cmocka_unit_test(a_connection_speaks_one_protocol),
        cmocka_unit_test(nsqlookupd_has_no_codecs_messages_and_heartbeats),
        cmocka_unit_test(the_values_of_a_request_are_known),
        cmocka_unit_test(a_scripted_nsqlookupd_has_its_own_steps),
        cmocka_unit_test(only_a_scripted_nsqlookupd_has_these_steps),
    };
    return cmocka_run_group_tests_name("session_file_check", tests, NULL, NULL);
}
