/* SPDX-License-Identifier: MIT */
/* Tests of conform/run_case.h and of the player: small cases against the engine. */
#include "conform/run_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/case_texts.h"
#include "support/stride.h"

#define HEADER "id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nsource: spec\n\n"
#define SUB "c > \"  V2SUB \" $topic \" \" $channel \"\\n\" \"RDY 1\\n\"\nc < response \"OK\"\n"
#define TLS_FLAGS "--tls-cert={suite}/tls/cert.pem --tls-key={suite}/tls/key.pem"
/* A client enables something; the next line is number LINE. */
#define IDENTIFIED(asked, got)                                                                     \
    "id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nflags: " TLS_FLAGS "\nsource: spec\n\nc connect\n"  \
    "c > \"  V2IDENTIFY\\n\" size{\"{\\\"feature_negotiation\\\":true," asked "}\"}\n"             \
    "c < response {" got "}\n"
#define LINE 11
#define TALK                                                                                       \
    "c < response \"OK\"\nc > \"PUB \" $topic \"\\n\" size{fill(300 \"x\")}\nc < response "        \
    "\"OK\"\n"                                                                                     \
    "c > \"SUB \" $topic \" \" $channel \"\\n\" \"RDY 1\\n\"\nany {\n    c < response \"OK\"\n"    \
    "    c < message $m attempts 1 body fill(300 \"x\")\n}\nc > \"FIN \" $m \"\\n\"\nc < "         \
    "nothing\n"
#define PUB "p > \"  V2PUB \" $topic \"\\n\" size{\"x\"}\n"

static void assert_text(const struct buf *text, const char *wanted)
{
    assert_true(span_equal(buf_span(text), span_make(wanted, strlen(wanted))));
}

static void passes(const char *text)
{
    case_passes(text, true);
}

/* A handshake at every cut takes seconds, so only the conformance stage does that. */
static void passes_whole(const char *text)
{
    case_passes(text, false);
}

static void a_case_passes_when_the_server_does_it(void **state)
{
    (void)state;
    passes(HEADER "c connect\n" SUB "p connect\n" PUB "any {\n    c < message $m attempts 1 at $t "
                  "body \"x\"\n    p < response \"OK\"\n}\nc > \"REQ \" $m \" 0\\n\"\n"
                  "c < message $m attempts 2 at $t body \"x\"\nc > \"FIN \" $m \"\\n\"\n"
                  "c < nothing\nc < no message within 300ms\nwait 5ms\nc > end\nc < end\n");
    passes(HEADER
           "c connect\nc > \"  V2IDENTIFY\\n\" size{\"{\\\"feature_negotiation\\\":true}\"}\n"
           "c < response {\"max_rdy_count\":2500,\"version\":null}\n"
           "c < heartbeat after 30000ms within 30001ms\n");
    passes(HEADER "c connect\nc > \"WHAT\"\nc < error E_BAD_PROTOCOL\nc < end\n");
    passes(HEADER
           "c connect\nc > \"  V2\" \"NOP\\n\"\nc > close\nd connect\nd > \"  V2\"\nd > reset\n");
}

#define LOOKUP_HEADER                                                                              \
    "id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nserver: nsqlookupd\nsource: spec\n\n"
#define LOOKUP_IDENTIFY                                                                            \
    "c > \"  V1IDENTIFY\\n\" size{\"{\\\"broadcast_address\\\":\\\"b\\\",\\\"tcp_port\\\":1,"      \
    "\\\"http_port\\\":2,\\\"version\\\":\\\"v\\\"}\"}\n"

