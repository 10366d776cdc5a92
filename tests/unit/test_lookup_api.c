/* SPDX-License-Identifier: MIT */
/* Tests of lookup/lookup_api.h on virtual time: the answers, the order of the checks, and the log.
 * They are those of upstream's nsqlookupd 1.3.0 unless a comment says otherwise. */
#include "lookup/lookup_api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/time.h"
#include "support/lookup_stage.h"

#define DATE "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
#define JSON_HEADERS "Content-Type: application/json; charset=utf-8\r\n" NSQ_HEADER
#define NSQ_HEADER "X-Nsq-Content-Type: nsq; version=1.0\r\n"

/* Sends a request and returns status and body, as "200 {}". */
static const char *ask(struct lookup_stage *s, const char *method, const char *target)
{
    static char answer[65536];
    char request[512];
    size_t c = lookup_stage_open(s, LOOKUP_HTTP);
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: h\r\n\r\n", method, target);
    lookup_stage_send(s, c, text_span(request));
    const char *bytes = lookup_stage_bytes(s, c);
    const char *body = strstr(bytes, "\r\n\r\n");
    assert_non_null(body);
    snprintf(answer, sizeof answer, "%.3s %s", bytes + strlen("HTTP/1.1 "), body + 4);
    lookup_stage_forget(s);
    return answer;
}

#define EXPECT(s, method, target, expected) assert_string_equal(ask(s, method, target), expected)
#define ERROR(status, text) status " {\"message\":\"" text "\"}"

static void say(struct lookup_stage *s, size_t client, const char *lines, const char *replies)
{
    lookup_stage_send(s, client, text_span(lines));
    lookup_stage_expect(s, client, replies);
}

/* --- checks ----------------------------------------------------------------------------------- */

struct check {
    const char *method;
    const char *target;
    const char *answer;
};

/* Of an empty registry, in this order. */
static const struct check checks[] = {
    {"GET", "/ping", "200 OK"},
    {"GET", "/info?%zz", "200 {\"version\":\"1.3.0\"}"},
    {"GET", "/topics?%zz", "200 {\"topics\":[]}"},
    {"GET", "/nodes?%zz", "200 {\"producers\":[]}"},
    {"GET", "/debug?%zz", "200 {}"},
    {"GET", "/channels", ERROR("400", "MISSING_ARG_TOPIC")},
    {"GET", "/channels?topic=%zz", ERROR("400", "INVALID_REQUEST")},
    {"GET", "/channels?topic=x", "200 {\"channels\":[]}"},
    {"GET", "/channels?topic=", "200 {\"channels\":[]}"},
    {"GET", "/channels?topic=*", "200 {\"channels\":[]}"},
    {"GET", "/lookup", ERROR("400", "MISSING_ARG_TOPIC")},
    {"GET", "/lookup?topic=x", ERROR("404", "TOPIC_NOT_FOUND")},
    {"GET", "/lookup?topic=*", ERROR("404", "TOPIC_NOT_FOUND")},
    {"GET", "/lookup?topic=%zz", ERROR("400", "INVALID_REQUEST")},
    {"POST", "/topic/create", ERROR("400", "MISSING_ARG_TOPIC")},
    {"POST", "/topic/create?topic=%zz", ERROR("400", "INVALID_REQUEST")},
    {"POST", "/topic/create?topic=", ERROR("400", "INVALID_ARG_TOPIC")},
    {"POST", "/topic/create?topic=*", ERROR("400", "INVALID_ARG_TOPIC")},
    {"POST", "/topic/delete", ERROR("400", "MISSING_ARG_TOPIC")},
    {"POST", "/topic/delete?topic=", "200 "},
    {"POST", "/topic/delete?topic=a!", "200 "},
    {"POST", "/channel/create?channel=c", ERROR("400", "MISSING_ARG_TOPIC")},
    {"POST", "/channel/create?topic=a!", ERROR("400", "INVALID_ARG_TOPIC")},
    {"POST", "/channel/create?topic=t", ERROR("400", "MISSING_ARG_CHANNEL")},
    {"POST", "/channel/create?topic=t&channel=*", ERROR("400", "INVALID_ARG_CHANNEL")},
    {"POST", "/channel/delete?topic=*&channel=c", ERROR("400", "INVALID_ARG_TOPIC")},
    {"POST", "/channel/delete?topic=t&channel=", ERROR("400", "INVALID_ARG_CHANNEL")},
    {"POST", "/channel/delete?topic=t&channel=c", ERROR("404", "CHANNEL_NOT_FOUND")},
    {"POST", "/topic/tombstone?node=n", ERROR("400", "MISSING_ARG_TOPIC")},
    {"POST", "/topic/tombstone?topic=t", ERROR("400", "MISSING_ARG_NODE")},
    {"POST", "/topic/tombstone?topic=%zz", ERROR("400", "INVALID_REQUEST")},
    {"POST", "/topic/tombstone?topic=t&node=", "200 "},
    {"GET", "/topic/create", ERROR("405", "METHOD_NOT_ALLOWED")},
    {"POST", "/lookup", ERROR("405", "METHOD_NOT_ALLOWED")},
    {"GET", "/", ERROR("404", "NOT_FOUND")},
    {"GET", "/debug/pprof", ERROR("404", "NOT_FOUND")}, /* upstream: Go's profiles */
};

