/* SPDX-License-Identifier: MIT */
/*
 * Tests of the HTTP API on a whole engine: what each route answers, in the order of nsqd's checks,
 * and what clients of the TCP port see of it. The answers are those of upstream's nsqd 1.3.0, with
 * which ci/differential and the cases of tests/conformance compare them. The name of a test marks a
 * departure.
 */
#include "api/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/cuts.h"
#include "support/world.h"

#define DATE "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"

/* The head of an answer, and its body. `close`: the connection ends. */
static void expect_answer(struct client *c, int status, const char *body, bool close)
{
    static char text[2000];
    struct span words = http_status_words(status);
    bool json = body[0] == '{';
    snprintf(text, sizeof text, "HTTP/1.1 %d %.*s\r\n%s%s" DATE "Content-Length: %zu\r\n%s%s\r\n%s",
             status, (int)words.n, (const char *)words.p,
             json ? "Content-Type: application/json; charset=utf-8\r\n" : "", API_HEADERS,
             strlen(body),
             json || body[0] == '\0' ? "" : "Content-Type: text/plain; charset=utf-8\r\n",
             close ? "Connection: close\r\n" : "", body);
    assert_string_equal(client_bytes(c), text);
}

static void expect_error(struct client *c, int status, const char *code, bool close)
{
    char body[100];
    snprintf(body, sizeof body, "{\"message\":\"%s\"}", code);
    expect_answer(c, status, body, close);
}

/* Sends a request with a body of known length. */
static void ask(struct client *c, const char *line, struct span body)
{
    struct buf request = {0};
    buf_append(&request, text_span(line));
    text_append(&request, " HTTP/1.1\r\nHost: h\r\nContent-Length: ");
    text_append_unsigned(&request, body.n);
    text_append(&request, "\r\n\r\n");
    buf_append(&request, body);
    client_send(c, buf_span(&request));
    buf_free(&request);
}
#define ASK(c, line, body) ask((c), (line), SPAN(body))