static void a_case_may_be_about_nsqlookupd(void **state)
{
    (void)state;
    passes(LOOKUP_HEADER
           "c connect\n" LOOKUP_IDENTIFY "c < response {\"hostname\":\"conform\"}\n"
           "c > \"REGISTER \" $topic \"\\n\" \"PING\\n\"\nc < response \"OK\"\n"
           "c < response \"OK\"\nc < no message within 300ms\n"
           "c > \"WHAT\\n\"\nc < error E_INVALID \"invalid command WHAT\"\nc < end\n");
    passes("id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nserver: nsqlookupd\nneeds: http\nsource: "
           "spec\n\n"
           "h connect http\nh > POST \"/channel/create?topic=t&channel=a\"\nh < 200\n"
           "h > POST \"/channel/create?topic=t&channel=b\"\nh < 200\n"
           "h > GET \"/channels?topic=t\"\nh < 200 {\"channels\":[\"b\",\"a\"]}\n");
    passes(LOOKUP_HEADER "c connect\nc > \"  V2\"\nc < error E_BAD_PROTOCOL\nc < end\n");
    case_fails(LOOKUP_HEADER "c connect\nc > \"  V1PING\\n\"\nc < error E_INVALID\n", 10,
               "response \"OK\"");
    case_fails(LOOKUP_HEADER "c connect\nc > \"  V1X\\n\"\nc < response \"OK\"\n", 10,
               "error \"E_INVALID invalid command X\"");
}

static void a_case_fails_when_the_server_does_something_else(void **state)
{
    (void)state;
    case_fails(HEADER "c connect\nc > \"  V2NOP\\n\"\nc < response \"OK\" within 50ms\n", 9,
               "nothing within 50ms");
    case_fails(HEADER "c connect\n" SUB "c < end within 40ms\n", 10,
               "nothing; the connection is not closed within 40ms");
    case_fails(HEADER "p connect\n" PUB "p < error E_BAD_TOPIC\n", 9, "response \"OK\"");
    case_fails(HEADER "p connect\n" PUB "p < nothing\n", 9, "response \"OK\"");
    case_fails(HEADER "p connect\n" PUB "p < response {\"a\":1}\n", 9, "response \"OK\"");
    case_fails(HEADER "p connect\n" PUB "p < response \"OK\" after 20ms\n", 9,
               "too early: after 0ms");
    case_fails(HEADER "p connect\n" PUB "p < no message within 20ms\n", 9, "response \"OK\"");
    case_fails(HEADER "p connect\n" PUB "p < end\n", 9, "response \"OK\"");
    case_fails(HEADER "c connect\nc > \"WHAT\"\nc < nothing\n", 9, "E_BAD_PROTOCOL");
    case_fails(HEADER "c connect\nc > \"WHAT\"\nc < error E_BAD_PROTOCOL\nc < response \"OK\"\n",
               10, "the end of the connection");
    case_fails(HEADER "p connect\n" PUB
                      "any {\n    p < response \"OK\"\n    p < response \"NO\"\n}\n",
               9, "no frame within 10 s for these steps:\n    p < response \"NO\"");
    case_fails(HEADER "c connect\n" SUB "p connect\n" PUB "c < message $m attempts 2 body \"x\"\n",
               12, "attempts 1 body \"x\"");
}

static void a_failure_has_the_values_that_are_known_and_the_times(void **state)
{
    (void)state;
    static const char again[] =
        HEADER "c connect\n" SUB "p connect\n" PUB "any {\n    p < response \"OK\"\n"
               "    c < message $m attempts 1 body \"x\"\n}\n"
               "c < message $m attempts 2 body \"x $m after 1ms\" after 950ms within 2000ms\n";
    case_fails(again, 16, "expected: c < message $m (");
    case_fails(again, 16,
               ") attempts 2 body \"x $m after 1ms\" after 950ms (not earlier) within 2000ms\n"
               "received: nothing within 2 s");
}

static void a_different_error_text_is_non_strict(void **state)
{
    (void)state;
    struct case_result result;
    const char *text = HEADER "c connect\nc > \"  V2PUB t\\n\" i32(0)\nc < error E_BAD_MESSAGE "
                              "\"other\"\nc < end\n";
    assert_int_equal(case_run(text, &result, false), VERDICT_NON_STRICT);
    assert_int_equal(result.failed_line, 0);
    case_contains(&result.why, "invalid message body size 0");
    case_result_free(&result);
}

