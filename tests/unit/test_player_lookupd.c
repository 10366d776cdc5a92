/* SPDX-License-Identifier: MIT */
/* Tests of conform/player_lookupd.h: small cases against the engine. */
#include "conform/player_lookupd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/case_texts.h"

#define HEADER                                                                                     \
    "id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nneeds: http\n"                                      \
    "flags: --lookupd-tcp-address={lookupd}\nsource: spec\n\n"
#define LINE 9 /* the first line behind HEADER */
#define HELLO                                                                                      \
    "l accept lookupd\nl > \"  V1\"\nl > identify {\"version\":\"1.3.0\"}\nl < response {}\n"      \
    "c connect\nc > \"  V2PUB \" $topic \"\\n\" size{\"x\"}\nc < response \"OK\"\n"
#define HELLO_LINES 7
#define REGISTER "l > \"REGISTER \" $topic \"\\n\"\n"

static void commands_are_received_and_answered(void **state)
{
    (void)state;
    case_passes(HEADER HELLO REGISTER "l < response \"OK\"\nl > nothing within 500ms\n"
                                      "l > \"PING\\n\" after 13000ms within 15000ms\n",
                true);
    case_passes(HEADER HELLO REGISTER "l < raw i32(2) \"O\"\nl > end after 1000ms within 1001ms\n",
                true);
    case_passes(HEADER HELLO REGISTER "l < raw i32(-1)\nl > end within 1ms\n", true);
    case_passes(HEADER HELLO REGISTER "l < error E_INVALID \"why\"\nl > nothing within 500ms\n",
                false);
}

static void both_sides_may_close(void **state)
{
    (void)state;
    case_passes(HEADER HELLO REGISTER "l < end\nl > end within 1ms\n", true);
    case_passes(HEADER HELLO REGISTER "l < close\nwait 5ms\n", true);
    case_passes(HEADER HELLO REGISTER "l < reset\nwait 5ms\nc > \"PUB \" $topic2 \"\\n\" "
                                      "size{\"x\"}\nc < response \"OK\"\nm accept lookupd\n"
                                      "m > \"  V1\"\nm > identify {}\nm > end after 1000ms\n",
                true);
}

/* Connections wait until a step accepts them, with what has come, and in their order. */
static void a_connection_may_be_accepted_late(void **state)
{
    (void)state;
    case_passes(HEADER "wait 3000ms\nl accept lookupd\nl > \"  V1\"\nl > identify {}\nl > end\n",
                true);
    case_passes(HEADER "c connect\nwait 2000ms\nc > \"  V2PUB \" $topic \"\\n\" size{\"x\"}\n"
                       "c < response \"OK\"\nl accept lookupd\nm accept lookupd\nl > \"  V1\"\n"
                       "l > identify {}\nl > end\nm > \"  V1\"\nm > identify {}\n"
                       "m < response {}\nany {\n    m > \"REGISTER \" $topic \"\\n\"\n"
                       "    m > \"REGISTER \" $topic \"\\n\"\n}\nm > nothing within 500ms\n",
                false);
}

static void addresses_are_values(void **state)
{
    (void)state;
    case_passes(HEADER HELLO REGISTER
                "l < response \"OK\"\nh connect http\n"
                "h > PUT \"/config/nsqlookupd_tcp_addresses\" body \"[\\\"\" $lookupd2 \"\\\"]\"\n"
                "h < 200\nl > end\nm accept lookupd2\nm > \"  V1\"\nm > identify {}\n"
                "m < response {}\nm > \"REGISTER \" $topic \"\\n\"\n",
                true);
}

#define WHERE                                                                                      \
    "l accept lookupd\nl > \"  V1\"\nl > identify {}\nl < response "                               \
    "\"{\\\"broadcast_address\\\":\\\"127.0.0.1\\\",\\\"http_port\\\":\" $lookupd_http_port "      \
    "\"}\"\nc connect\nc > \"  V2PUB \" $topic \"\\n\" size{\"x\"}\nc < response \"OK\"\n"