/* Sends a chunked body that ends with `tail` instead of its end. */
static void ask_chunked(struct client *c, const char *line, const char *chunks)
{
    struct buf request = {0};
    buf_append(&request, text_span(line));
    text_append(&request, " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    buf_append(&request, text_span(chunks));
    client_send(c, buf_span(&request));
    buf_free(&request);
}

static struct client *subscribe(struct world *w)
{
    struct client *c = world_connect(w);
    SEND(c, "SUB t c\nRDY 100\n");
    client_expect_ok(c);
    return c;
}

/* --- each route ------------------------------------------------------------------------------- */

struct row {
    const char *line;
    int status;
    const char *text; /* of an error: its code */
};

static void check_rows(struct world *w, const struct row *rows, size_t count)
{
    struct client *c = world_open_http(w);
    for (size_t i = 0; i < count; i++) {
        ASK(c, rows[i].line, "x");
        if (rows[i].status == 200) {
            expect_answer(c, 200, rows[i].text, false);
        } else {
            expect_error(c, rows[i].status, rows[i].text, false);
        }
    }
}

static void play_topology(struct world *w)
{
    static const struct row rows[] = {
        {"POST /topic/create?topic=%zz", 400, "INVALID_REQUEST"},
        {"POST /topic/create", 400, "MISSING_ARG_TOPIC"},
        {"POST /topic/create?topic=", 400, "INVALID_TOPIC"},
        {"POST /topic/delete?topic=t", 404, "TOPIC_NOT_FOUND"},
        {"POST /channel/create?topic=t&channel=c", 404, "TOPIC_NOT_FOUND"},
        {"POST /topic/create?topic=t", 200, ""},
        {"POST /topic/create?topic=t", 200, ""},
        {"POST /topic/delete?a;b", 400, "INVALID_REQUEST"},
        {"POST /topic/delete", 400, "MISSING_ARG_TOPIC"},
        {"POST /topic/delete?topic=*", 404, "TOPIC_NOT_FOUND"},
        {"POST /topic/empty", 400, "MISSING_ARG_TOPIC"},
        {"POST /topic/empty?topic=*", 400, "INVALID_TOPIC"},
        {"POST /topic/empty?topic=u", 404, "TOPIC_NOT_FOUND"},
        {"POST /topic/empty?topic=t", 200, ""},
        {"POST /topic/pause?topic=*", 404, "TOPIC_NOT_FOUND"},
        {"POST /topic/pause?topic=t", 200, ""},
        {"POST /topic/unpause?topic=t", 200, ""},
        {"POST /channel/create?%", 400, "INVALID_REQUEST"},
        {"POST /channel/create", 400, "MISSING_ARG_TOPIC"},
        {"POST /channel/create?topic=*", 400, "INVALID_ARG_TOPIC"},
        {"POST /channel/create?topic=t", 400, "MISSING_ARG_CHANNEL"},
        {"POST /channel/create?topic=t&channel=*", 400, "INVALID_ARG_CHANNEL"},
        {"POST /channel/create?topic=t&channel=c", 200, ""},
        {"POST /channel/empty?topic=t&channel=d", 404, "CHANNEL_NOT_FOUND"},
        {"POST /channel/empty?topic=u&channel=c", 404, "TOPIC_NOT_FOUND"},
        {"POST /channel/empty", 400, "MISSING_ARG_TOPIC"},
        {"POST /channel/empty?;", 400, "INVALID_REQUEST"},
        {"POST /channel/empty?topic=t&channel=c", 200, ""},
        {"POST /channel/pause?topic=t&channel=c", 200, ""},
        {"POST /channel/unpause?topic=t&channel=c", 200, ""},
        {"POST /channel/delete?topic=t&channel=c", 200, ""},
        {"POST /channel/delete?topic=t&channel=c", 404, "CHANNEL_NOT_FOUND"},
        {"POST /topic/delete?topic=t&topic=u", 200, ""},
        {"POST /topic/delete?topic=t", 404, "TOPIC_NOT_FOUND"},
        {"GET /stats2", 404, "NOT_FOUND"},
        {"GET /debug/pprof/", 404, "NOT_FOUND"}, /* a departure */
    };
    check_rows(w, rows, sizeof rows / sizeof rows[0]);
}

static void topics_and_channels_are_changed(void **state)
{
    (void)state;
    cuts_check(NULL, play_topology);
}

static void ping_and_info_answer(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.about = (struct engine_about){.broadcast_address = SPAN("b<"),
                                         .hostname = SPAN("h"),
                                         .tcp_port = 4150,
                                         .http_port = -1,
                                         .start_time = 1795928492};
    struct world *w = world_new(&config);
    struct client *c = world_open_http(w);
    SEND(c, "GET /ping HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_string_equal(client_bytes(c), "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 2\r\n"
                                         "Content-Type: text/plain; charset=utf-8\r\n\r\nOK");
    ASK(c, "GET /info", "");
    expect_answer(c, 200,
                  "{\"version\":\"1.3.0\",\"broadcast_address\":\"b\\u003c\",\"hostname\":\"h\","
                  "\"http_port\":-1,\"tcp_port\":4150,\"start_time\":1795928492,"
                  "\"max_heartbeat_interval\":60000000000,\"max_output_buffer_size\":65536,"
                  "\"max_output_buffer_timeout\":30000000000,\"max_deflate_level\":6}",
                  false);
    world_expect_log(w, "INFO 200 GET /ping (web:1)");
    world_free(w);
}

/* --- publishing ------------------------------------------------------------------------------- */

static void play_pub(struct world *w)
{
    struct client *consumer = subscribe(w);
    struct client *c = world_open_http(w);
    ASK(c, "POST /pub?topic=t", "hello\n\0");
    expect_answer(c, 200, "OK", false);
    client_expect(consumer, "M 1 hello\\x0a\\x00");
    ask_chunked(c, "POST /pub?topic=t", "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
    expect_answer(c, 200, "OK", false);
    client_expect(consumer, "M 1 abc");
    ASK(c, "POST /pub?topic=*", "");
    expect_error(c, 400, "MSG_EMPTY", false);
    ASK(c, "POST /pub?topic=*", "x");
    expect_error(c, 400, "INVALID_TOPIC", false);
    ASK(c, "POST /pub?a=%", "x");
    expect_error(c, 400, "INVALID_REQUEST", false);
    ASK(c, "POST /pub", "x");
    expect_error(c, 400, "MISSING_ARG_TOPIC", false);
    static const char *const delays[] = {
        "x", "", "-1", "+5", "3600001", "9223372036854775808", "9223372036855"};
    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
        char line[100];
        snprintf(line, sizeof line, "POST /pub?topic=new&defer=%s", delays[i]);
        ASK(c, line, "x");
        expect_error(c, 400, "INVALID_DEFER", false);
    }
    ASK(c, "POST /topic/delete?topic=new", ""); /* it was created all the same */
    expect_answer(c, 200, "", false);
    ASK(c, "POST /pub?topic=t&defer=%2B5000", "later");
    expect_answer(c, 200, "OK", false);
    client_expect_nothing(consumer);
}

static void pub_publishes(void **state)
{
    (void)state;
    cuts_check(NULL, play_pub);
}

static void play_mpub(struct world *w)
{
    struct client *consumer = subscribe(w);
    struct client *c = world_open_http(w);
    ASK(c, "POST /mpub?topic=t", "a\n\nb\r\nc");
    expect_answer(c, 200, "OK", false);
    client_expect(consumer, "M 1 a; M 1 b\\x0d; M 1 c");
    ASK(c, "POST /mpub?topic=t&binary=false", "");
    expect_answer(c, 200, "OK", false);
    ASK(c, "POST /mpub?topic=t&binary=true", "\0\0\0\2\0\0\0\1d\0\0\0\2efrest");
    expect_answer(c, 200, "OK", false);
    client_expect(consumer, "M 1 d; M 1 ef");
    ASK(c, "POST /mpub?topic=t&binary=1", "\0\0\0\0");
    expect_error(c, 413, "BAD_BODY", false);
    ASK(c, "POST /mpub?topic=t&binary=", "\0\0");
    expect_error(c, 413, "BAD_BODY", false);
    world_expect_log(w, "WARNING deprecated value '' used for /mpub binary param");
    ASK(c, "POST /mpub?topic=t&binary=true", "\xff\xff\xff\xff");
    expect_error(c, 413, "BAD_BODY", false);
    ASK(c, "POST /mpub?topic=t&binary=true", "\0\x10\0\0");
    expect_error(c, 413, "BAD_BODY", false);
    ASK(c, "POST /mpub?topic=t&binary=true", "\0\0\0\1\0\0\0\0");
    expect_error(c, 413, "BAD_MESSAGE", false);
    ASK(c, "POST /mpub?topic=t&binary=true", "\0\0\0\1\0\x10\0\1");
    expect_error(c, 413, "BAD_MESSAGE", false);
    ASK(c, "POST /mpub?topic=t&binary=true", "\0\0\0\2\0\0\0\1a\0\0\0\2b");
    expect_error(c, 413, "BAD_MESSAGE", false);
    ASK(c, "POST /mpub", "a");
    expect_error(c, 400, "MISSING_ARG_TOPIC", false);
    client_expect_nothing(consumer);
}

static void mpub_publishes(void **state)
{
    (void)state;
    cuts_check(NULL, play_mpub);
}

static void play_limits(struct world *w)
{
    struct client *c = world_open_http(w);
    ASK(c, "POST /pub?topic=t", "12345");
    expect_answer(c, 200, "OK", false);
    ASK(c, "POST /pub", "123456");
    expect_error(c, 413, "MSG_TOO_BIG", false);
    ask_chunked(c, "POST /pub", "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
    expect_error(c, 413, "MSG_TOO_BIG", false);
    ASK(c, "POST /mpub", "123456789012345678901");
    expect_error(c, 413, "BODY_TOO_BIG", false);
    ASK(c, "POST /mpub?topic=t", "12345\n123456\n");
    expect_error(c, 413, "MSG_TOO_BIG", false);
    ASK(c, "POST /mpub?topic=t", "12345\n12345\n12345\n12");
    expect_answer(c, 200, "OK", false);
    ask_chunked(c, "POST /mpub?topic=t", "15\r\n123456789012345678901\r\n0\r\n\r\n");
    expect_error(c, 413, "BODY_TOO_BIG", false);
    ask_chunked(c, "POST /mpub?topic=t", "15\r\n12345\n12345\n12345\n12\n\r\n0\r\n\r\n");
    expect_error(c, 413, "BODY_TOO_BIG", false);
    ask_chunked(c, "POST /mpub?topic=t&binary=1", "4\r\n\1\1\1\1\r\n0\r\n\r\n");
    expect_error(c, 413, "BAD_BODY", false);
}

static void bodies_have_limits(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.v2.limits.max_msg_size = 5;
    config.v2.limits.max_body_size = 20;
    cuts_check(&config, play_limits);
}

/* --max-msg-size may be negative. Then no message fits, as in nsqd, not even an empty one. */
static void play_no_message_fits(struct world *w)
{
    struct client *c = world_open_http(w);
    ASK(c, "POST /pub?topic=t", "x");
    expect_error(c, 413, "MSG_TOO_BIG", false);
    ASK(c, "POST /pub?topic=t", "");
    expect_error(c, 413, "MSG_TOO_BIG", false);
    ask_chunked(c, "POST /pub?topic=t", "1\r\nx\r\n0\r\n\r\n");
    expect_error(c, 413, "MSG_TOO_BIG", false);
    ASK(c, "POST /mpub?topic=t", "\nx\n");
    expect_error(c, 413, "MSG_TOO_BIG", false);
    ASK(c, "POST /mpub?topic=t", "\n");
    expect_answer(c, 200, "OK", false);
    ASK(c, "POST /mpub?topic=t&binary=1", "\0\0\0\1\0\0\0\1x");
    expect_error(c, 413, "BAD_MESSAGE", false);
}

static void play_no_body_fits(struct world *w)
{
    static const char *const lines[] = {"POST /mpub?topic=t", "POST /mpub?topic=t&binary=1"};
    struct client *c = world_open_http(w);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        ASK(c, lines[i], "x");
        expect_error(c, 413, "BODY_TOO_BIG", false);
        ASK(c, lines[i], "");
        expect_error(c, 413, "BODY_TOO_BIG", false);
        ask_chunked(c, lines[i], "1\r\nx\r\n0\r\n\r\n");
        expect_error(c, 413, "BODY_TOO_BIG", false);
    }
}

static void limits_may_be_negative(void **state)
{
    (void)state;
    static const int64_t limits[] = {-1, -5, INT64_MIN};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct engine_config config = world_config();
        config.v2.limits.max_msg_size = limits[i];
        cuts_check(&config, play_no_message_fits);
        config = world_config();
        config.v2.limits.max_body_size = limits[i];
        cuts_check(&config, play_no_body_fits);
    }
}