static void a_step_that_cannot_be_played_is_unreachable(void **state)
{
    (void)state;
    static const char *const texts[] = {
        HEADER "c > \"x\"\n",
        HEADER "c connect\nc connect\n",
        HEADER "c connect\nc > $unknown\n",
        "id: a/b\ntitle: t\nreq: R\nlevel: MUST\nflags: --no-such-flag\nsource: spec\n\nc "
        "connect\n",
        "id: a/b\ntitle: t\nreq: R\nlevel: MUST\nflags: --tls-cert=x --tls-key=y\nsource: spec\n\n"
        "c connect\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct case_result result;
        assert_int_equal(case_run(texts[i], &result, false), VERDICT_UNREACHABLE);
        assert_true(result.why.n > 0);
        case_result_free(&result);
    }
}

static void the_exchange_shows_what_was_sent_and_received(void **state)
{
    (void)state;
    struct case_result result;
    case_run(HEADER "p connect\n" PUB "p < response \"NO\"\n", &result, false);
    assert_text(&result.exchange, "p connect\np > \"  V2PUB n.topic\\n\\x00\\x00\\x00\\x01x\"\n");
    assert_true(span_equal(buf_span(&result.unmatched), SPAN("\0\0\0\6\0\0\0\0OK")));
    assert_text(&result.why, "expected: p < response \"NO\"\nreceived: response \"OK\"");
    case_result_free(&result);
}

static bool why_has(struct case_result *result, const char *line)
{
    buf_append(&result->why, span_make("", 1));
    const char *why = (const char *)buf_span(&result->why).p;
    assert_non_null(why);
    return why != NULL && strstr(why, line) != NULL;
}

static void json_that_differs_is_named_by_its_member(void **state)
{
    (void)state;
    static const char *const steps[] = {"c < response {\"max_rdy_count\":9}\n",
                                        "any {\n    c < response {\"max_rdy_count\":9}\n}\n"};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        char text[512];
        struct case_result result;
        snprintf(text, sizeof text, "%s%s%s", HEADER "c connect\nc > \"  V2IDENTIFY\\n\" ",
                 "size{\"{\\\"feature_negotiation\\\":true}\"}\n", steps[i]);
        assert_int_equal(case_run(text, &result, false), VERDICT_FAIL);
        assert_true(why_has(&result, "max_rdy_count: expected 9, came 2500\n"));
        case_result_free(&result);
    }
}

static void flags_become_the_engine_s_configuration(void **state)
{
    (void)state;
    struct case_engine engine;
    struct buf why = {0};
    assert_true(case_engine_open(&engine, SERVER_NSQD, SPAN("--msg-timeout=2s --max-msg-size=77"),
                                 NULL, &why));
    assert_int_equal(why.n, 0);
    assert_int_equal(engine.config.nsqd.v2.msg_timeout, 2000000000);
    assert_int_equal(engine.config.nsqd.v2.limits.max_msg_size, 77);
    assert_null(engine.config.nsqd.v2.tls.make);
    case_engine_close(&engine);
    assert_true(case_engine_open(&engine, SERVER_NSQD, SPAN(TLS_FLAGS), NULL, &why));
    assert_non_null(engine.config.nsqd.v2.tls.make);
    case_engine_close(&engine);
    assert_false(case_engine_open(&engine, SERVER_NSQD, SPAN("--msg-timeout=soon"), NULL, &why));
    assert_true(why.n > 0);
    assert_false(case_engine_open(&engine, SERVER_NSQD, SPAN(TLS_FLAGS), "/no/such/folder", &why));
    buf_free(&why);
}

/* --- upgrades --------------------------------------------------------------------------------- */