static void checks_are_in_upstreams_order(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        EXPECT(s, checks[i].method, checks[i].target, checks[i].answer);
    }
    lookup_stage_end(s);
}

static void expect_raw(struct lookup_stage *s, struct span request, const char *expected)
{
    size_t c = lookup_stage_open(s, LOOKUP_HTTP);
    lookup_stage_send(s, c, request);
    assert_string_equal(lookup_stage_bytes(s, c), expected);
    lookup_stage_forget(s);
}

/* Whole answers, with their headers. */
static void headers_and_bodies(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    expect_raw(s, SPAN("GET /ping HTTP/1.1\r\nHost: h\r\n\r\n"),
               "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 2\r\nContent-Type: text/plain; "
               "charset=utf-8\r\n\r\nOK");
    expect_raw(s, SPAN("GET /topics HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"),
               "HTTP/1.1 200 OK\r\n" JSON_HEADERS DATE "Content-Length: 13\r\n\r\n{\"topics\":[]}");
    expect_raw(s, SPAN("POST /topic/create?topic=t HTTP/1.1\r\nHost: h\r\n\r\n"),
               "HTTP/1.1 200 OK\r\n" NSQ_HEADER DATE "Content-Length: 0\r\n\r\n");
    expect_raw(s, SPAN("POST /topic/tombstone?topic=t&node=n HTTP/1.1\r\nHost: h\r\n\r\n"),
               "HTTP/1.1 200 OK\r\n" NSQ_HEADER DATE "Content-Length: 0\r\n\r\n");
    /* A body that cannot be read matters only to the routes that read the query. */
#define BROKEN " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    expect_raw(s, SPAN("GET /topics" BROKEN),
               "HTTP/1.1 200 OK\r\n" JSON_HEADERS DATE
               "Content-Length: 16\r\nConnection: close\r\n\r\n{\"topics\":[\"t\"]}");
    expect_raw(s, SPAN("GET /lookup?topic=t" BROKEN),
               "HTTP/1.1 400 Bad Request\r\n" JSON_HEADERS DATE
               "Content-Length: 29\r\nConnection: close\r\n\r\n{\"message\":\"INVALID_REQUEST\"}");
    expect_raw(s, SPAN("POST /topic/delete?topic=t" BROKEN),
               "HTTP/1.1 400 Bad Request\r\n" JSON_HEADERS DATE
               "Content-Length: 29\r\nConnection: close\r\n\r\n{\"message\":\"INVALID_REQUEST\"}");
    EXPECT(s, "GET", "/topics", "200 {\"topics\":[\"t\"]}");
    lookup_stage_end(s);
}

/* --- what is registered ----------------------------------------------------------------------- */

#define PEER(number, host)                                                                         \
    "{\"remote_address\":\"10.0.0.1:" number "\",\"hostname\":\"" host                             \
    ".local\",\"broadcast_address\":\"" host                                                       \
    "\",\"tcp_port\":4150,\"http_port\":4151,\"version\":\"1.3.0\""