static void play_no_room(struct world *w)
{
    struct client *c = world_open_http(w);
    ask_chunked(c, "POST /pub?topic=t", "6\r\n123456\r\n0\r\n\r\n");
    expect_error(c, 503, "NO_MEMORY", false);
}

static void a_long_body_needs_memory_at_every_cut(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.v2.limits.max_msg_size = 5;
    config.broker.mem_queue_bytes = 6000;
    cuts_check(&config, play_no_room);
}

/* A client that waits for "100 Continue" may never send the rest, so the connection ends. */
static void play_rest_unread(struct world *w)
{
    static const char *const bodies[] = {
        "POST /mpub?topic=t&binary=1 HTTP/1.1\r\nContent-Length: 6\r\n*\377\377\377\377xy",
        "POST /mpub?topic=t HTTP/1.1\r\nContent-Length: 9\r\n*123456\nxy",
        "POST /pub?topic=t HTTP/1.1\r\nTransfer-Encoding: chunked\r\n*7\r\n1234567",
    };
    static const char *const codes[] = {"BAD_BODY", "MSG_TOO_BIG", "MSG_TOO_BIG"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct client *c = world_open_http(w);
        struct buf request = {0};
        const char *end = strchr(bodies[i], '*');
        char wanted[400];
        buf_append(&request, span_make(bodies[i], (size_t)(end - bodies[i])));
        text_append(&request, "Host: h\r\nExpect: 100-continue\r\n\r\n");
        buf_append(&request, text_span(end + 1));
        client_send(c, buf_span(&request));
        buf_free(&request);
        snprintf(wanted, sizeof wanted,
                 "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Request Entity Too Large\r\n"
                 "" API_HEADERS_JSON DATE "Content-Length: %zu\r\nConnection: close\r\n\r\n"
                 "{\"message\":\"%s\"}",
                 strlen(codes[i]) + strlen("{\"message\":\"\"}"), codes[i]);
        assert_string_equal(client_bytes(c), wanted);
    }
}