#define ASKED                                                                                      \
    WHERE "h accept lookupd http\nh > GET \"/channels?topic=\" $topic header \"accept: "           \
          "application/vnd.nsq; version=1.0\"\n"
#define ASKED_LINES 9
#define TOLD "any {\n    l > \"REGISTER \" $topic \"\\n\"\n"

static void requests_are_received_and_answered(void **state)
{
    (void)state;
    case_passes(HEADER ASKED "h < 200 header \"X: y\" {\"channels\":[\"a\"]}\n" TOLD
                             "    l > \"REGISTER \" $topic \" a\\n\"\n}\nl > nothing within 5ms\n",
                true);
    case_passes(HEADER ASKED "h < 200 body \"{\\\"channels\\\":[\\\"a\\\"]}\"\n" TOLD
                             "    l > \"REGISTER \" $topic \" a\\n\"\n}\n",
                false);
    case_passes(HEADER ASKED "h < 304 no body\n" TOLD "}\nl > nothing within 5ms\n", false);
    case_passes(HEADER ASKED "h < raw \"x\\n\"\n" TOLD "}\nl > nothing within 5ms\n", false);
    case_passes(HEADER ASKED TOLD "}\nh > nothing within 900ms\nh > end after 4000ms\n", false);
    case_fails(HEADER WHERE "h accept lookupd http\nh > GET \"/\"\n", LINE + ASKED_LINES - 1,
               "\"GET /channels?topic=");
    case_fails(HEADER WHERE "h accept lookupd http\n"
                            "h > GET \"/channels?topic=\" $topic header \"Accept: x\"\n",
               LINE + ASKED_LINES - 1, "Accept: application");
}

static void what_differs_fails(void **state)
{
    (void)state;
    case_fails(HEADER "l accept lookupd2 within 50ms\n", LINE, "no connection within 50ms");
    case_fails(HEADER "l accept lookupd\nl > \"  V2\"\n", LINE + 1, "\"  V1\"");
    case_fails(HEADER "l accept lookupd\nl > \"  V1\"\nl > identify {\"version\":\"1.2.9\"}\n",
               LINE + 2, "version: expected \"1.2.9\", came \"1.3.0\"");
    case_fails(HEADER "l accept lookupd\nl > identify {}\n", LINE + 1, "\"  V1\"");
    case_fails(HEADER "l accept lookupd\nl > \"  V1\"\nl > \"IDENTIFY\\n\"\n", LINE + 2,
               "\"IDENTIFY\\n\\x00");
    case_fails(HEADER HELLO "l > nothing within 5ms\n", LINE + HELLO_LINES, "\"REGISTER n.topic");
    case_fails(HEADER HELLO "l > end\n", LINE + HELLO_LINES, "\"REGISTER n.topic");
    case_fails(HEADER HELLO REGISTER "l > nothing within 2000ms\n", LINE + HELLO_LINES + 1,
               "the end of the connection");
    case_fails(HEADER HELLO REGISTER "l < response \"OK\"\nl > end within 50ms\n",
               LINE + HELLO_LINES + 2, "nothing; the connection is not closed within 50ms");
    case_fails(HEADER HELLO REGISTER "l < response \"OK\"\nl > \"PING\\n\" after 15001ms\n",
               LINE + HELLO_LINES + 2, "too early");
    case_fails(HEADER HELLO REGISTER "l < response \"OK\"\nl > \"PING\\n\" within 50ms\n",
               LINE + HELLO_LINES + 2, "nothing within 50ms");
}

/* Also one that comes after the last step. */
static void a_command_that_no_step_receives_fails(void **state)
{
    (void)state;
    case_fails(HEADER HELLO, LINE + HELLO_LINES - 1,
               "expected: l > nothing\nreceived: \"REGISTER n.topic");
}