static void topics_and_channels_are_created_and_deleted(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    EXPECT(s, "POST", "/topic/create?topic=t", "200 ");
    EXPECT(s, "POST", "/topic/create?topic=t", "200 ");
    EXPECT(s, "POST", "/channel/create?topic=u&channel=c", "200 ");
    EXPECT(s, "POST", "/channel/create?topic=u&channel=b", "200 ");
    EXPECT(s, "POST", "/channel/create?topic=t&channel=c", "200 ");
    EXPECT(s, "GET", "/topics", "200 {\"topics\":[\"t\",\"u\"]}");
    EXPECT(s, "GET", "/channels?topic=u", "200 {\"channels\":[\"b\",\"c\"]}");
    EXPECT(s, "GET", "/channels?topic=*", "200 {\"channels\":[\"c\",\"b\",\"c\"]}");
    EXPECT(s, "GET", "/lookup?topic=u", "200 {\"channels\":[\"b\",\"c\"],\"producers\":[]}");
    EXPECT(s, "POST", "/channel/delete?topic=u&channel=b", "200 ");
    EXPECT(s, "GET", "/channels?topic=u", "200 {\"channels\":[\"c\"]}");
    EXPECT(s, "POST", "/topic/delete?topic=*", "200 "); /* upstream deletes all topics */
    EXPECT(s, "GET", "/topics", "200 {\"topics\":[\"t\",\"u\"]}");
    EXPECT(s, "POST", "/topic/delete?topic=u", "200 ");
    EXPECT(s, "GET", "/channels?topic=*", "200 {\"channels\":[\"c\"]}");
    EXPECT(s, "GET", "/debug", "200 {}");
    lookup_stage_end(s);
}

static void who_is_found(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    size_t a = lookup_stage_join(s, "a");
    size_t b = lookup_stage_join(s, "b");
    say(s, a, "REGISTER t c\nREGISTER u\n", "OK; OK; ");
    say(s, b, "REGISTER t\n", "OK; ");
    EXPECT(s, "GET", "/lookup?topic=t",
           "200 {\"channels\":[\"c\"],\"producers\":[" PEER("0", "a") "}," PEER("1", "b") "}]}");
    EXPECT(s, "GET", "/lookup?topic=*",
           "200 {\"channels\":[\"c\"],\"producers\":[" PEER("0", "a") "}," PEER("1", "b") "}]}");
    EXPECT(s, "GET", "/nodes",
           "200 {\"producers\":[" PEER(
               "0", "a") ",\"tombstones\":[false,false],\"topics\":[\"t\","
                         "\"u\"]}," PEER("1", "b") ",\"tombstones\":[false],\"topics\":[\"t\"]}]}");
    say(s, b, "UNREGISTER t\n", "OK; ");
    EXPECT(s, "GET", "/nodes",
           "200 {\"producers\":[" PEER(
               "0", "a") ",\"tombstones\":[false,false],\"topics\":[\"t\","
                         "\"u\"]}," PEER("1", "b") ",\"tombstones\":[],\"topics\":[]}]}");
    EXPECT(s, "GET", "/lookup?topic=*",
           "200 {\"channels\":[\"c\"],\"producers\":[" PEER("0", "a") "}]}");
    lookup_stage_eof(s, a);
    EXPECT(s, "GET", "/lookup?topic=t", "200 {\"channels\":[\"c\"],\"producers\":[]}");
    lookup_stage_end(s);
}

static void an_inactive_node_is_hidden(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    size_t a = lookup_stage_join(s, "a");
    say(s, a, "REGISTER t\n", "OK; ");
    lookup_stage_advance(s, 301 * TIME_SECOND);
    EXPECT(s, "GET", "/lookup?topic=t", "200 {\"channels\":[],\"producers\":[]}");
    EXPECT(s, "GET", "/lookup?topic=*", "200 {\"channels\":[],\"producers\":[]}");
    EXPECT(s, "GET", "/nodes", "200 {\"producers\":[]}");
    say(s, a, "PING\n", "OK; ");
    EXPECT(s, "GET", "/lookup?topic=t",
           "200 {\"channels\":[],\"producers\":[" PEER("0", "a") "}]}");
    lookup_stage_end(s);
}