static void the_rest_of_a_refused_body_is_unread_at_every_cut(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.v2.limits.max_msg_size = 5;
    config.v2.limits.max_body_size = 20;
    cuts_check(&config, play_rest_unread);
}

static void bodies_that_break_are_not_published(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"POST /pub?topic=t", 500, "INTERNAL_ERROR"},
        {"POST /mpub?topic=t", 500, "INTERNAL_ERROR"},
        {"POST /mpub?topic=t&binary=1", 413, "BAD_BODY"},
        {"POST /topic/delete?topic=t", 400, "INVALID_REQUEST"},
        {"POST /channel/delete?topic=t&channel=c", 400, "INVALID_REQUEST"},
        {"POST /channel/create?topic=t&channel=c", 400, "INVALID_REQUEST"},
    };
    struct world *w = world_new(NULL);
    struct client *consumer = subscribe(w);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct client *c = world_open_http(w);
        ask_chunked(c, rows[i].line, "1\r\na\r\nx");
        expect_error(c, rows[i].status, rows[i].text, true);
    }
    client_expect_nothing(consumer);
    world_free(w);
}

/* --- what consumers see ----------------------------------------------------------------------- */

static void consumers_see_changes(void **state)
{
    (void)state;
    struct world *w = world_new(NULL);
    struct client *consumer = subscribe(w);
    struct client *c = world_open_http(w);
    ASK(c, "POST /channel/pause?topic=t&channel=c", "");
    ASK(c, "POST /pub?topic=t", "1");
    client_expect_nothing(consumer);
    ASK(c, "POST /channel/unpause?topic=t&channel=c", "");
    client_expect(consumer, "M 1 1");
    ASK(c, "POST /topic/pause?topic=t", "");
    ASK(c, "POST /pub?topic=t", "2");
    client_expect_nothing(consumer);
    ASK(c, "POST /topic/empty?topic=t", "");
    ASK(c, "POST /pub?topic=t", "3");
    ASK(c, "POST /topic/unpause?topic=t", "");
    client_expect(consumer, "M 1 3");
    ASK(c, "POST /channel/pause?topic=t&channel=c", "");
    ASK(c, "POST /pub?topic=t", "4");
    ASK(c, "POST /channel/empty?topic=t&channel=c", "");
    ASK(c, "POST /channel/unpause?topic=t&channel=c", "");
    client_expect_nothing(consumer);
    ASK(c, "POST /channel/delete?topic=t&channel=c", "");
    client_expect_closing(consumer);
    struct client *other = subscribe(w);
    ASK(c, "POST /topic/delete?topic=t", "");
    client_expect_closing(other);
    world_free(w);
}