static void codecs_are_used(void **state)
{
    (void)state;
    passes(IDENTIFIED("\\\"snappy\\\":true", "\"snappy\":true") "c upgrade snappy\n" TALK);
    passes_whole(
        IDENTIFIED("\\\"deflate\\\":true", "\"deflate\":true") "c upgrade deflate 6\n" TALK);
    passes_whole(IDENTIFIED("\\\"tls_v1\\\":true", "\"tls_v1\":true") "c upgrade tls\n" TALK);
    passes_whole(IDENTIFIED("\\\"tls_v1\\\":true", "\"tls_v1\":true") "c upgrade tls 1.2\n" TALK);
    passes_whole(IDENTIFIED(
        "\\\"tls_v1\\\":true,\\\"deflate\\\":true",
        "\"tls_v1\":true") "c upgrade tls\nc < response \"OK\"\nc upgrade deflate 1\n" TALK);
}

static void a_codec_that_the_server_does_not_use_fails(void **state)
{
    (void)state;
    /* The server has enabled no codec, or another one. */
    case_fails(IDENTIFIED("\\\"x\\\":1", "\"snappy\":false") "c upgrade snappy\nc > \"NOP\\n\"\n"
                                                             "c < response \"OK\" within 20ms\n",
               LINE + 2, "bytes that cannot be decoded: snappy");
    case_fails(IDENTIFIED("\\\"snappy\\\":true", "\"snappy\":true") "c upgrade deflate 6\n"
                                                                    "c < response \"OK\"\n",
               LINE, "bytes that cannot be decoded: deflate");
    case_fails(IDENTIFIED("\\\"snappy\\\":true", "\"snappy\":true") "c < response \"OK\"\n", LINE,
               "bytes that are not a frame");
    /* A handshake with a peer that does not know TLS. */
    case_fails(IDENTIFIED("\\\"snappy\\\":true", "\"snappy\":true") "c upgrade tls\n", LINE,
               "a TLS handshake that fails: ");
    case_fails(HEADER "c connect\nc > \"  V2\"\nc upgrade tls\n", 9,
               "a TLS handshake that fails: ");
    /* A reply behind the last one, which no step matches, is found too. */
    case_fails(IDENTIFIED("\\\"snappy\\\":true", "\"snappy\":true") "c upgrade snappy\n", LINE,
               "response \"OK\"");
}

static void the_client_ends_tls_or_only_the_connection(void **state)
{
    (void)state;
    static const char *const ends[] = {"c > end\nc < end\n", "c > raw end\nc < end\n",
                                       "c > close\n", "c > reset\n"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char text[1024];
        bool cuts = i == 0 || !under_valgrind(); /* each takes a minute with valgrind */
        snprintf(text, sizeof text, "%s%s",
                 IDENTIFIED("\\\"tls_v1\\\":true",
                            "\"tls_v1\":true") "c upgrade tls\nc < response \"OK\"\n",
                 ends[i]);
        case_passes(text, cuts);
        snprintf(text, sizeof text, "%s%s",
                 IDENTIFIED("\\\"deflate\\\":true",
                            "\"deflate\":true") "c upgrade deflate 6\nc < response \"OK\"\n",
                 ends[i]);
        case_passes(text, cuts);
    }
    passes_whole(IDENTIFIED(
        "\\\"snappy\\\":true",
        "\"snappy\":true") "c upgrade snappy\nc < response \"OK\"\nc > raw \"garbage\"\nc < end\n");
}

#define PUBLISHED                                                                                  \
    "c connect\nc > \"  V2SUB \" $topic \" \" $channel \"\\n\" \"RDY 40\\n\"\nc < response "       \
    "\"OK\"\n"                                                                                     \
    "p connect\np > \"  V2\"\nrepeat 20 $i {\n    p > \"PUB \" $topic \"\\n\" size{\"m\" $i}\n"    \
    "    p < response \"OK\"\n}\n"