static void a_tombstone_hides_a_node_for_a_while(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    size_t a = lookup_stage_join(s, "a");
    size_t b = lookup_stage_join(s, "b");
    say(s, a, "REGISTER t\nREGISTER u\n", "OK; OK; ");
    say(s, b, "REGISTER t\n", "OK; ");
    EXPECT(s, "POST", "/topic/tombstone?topic=t&node=a", "200 ");
    EXPECT(s, "POST", "/topic/tombstone?topic=t&node=a:41510", "200 ");
    EXPECT(s, "POST", "/topic/tombstone?topic=t&node=c:4151", "200 ");
    EXPECT(s, "GET", "/lookup?topic=t",
           "200 {\"channels\":[],\"producers\":[" PEER("0", "a") "}," PEER("1", "b") "}]}");
    EXPECT(s, "POST", "/topic/tombstone?topic=t&node=a:4151", "200 ");
    EXPECT(s, "GET", "/lookup?topic=t",
           "200 {\"channels\":[],\"producers\":[" PEER("1", "b") "}]}");
    EXPECT(s, "GET", "/lookup?topic=u",
           "200 {\"channels\":[],\"producers\":[" PEER("0", "a") "}]}");
    EXPECT(s, "GET", "/nodes",
           "200 {\"producers\":[" PEER(
               "0", "a") ",\"tombstones\":[true,false],\"topics\":[\"t\","
                         "\"u\"]}," PEER("1", "b") ",\"tombstones\":[false],\"topics\":[\"t\"]}]}");
    lookup_stage_advance(s, 45 * TIME_SECOND);
    EXPECT(s, "GET", "/lookup?topic=t",
           "200 {\"channels\":[],\"producers\":[" PEER("0", "a") "}," PEER("1", "b") "}]}");
    /* For all topics, the first topic of each node counts. */
    EXPECT(s, "POST", "/topic/tombstone?topic=*&node=a:4151", "200 ");
    EXPECT(s, "GET", "/lookup?topic=t",
           "200 {\"channels\":[],\"producers\":[" PEER("1", "b") "}]}");
    EXPECT(s, "GET", "/lookup?topic=*",
           "200 {\"channels\":[],\"producers\":[" PEER("1", "b") "}]}");
    EXPECT(s, "GET", "/lookup?topic=u",
           "200 {\"channels\":[],\"producers\":[" PEER("0", "a") "}]}");
    lookup_stage_end(s);
}

#define DEBUG(at, tombstone)                                                                       \
    "{\"broadcast_address\":\"a\",\"hostname\":\"a.local\",\"http_port\":4151,\"id\":\"10.0.0.1:"  \
    "0\",\"last_update\":" at ",\"tcp_port\":4150,\"tombstoned\":" tombstone                       \
    ",\"version\":\"1.3.0\"}"
#define NO_TOMBSTONE "false,\"tombstoned_at\":-6795364578871345152"

static void debug_shows_all_keys_in_order(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    size_t a = lookup_stage_join(s, "a");
    EXPECT(s, "POST", "/channel/create?topic=empty&channel=c", "200 ");
    say(s, a, "REGISTER t c\nREGISTER t-u c\n", "OK; OK; ");
    lookup_stage_advance(s, TIME_SECOND);
    EXPECT(s, "POST", "/topic/tombstone?topic=t&node=a:4151", "200 ");
    EXPECT(
        s, "GET", "/debug",
        "200 {\"channel:t-u:c\":[" DEBUG(
            "1767225600000000000",
            NO_TOMBSTONE) "],"
                          "\"channel:t:c\":[" DEBUG(
                              "1767225600000000000",
                              NO_TOMBSTONE) "],"
                                            "\"client::\":[" DEBUG(
                                                "1767225600000000000",
                                                NO_TOMBSTONE) "],"
                                                              "\"topic:t-u:\":[" DEBUG(
                                                                  "1767225600000000000",
                                                                  NO_TOMBSTONE) "],"
                                                                                "\"topic:t:\":"
                                                                                "[" DEBUG(
                                                                                    "17672256000000"
                                                                                    "00000",
                                                                                    "true,"
                                                                                    "\"tombstoned_"
                                                                                    "at\":"
                                                                                    "17672256010000"
                                                                                    "00000") "]}");
    lookup_stage_end(s);
}