/* --- publishes that wait ---------------------------------------------------------------------- */

static struct world *waiting_world(void)
{
    struct engine_config config = world_config();
    config.broker.wait_publishes = true;
    struct world *w = world_new(&config);
    w->answers = ANSWER_WHEN_TOLD;
    return w;
}

static void the_answer_waits_for_the_disk(void **state)
{
    (void)state;
    struct world *w = waiting_world();
    struct client *consumer = subscribe(w);
    struct client *c = world_open_http(w);
    static const char *const lines[] = {"POST /pub?topic=t", "POST /mpub?topic=t"};
    for (int i = 0; i < 2; i++) {
        ASK(c, lines[i], "x");
        ASK(c, "POST /topic/create?topic=later", ""); /* the next request waits as well */
        assert_string_equal(client_bytes(c), "");
        assert_null(broker_find_topic(&w->engine->broker, SPAN("later")));
        world_answer(w, true);
        client_expect(consumer, "M 1 x");
        assert_non_null(broker_find_topic(&w->engine->broker, SPAN("later")));
        world_answer(w, true);
        ASK(c, "POST /topic/delete?topic=later", "");
        world_answer(w, true);
        client_bytes(c);
    }
    ASK(c, "POST /mpub?topic=t&binary=1", "\0\0\0\1\0\0\0\1ytrailing");
    world_answer(w, false);
    expect_error(c, 503, "EXITING", false);
    client_expect_nothing(consumer);
    ASK(c, "POST /pub?topic=t", "gone");
    client_drop(c);
    world_answer(w, true); /* it is published all the same */
    client_expect(consumer, "M 1 gone");
    world_free(w);
}