static void many_messages_are_received_as_a_set(void **state)
{
    (void)state;
    passes_whole(HEADER PUBLISHED "any 20 $k {\n    c < message $m$k attempts 1 body \"m\" $k\n}\n"
                                  "repeat 20 $i {\n    c > \"FIN \" $m$i \"\\n\"\n}\n"
                                  "c > \"FIN \" $m20 \"\\n\"\nc < error E_FIN_FAILED\n");
    passes_whole(HEADER PUBLISHED "repeat 20 $i {\n    c < message $m$i attempts 1 body *\n}\n");
    passes_whole(HEADER PUBLISHED
                 "p > \"MPUB \" $topic \"\\n\" size{i32(20) repeat(20 $k size{\"m\" $k})}\n"
                 "any {\n    p < response \"OK\"\n}\n"
                 "any 20 $i {\n    c < message $m$i attempts 1 body \"m\" $i\n"
                 "    c < message $n$i attempts 1 body \"m\" $i\n}\n");
    /* One message more than was published, another body, a body twice. */
    case_fails(HEADER PUBLISHED "any 21 $k {\n    c < message $m$k attempts 1 body \"m\" $k\n}\n",
               16, "c < message $m21 attempts 1 body");
    case_fails(HEADER PUBLISHED "any 20 $k {\n    c < message $m$k attempts 1 body \"n\" $k\n}\n",
               16, "no frame within 10 s for these steps:");
    case_fails(HEADER PUBLISHED "any 19 $k {\n    c < message $m$k attempts 1 body \"m\" $k\n}\n",
               16, "m20");
}

#define TWO_CONSUMERS                                                                              \
    "c connect\nc > \"  V2SUB \" $topic \" \" $channel \"\\n\" \"RDY 2500\\n\"\nc < response "     \
    "\"OK\"\n"                                                                                     \
    "c stop reading\np connect\np > \"  V2\"\nrepeat 10 $i {\n"                                    \
    "    p > \"PUB \" $topic \"\\n\" size{$i fill(900000 \"x\")}\n    p < response \"OK\"\n}\n"

/* The engine keeps what the client does not read, up to its high-water mark. */
static void a_client_stops_reading_and_goes_on(void **state)
{
    (void)state;
    passes_whole(HEADER TWO_CONSUMERS
                 "c start reading\nrepeat 10 $i {\n"
                 "    c < message $m$i attempts 1 body $i fill(900000 \"x\")\n}\n");
    passes_whole(HEADER TWO_CONSUMERS
                 "d connect\nd > \"  V2SUB \" $topic \" \" $channel \"\\n\" \"RDY 1\\n\"\n"
                 "d < response \"OK\"\nd < message $m attempts 1 body *\n");
    case_fails(HEADER TWO_CONSUMERS "c start reading\nc < nothing\n", 18, "x");
}

static void a_restart_makes_a_new_engine(void **state)
{
    (void)state;
    static const char text[] = HEADER
        "c connect\nc > \"  V2SUB \" $topic \" \" $channel \"\\n\"\nc < response \"OK\"\n"
        "c stop reading\np connect\n" PUB "p < response \"OK\"\nrestart\nd connect\n"
        "d > \"  V2SUB \" $topic \" \" $channel \"\\n\" \"RDY 1\\n\"\nd < response \"OK\"\n"
        "d < no message within 1000ms\nrestart kill\ne connect\ne > \"  V2NOP\\n\"\ne < nothing\n";
    passes_whole(text);
    passes(HEADER "restart\nrestart kill\n");
}

