/* SPDX-License-Identifier: MIT */
/* Tests of conform/player_http.h: small cases against the engine. */
#include "conform/player_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/case_texts.h"

#define HEADER                                                                                     \
    "id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nneeds: http\nsource: spec\n\nh connect http\n"
#define LINE 9 /* the first line behind HEADER */
#define TLS_HEADER                                                                                 \
    "id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nneeds: http\n"                                      \
    "flags: --tls-cert={suite}/tls/cert.pem --tls-key={suite}/tls/key.pem\nsource: spec\n\n"
#define PING "h > GET \"/ping\"\n"
#define SUB "c > \"  V2SUB \" $topic \" \" $channel \"\\n\" \"RDY 1\\n\"\nc < response \"OK\"\n"

static void a_response_is_compared(void **state)
{
    (void)state;
    case_passes(HEADER PING
                "h < 200 header \"content-TYPE: text/\" * without \"X-Nsq-Content-Type\" "
                "body \"O\" *\n" PING "h < 200\n",
                true);
    case_passes(HEADER "h > HEAD \"/ping\"\nh < 405 header \"Allow: GET, OPTIONS\" no body\n" PING
                       "h < 200 body \"OK\"\n",
                false);
    case_passes(HEADER "h > GET \"/info\"\nh < 200 {\"version\":\"1.3.0\",\"hostname\":null}\n",
                false);
}

static void a_response_that_differs_fails(void **state)
{
    (void)state;
    case_fails(HEADER PING "h < 201\n", LINE + 1, "200 head \"");
    case_fails(HEADER PING "h < 200 body \"NO\"\n", LINE + 1, "body \"OK\"");
    case_fails(HEADER PING "h < 200 header \"Content-Type: text\"\n", LINE + 1,
               "Content-Type: text/plain");
    case_fails(HEADER PING "h < 200 header \"X-None: \" *\n", LINE + 1, "body \"OK\"");
    case_fails(HEADER PING "h < 200 without \"date\"\n", LINE + 1, "Date: ");
    case_fails(HEADER "h > GET \"/info\"\nh < 200 {\"version\":\"1.2.9\"}\n", LINE + 1,
               "version: expected \"1.2.9\", came \"1.3.0\"");
    case_fails(HEADER PING "h < 200 after 5ms\n", LINE + 1, "too early");
    case_fails(HEADER PING "h < no message within 5ms\n", LINE + 1, "\"HTTP/1.1 200 OK\\r\\n");
    case_fails(HEADER PING "h < end\n", LINE + 1, "\"HTTP/1.1 200 OK\\r\\n");
    case_fails(HEADER PING, LINE, "\"HTTP/1.1 200 OK\\r\\n");
}

static void what_is_no_response_fails(void **state)
{
    (void)state;
    case_fails(HEADER "h < 200 within 30ms\n", LINE, "nothing within 30ms");
    case_fails(HEADER "h > \"x y\\r\\n\\r\\n\"\nh < 400\nh < 200\n", LINE + 2,
               "the end of the connection");
    case_fails(HEADER "h > HEAD \"/ping\"\nh < 405 within 10ms\n", LINE + 1,
               "a part of a response: ");
}

static void bytes_are_sent_as_they_are(void **state)
{
    (void)state;
    case_passes(
        HEADER "h > \"GET /ping HTTP/1.1\\r\\nHost: x\\r\\n\\r\\nGET /ping HTTP/1.0\\r\\n\\r\\n\"\n"
               "h < 200 body \"OK\"\nh < 200 body \"OK\"\nh < end\n",
        true);
}

/* The page has figures of memory, which depend on how the input was cut. */
static void a_case_that_reads_metrics_is_cut_too(void **state)
{
    (void)state;
    case_passes(HEADER "h > GET \"/metrics\"\nh < 200 body \"# HELP \" *\n", true);
}

static void a_message_goes_from_http_to_a_consumer(void **state)
{
    (void)state;
    case_passes(
        HEADER "h > POST \"/pub?topic=\" $topic header \"X-A: \" $topic body \"a\\x00b\"\n"
               "h < 200 body \"OK\"\nc connect\n" SUB
               "c < message $m attempts 1 body \"a\\x00b\"\nc > \"FIN \" $m \"\\n\"\nc < nothing\n",
        false);
}

static void https_is_http_in_tls(void **state)
{
    (void)state;
    struct case_result result;
    case_passes(TLS_HEADER
                "t connect https\nt > GET \"/ping\"\nt < 200 body \"OK\"\nt > end\nt < end\n",
                false);
    assert_int_equal(
        case_run("id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nneeds: http\nsource: spec\n\n"
                 "t connect https\n",
                 &result, false),
        VERDICT_UNREACHABLE);
    case_contains(&result.why, "no connection to the server");
    case_result_free(&result);
}

static void the_exchange_shows_requests_and_responses(void **state)
{
    (void)state;
    struct case_result result;
    assert_int_equal(case_run(HEADER PING "h < 200\n", &result, false), VERDICT_PASS);
    case_contains(&result.exchange,
                  "h connect http\nh > \"GET /ping HTTP/1.1\\r\\nHost: nsq\\r\\n\\r\\n\"\n"
                  "h < 200 head \"Date: ");
    case_contains(&result.exchange, "body \"OK\"\n");
    case_result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_is_compared),
        cmocka_unit_test(a_response_that_differs_fails),
        cmocka_unit_test(what_is_no_response_fails),
        cmocka_unit_test(bytes_are_sent_as_they_are),
        cmocka_unit_test(a_case_that_reads_metrics_is_cut_too),
        cmocka_unit_test(a_message_goes_from_http_to_a_consumer),
        cmocka_unit_test(https_is_http_in_tls),
        cmocka_unit_test(the_exchange_shows_requests_and_responses),
    };
    return cmocka_run_group_tests_name("player_http", tests, NULL, NULL);
}