/* Every request that changes topics or channels. */
static const char *const changes[] = {
    "POST /topic/create?topic=n",
    "POST /channel/create?topic=n&channel=c",
    "POST /topic/pause?topic=n",
    "POST /topic/unpause?topic=n",
    "POST /channel/pause?topic=n&channel=c",
    "POST /channel/unpause?topic=n&channel=c",
    "POST /channel/empty?topic=n&channel=c",
    "POST /topic/empty?topic=n",
    "POST /channel/delete?topic=n&channel=c",
    "POST /topic/delete?topic=n",
};

static void the_answer_to_a_change_waits_for_the_disk(void **state)
{
    (void)state;
    struct world *w = waiting_world();
    struct client *c = world_open_http(w);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        ASK(c, changes[i], "x");
        assert_string_equal(client_bytes(c), "");
        assert_int_equal(world_asked(w), 1);
        world_answer(w, true);
        expect_answer(c, 200, "", false);
    }
    ASK(c, "POST /topic/delete?topic=n", "");
    expect_error(c, 404, "TOPIC_NOT_FOUND", false); /* nothing is changed, so nothing waits */
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        ASK(c, changes[i], "x");
        world_answer(w, false);
        expect_error(c, 500, "INTERNAL_ERROR", false);
    }
    world_free(w);
}

static void a_change_may_lose_its_client(void **state)
{
    (void)state;
    struct world *w = waiting_world();
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct client *c = world_open_http(w);
        ASK(c, changes[i], "x");
        client_drop(c);
        world_answer(w, i % 2 == 0);
    }
    ASK(world_open_http(w), changes[0], "");
    world_free(w);
}

/* The answers of the disk come in the order of the requests, whoever has made them. */
static void changes_and_publishes_wait_in_one_order(void **state)
{
    (void)state;
    struct world *w = waiting_world();
    struct client *a = world_open_http(w);
    struct client *b = world_open_http(w);
    ASK(a, "POST /pub?topic=t", "x");
    ASK(b, "POST /topic/pause?topic=t", "");
    assert_int_equal(world_asked(w), 2);
    world_answer(w, true);
    expect_answer(a, 200, "OK", false);
    assert_string_equal(client_bytes(b), "");
    world_answer(w, true);
    expect_answer(b, 200, "", false);
    world_free(w);
}

/* Every call that waits for the disk, from a client of its own, all at the same time. */
static void all_calls_wait_at_once(void **state)
{
    (void)state;
    enum { CHANGES = sizeof changes / sizeof changes[0], MADE = 2, ALL = CHANGES + 2 };
    struct world *w = waiting_world();
    const char *calls[ALL];
    struct client *clients[ALL];
    memcpy(calls, changes, MADE * sizeof changes[0]); /* the topic and the channel are made */
    calls[MADE] = "POST /pub?topic=kept";
    calls[MADE + 1] = "POST /mpub?topic=kept";
    memcpy(calls + MADE + 2, changes + MADE, (CHANGES - MADE) * sizeof changes[0]);
    for (size_t i = 0; i < ALL; i++) {
        clients[i] = world_open_http(w);
        ASK(clients[i], calls[i], "x");
    }
    assert_int_equal(world_asked(w), ALL);
    for (size_t i = 0; i < ALL; i++) {
        for (size_t k = i; k < ALL; k++) {
            assert_string_equal(client_bytes(clients[k]), "");
        }
        world_answer(w, true);
        expect_answer(clients[i], 200, i == MADE || i == MADE + 1 ? "OK" : "", false);
    }
    world_free(w);
}