static void an_any_answers_each_command(void **state)
{
    (void)state;
    static const char two[] = HEADER HELLO
        "d connect\nd > \"  V2SUB \" $topic \" c\\n\"\nd < response \"OK\"\n"
        "any {\n    l > \"REGISTER \" $topic \" c\\n\"\n    l > \"REGISTER \" $topic \"\\n\"\n}\n"
        "l > nothing within 500ms\n";
    case_passes(two, true);
    case_fails(HEADER HELLO "any {\n    l > \"REGISTER x\\n\" within 30ms\n}\n", LINE + HELLO_LINES,
               "l > \"REGISTER n.topic");
}

static void the_exchange_shows_both_directions(void **state)
{
    (void)state;
    struct case_result result;
    assert_int_equal(case_run(HEADER HELLO REGISTER "l < raw \"\\x00\"\nl > nothing within 5ms\n"
                                                    "l < end\nl > end\n",
                              &result, false),
                     VERDICT_PASS);
    case_contains(&result.exchange, "l accept\nl > \"  V1\"\nl > \"IDENTIFY\\n\\x00");
    case_contains(&result.exchange, "l < response \"{}\"\n");
    case_contains(&result.exchange, "l > \"REGISTER n.topic\\n\"\nl < raw \"\\x00\"\nl > nothing\n"
                                    "l < end\nl > end\n");
    case_result_free(&result);
}

/* A server at a target does not know the address. */
static void a_target_is_unsupported(void **state)
{
    (void)state;
    const struct case_setting setting = {
        .target = "127.0.0.1:1", .names = SPAN("n"), .time_scale = 100};
    struct transcript file;
    struct transcript_error error;
    struct case_result result;
    assert_true(transcript_parse(&file, SPAN(HEADER HELLO), &error));
    run_case(&setting, &file, &result);
    assert_int_equal(result.verdict, VERDICT_UNSUPPORTED);
    case_contains(&result.why, "the address of a scripted nsqlookupd; --spawn does that");
    case_result_free(&result);
    transcript_free(&file);
}

static void a_transport_may_have_none(void **state)
{
    (void)state;
    struct player_config config = {.time_scale = 100};
    struct player *player = calloc(1, sizeof *player);
    struct step step = {.kind = STEP_ACCEPT, .actor = SPAN("l")};
    assert_non_null(player);
    player->config = config;
    assert_false(player_accept(player, &step));
    assert_int_equal(player->verdict, VERDICT_UNSUPPORTED);
    player_free(player);
    free(player);
}

/* A case with a server of its own may have no scripted nsqlookupds. */
static void an_address_may_have_no_port(void **state)
{
    (void)state;
    const struct player_config config = {.time_scale = 100, .listeners = {"", "h", ""}};
    struct player *player = calloc(1, sizeof *player);
    struct transcript file;
    struct transcript_error error;
    assert_non_null(player);
    assert_true(transcript_parse(&file, SPAN(HEADER HELLO), &error));
    player_init(player, &config, &file);
    assert_int_equal(values_find(&player->values, SPAN("lookupd_http_port"))->bytes.n, 0);
    assert_int_equal(values_find(&player->values, SPAN("lookupd2"))->bytes.n, 1);
    player_free(player);
    transcript_free(&file);
    free(player);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_received_and_answered),
        cmocka_unit_test(both_sides_may_close),
        cmocka_unit_test(a_connection_may_be_accepted_late),
        cmocka_unit_test(addresses_are_values),
        cmocka_unit_test(requests_are_received_and_answered),
        cmocka_unit_test(what_differs_fails),
        cmocka_unit_test(a_command_that_no_step_receives_fails),
        cmocka_unit_test(an_any_answers_each_command),
        cmocka_unit_test(the_exchange_shows_both_directions),
        cmocka_unit_test(a_target_is_unsupported),
        cmocka_unit_test(a_transport_may_have_none),
        cmocka_unit_test(an_address_may_have_no_port),
    };
    return cmocka_run_group_tests_name("player_lookupd", tests, NULL, NULL);
}