static void a_restart_may_have_other_flags(void **state)
{
    (void)state;
    static const char ask[] = "IDENTIFY\\n\" size{\"{\\\"feature_negotiation\\\":true}\"}\n";
    char text[2000];
    snprintf(text, sizeof text,
             HEADER "c connect\nc > \"  V2%s"
                    "c < response {\"max_rdy_count\":2500}\nrestart with --max-rdy-count=7\n"
                    "d connect\nd > \"  V2%sd < response {\"max_rdy_count\":7}\nrestart kill\n"
                    "e connect\ne > \"  V2%se < response {\"max_rdy_count\":7}\n"
                    "restart with --max-rdy-count=9\n"
                    "f connect\nf > \"  V2%sf < response {\"max_rdy_count\":9}\n",
             ask, ask, ask, ask);
    passes_whole(text);
    case_fails(HEADER "restart with --max-rdy-count=x\n", 7, "max-rdy-count");
}

/* The first and the last lines of a long exchange are kept. */
static void a_long_exchange_is_shortened_in_the_middle(void **state)
{
    (void)state;
    struct case_result result;
    assert_int_equal(
        case_run(HEADER
                 "c connect\nc > \"  V2\"\nrepeat 1000 $i {\n"
                 "    c > \"PUB \" $topic \"\\n\" size{\"m\" $i}\n    c < response \"OK\"\n}\n",
                 &result, false),
        VERDICT_PASS);
    assert_true(result.exchange.n <= PLAYER_EXCHANGE_MAX + 1000);
    case_contains(&result.exchange, "\\x02m1\"\n");
    case_contains(&result.exchange, " lines are left out here)\n");
    case_contains(&result.exchange, "\\x05m1000\"\nc < response \"OK\"\n");
    case_result_free(&result);
}

/* Such a case is not cut everywhere: that would take minutes. */
static void a_case_with_much_input_is_cut_in_a_few_ways(void **state)
{
    (void)state;
    passes(HEADER "c connect\nc > \"  V2\"\nrepeat 3 $i {\n"
                  "    c > \"PUB \" $topic \"\\n\" size{fill(1000000 \"x\")}\n"
                  "    c < response \"OK\"\n}\n");
}

static void numbered_connections_share_messages(void **state)
{
    (void)state;
    passes_whole(HEADER "repeat 30 $i {\n    c$i connect\n"
                        "    c$i > \"  V2SUB \" $topic \" \" $channel \"\\n\" \"RDY 1\\n\"\n"
                        "    c$i < response \"OK\"\n}\np connect\np > \"  V2\"\n"
                        "repeat 30 $i {\n    p > \"PUB \" $topic \"\\n\" size{$i}\n"
                        "    p < response \"OK\"\n}\n"
                        "any 30 $i {\n    c* < message $m$i attempts 1 body $i\n}\n"
                        "repeat 30 $i {\n    c$i < nothing\n}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_passes_when_the_server_does_it),
        cmocka_unit_test(a_case_may_be_about_nsqlookupd),
        cmocka_unit_test(a_case_fails_when_the_server_does_something_else),
        cmocka_unit_test(a_failure_has_the_values_that_are_known_and_the_times),
        cmocka_unit_test(a_different_error_text_is_non_strict),
        cmocka_unit_test(a_step_that_cannot_be_played_is_unreachable),
        cmocka_unit_test(the_exchange_shows_what_was_sent_and_received),
        cmocka_unit_test(json_that_differs_is_named_by_its_member),
        cmocka_unit_test(flags_become_the_engine_s_configuration),
        cmocka_unit_test(codecs_are_used),
        cmocka_unit_test(a_codec_that_the_server_does_not_use_fails),
        cmocka_unit_test(the_client_ends_tls_or_only_the_connection),
        cmocka_unit_test(many_messages_are_received_as_a_set),
        cmocka_unit_test(a_client_stops_reading_and_goes_on),
        cmocka_unit_test(a_restart_makes_a_new_engine),
        cmocka_unit_test(a_restart_may_have_other_flags),
        cmocka_unit_test(a_long_exchange_is_shortened_in_the_middle),
        cmocka_unit_test(a_case_with_much_input_is_cut_in_a_few_ways),
        cmocka_unit_test(numbered_connections_share_messages),
    };
    return cmocka_run_group_tests_name("run_case", tests, NULL, NULL);
}