static void the_answer_waits_for_the_moves(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.broker.effort_a_call = 7;
    struct world *w = world_new(&config);
    for (int i = 0; i < 50; i++) {
        struct client *s = world_connect(w);
        client_sendf(s, "SUB t c%d\n", i);
    }
    struct client *c = world_open_http(w);
    client_post(c, SPAN("POST /mpub?topic=t HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"
                        "a\nb\nc"));
    size_t rounds = 0;
    while (!api_has_work(&w->engine->web.api) && rounds++ < 1000) {
        world_round(w);
    }
    assert_true(api_has_work(&w->engine->web.api));
    assert_string_equal(client_bytes(c), "");
    world_settle(w);
    expect_answer(c, 200, "OK", false);
    world_free(w);
}

/* --- memory, a departure ---------------------------------------------------------------------- */

static void the_budget_refuses(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.broker.mem_queue_bytes = 100000;
    struct world *w = world_new(&config);
    struct client *c = world_open_http(w);
    static uint8_t large[60000];
    memset(large, 'x', sizeof large);
    static const char *const lines[] = {"POST /pub?topic=t", "POST /mpub?topic=t"};
    for (int i = 0; i < 2; i++) {
        ask(c, lines[i], span_make(large, sizeof large));
        expect_error(c, 503, "NO_MEMORY", false);
    }
    struct buf binary = {0};
    buf_append(&binary, SPAN("\0\0\0\2\0\0\xea\x60"));
    buf_append(&binary, span_make(large, sizeof large));
    buf_append(&binary, SPAN("\0\0\xea\x60"));
    buf_append(&binary, span_make(large, sizeof large));
    ask(c, "POST /mpub?topic=t&binary=1", buf_span(&binary));
    expect_error(c, 503, "NO_MEMORY", false);
    buf_free(&binary);
    char line[100];
    int refused = 0;
    for (int i = 0; i < 100; i++) {
        snprintf(line, sizeof line, "POST /topic/create?topic=t%d", i);
        ASK(c, line, "");
        refused += strstr(client_bytes(c), "NO_MEMORY") != NULL;
    }
    assert_true(refused > 0 && refused < 100);
    ASK(c, "POST /channel/create?topic=t&channel=c", "");
    expect_error(c, 503, "NO_MEMORY", false);
    world_free(w);
}

static void tls_may_be_required(void **state)
{
    (void)state;
    struct engine_config config = world_config();
    config.http_needs_tls = true;
    config.about.https_port = 4152;
    struct world *w = world_new(&config);
    struct client *c = world_open_http(w);
    ASK(c, "POST /pub?topic=t", "x");
    expect_answer(c, 403, "{\"message\": \"TLS_REQUIRED\", \"https_port\": 4152}", false);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_and_channels_are_changed),
        cmocka_unit_test(ping_and_info_answer),
        cmocka_unit_test(pub_publishes),
        cmocka_unit_test(mpub_publishes),
        cmocka_unit_test(bodies_have_limits),
        cmocka_unit_test(limits_may_be_negative),
        cmocka_unit_test(a_long_body_needs_memory_at_every_cut),
        cmocka_unit_test(the_rest_of_a_refused_body_is_unread_at_every_cut),
        cmocka_unit_test(bodies_that_break_are_not_published),
        cmocka_unit_test(consumers_see_changes),
        cmocka_unit_test(the_answer_waits_for_the_disk),
        cmocka_unit_test(the_answer_to_a_change_waits_for_the_disk),
        cmocka_unit_test(a_change_may_lose_its_client),
        cmocka_unit_test(all_calls_wait_at_once),
        cmocka_unit_test(changes_and_publishes_wait_in_one_order),
        cmocka_unit_test(the_answer_waits_for_the_moves),
        cmocka_unit_test(the_budget_refuses),
        cmocka_unit_test(tls_may_be_required),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