static void an_ephemeral_topic_that_is_gone_keeps_its_channels(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    size_t a = lookup_stage_join(s, "a");
    say(s, a, "REGISTER e#ephemeral c\nUNREGISTER e#ephemeral\n", "OK; OK; ");
    EXPECT(s, "GET", "/topics", "200 {\"topics\":[]}");
    EXPECT(s, "GET", "/lookup?topic=e%23ephemeral", ERROR("404", "TOPIC_NOT_FOUND"));
    EXPECT(s, "GET", "/lookup?topic=*", ERROR("404", "TOPIC_NOT_FOUND"));
    EXPECT(s, "GET", "/channels?topic=e%23ephemeral", "200 {\"channels\":[\"c\"]}");
    EXPECT(s, "POST", "/topic/delete?topic=e%23ephemeral", "200 ");
    EXPECT(s, "GET", "/channels?topic=*", "200 {\"channels\":[]}");
    lookup_stage_end(s);
}

static void what_is_logged(void **state)
{
    (void)state;
    struct lookup_stage *s = lookup_stage_begin(NULL);
    EXPECT(s, "GET", "/ping", "200 OK");
    EXPECT(s, "GET", "/x", ERROR("404", "NOT_FOUND"));
    EXPECT(s, "POST", "/channel/create?topic=t&channel=c", "200 ");
    EXPECT(s, "POST", "/topic/tombstone?topic=t&node=n", "200 ");
    EXPECT(s, "POST", "/topic/delete?topic=t", "200 ");
    lookup_stage_expect_log(s, "INFO: 200 GET /ping (10.0.0.1:0)\n"
                               "INFO: 404 GET /x (10.0.0.1:0)\n"
                               "INFO: DB: adding channel(c) in topic(t)\n"
                               "INFO: DB: adding topic(t)\n"
                               "INFO: 200 POST /channel/create?topic=t&channel=c (10.0.0.1:0)\n"
                               "INFO: DB: setting tombstone for producer@n of topic(t)\n"
                               "INFO: 200 POST /topic/tombstone?topic=t&node=n (10.0.0.1:0)\n"
                               "INFO: DB: removing channel(c) from topic(t)\n"
                               "INFO: DB: removing topic(t)\n"
                               "INFO: 200 POST /topic/delete?topic=t (10.0.0.1:0)\n");
    lookup_stage_end(s);
}

static void a_full_budget_refuses(void **state)
{
    (void)state;
    struct lookup_config config = lookup_stage_config();
    config.memory = 4000;
    struct lookup_stage *s = lookup_stage_begin(&config);
    char target[64];
    const char *answer;
    size_t n = 0;
    do {
        snprintf(target, sizeof target, "/topic/create?topic=t%zu", n);
        answer = ask(s, "POST", target);
    } while (++n < 100 && strcmp(answer, "200 ") == 0);
    assert_string_equal(answer, ERROR("503", "NO_MEMORY"));
    assert_true(n > 2);
    EXPECT(s, "POST", "/topic/create?topic=t0", "200 "); /* it is there */
    lookup_stage_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_are_in_upstreams_order),
        cmocka_unit_test(headers_and_bodies),
        cmocka_unit_test(topics_and_channels_are_created_and_deleted),
        cmocka_unit_test(who_is_found),
        cmocka_unit_test(an_inactive_node_is_hidden),
        cmocka_unit_test(a_tombstone_hides_a_node_for_a_while),
        cmocka_unit_test(debug_shows_all_keys_in_order),
        cmocka_unit_test(an_ephemeral_topic_that_is_gone_keeps_its_channels),
        cmocka_unit_test(what_is_logged),
        cmocka_unit_test(a_full_budget_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
