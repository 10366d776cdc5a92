/* SPDX-License-Identifier: MIT */
/*
 * Tests of http_server: requests, answers, framing, connections, deadlines. ci/differential
 * compares these rules with upstream's nsqd 1.3.0 itself.
 */
#include "http/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "codec/snappy.h"
#include "http/http_reader.h"
#include "support/http_desk.h"

#define D HTTP_DESK_DATE
#define PLAIN "Content-Type: text/plain; charset=utf-8\r\n"
#define OK "HTTP/1.1 200 OK\r\n" D "Content-Length: 2\r\n" PLAIN "\r\nOK"
#define EMPTY "HTTP/1.1 200 OK\r\n" D "Content-Length: 0\r\n\r\n"
#define TEXT(n, text) "HTTP/1.1 200 OK\r\n" D "Content-Length: " n "\r\n" PLAIN "\r\n" text
#define JSON "Content-Type: json\r\nX-Kind: m\r\n"
#define NOT_FOUND                                                                                  \
    "HTTP/1.1 404 Not Found\r\n" JSON D "Content-Length: 23\r\n\r\n{\"message\":\"NOT_FOUND\"}"
#define NOT_ALLOWED(allow)                                                                         \
    "HTTP/1.1 405 Method Not Allowed\r\nAllow: " allow "\r\n" JSON D                               \
    "Content-Length: 32\r\n\r\n{\"message\":\"METHOD_NOT_ALLOWED\"}"
#define REFUSED(text)                                                                              \
    "HTTP/1.1 " text                                                                               \
    "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" text "<"
#define BAD REFUSED("400 Bad Request")
#define BROKEN                                                                                     \
    "HTTP/1.1 500 Internal Server Error\r\n" JSON D                                                \
    "Content-Length: 20\r\nConnection: close\r\n\r\n{\"message\":\"BROKEN\"}<"
#define GET(target) "GET " target " HTTP/1.1\r\nHost: h\r\n\r\n"
#define WITH(line, header) line " HTTP/1.1\r\nHost: h\r\n" header "\r\n\r\n"
#define CHUNKED(target) WITH("POST " target, "Transfer-Encoding: chunked")

#define CASE(rule_, in_, out_)                                                                     \
    {                                                                                              \
        .rule = (rule_), .in = SPAN_LITERAL(in_), .out = SPAN_LITERAL(out_)                        \
    }
#define CASE_EOF(rule_, in_, out_)                                                                 \
    {                                                                                              \
        .rule = (rule_), .in = SPAN_LITERAL(in_), .out = SPAN_LITERAL(out_), .eof = true           \
    }

static void check_all(const struct http_desk_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        http_desk_check(&cases[i]);
    }
}
#define CHECK(cases) check_all((cases), sizeof(cases) / sizeof(cases)[0])

static void expect_begins(const struct http_desk *d, struct span expected)
{
    assert_true(d->heard.n >= expected.n);
    assert_memory_equal(buf_span(&d->heard).p, expected.p, expected.n);
}

static void requests_are_answered_in_order(void **state)
{
    (void)state;
    static const struct http_desk_case cases[] = {
        CASE("one request", GET("/ping"), OK),
        CASE("two requests", GET("/ping") GET("/ping"), OK OK),
        CASE("lost otherwise: a CR LF behind a body",
             WITH("POST /echo", "Content-Length: 2") "hi\r\n\r\n" GET("/ping"), TEXT("2", "hi") OK),
        CASE("only four bytes", WITH("POST /skip", "Content-Length: 0") "\r\n\r\n\r\n" GET("/ping"),
             EMPTY BAD),
        CASE("only behind a POST", GET("/ping") "\r\n" GET("/ping"), OK BAD),
        CASE("a body is not a request",
             WITH("POST /echo", "Content-Length: 5") "GET /" GET("/ping"), TEXT("5", "GET /") OK),
        CASE("a body that is not read", WITH("GET /ping", "Content-Length: 3") "abc" GET("/ping"),
             OK OK),
        CASE("a body that is skipped", WITH("POST /skip", "Content-Length: 3") "abc" GET("/ping"),
             EMPTY OK),
        CASE("a method in lower case", WITH("get /ping", "A: b"), BAD),
        CASE("Upgrade is ignored",
             WITH("GET /ping", "Connection: upgrade\r\nUpgrade: x") GET("/ping"), OK OK),
        CASE("CONNECT has no path", WITH("CONNECT a:80", "A: b"), NOT_FOUND),
        CASE_EOF("the answer comes after the end too", GET("/ping"), OK "<"),
    };
    CHECK(cases);
}

static void the_head_is_checked(void **state)
{
    (void)state;
    static const struct http_desk_case cases[] = {
        CASE("two spaces", "GET  /ping HTTP/1.1\r\nHost: h\r\n\r\n", BAD),
        CASE("a leading CR LF", "\r\n" GET("/ping"), BAD),
        CASE("an empty name", WITH("GET /ping", ": x"), BAD),
        CASE("a bare LF", "GET /ping HTTP/1.1\nHost: h\r\n\r\n", BAD),
        CASE("a CR in a line", WITH("GET /ping", "A: b\rC: d"), BAD),
        CASE("a NUL in a value", "GET /ping HTTP/1.1\r\nHost: h\r\nA: \0\r\n\r\n", BAD),
        CASE("a folded line", WITH("GET /ping", "A: b\r\n c: d"), BAD),
        CASE("no colon", WITH("GET /ping", "abc"), BAD),
        CASE("a bad byte in a name", WITH("GET /ping", "a(: b"), BAD),
        CASE("a space in a name", WITH("GET /ping", "a : b"),
             REFUSED("400 Bad Request: invalid header name")),
        CASE("no method", " /ping HTTP/1.1\r\n", BAD),
        CASE("no target", "GET HTTP/1.1\r\n", BAD),
        CASE("no version", "GET /ping\r\n", BAD),
        CASE("a control byte in a target", "GET /\x01 HTTP/1.1\r\n", BAD),
        CASE("a bad escape in a path", "GET /%zz HTTP/1.1\r\n", BAD),
        CASE("a relative path", "GET ping HTTP/1.1\r\n", BAD),
        CASE("HTTP/1.2", "GET /ping HTTP/1.2\r\nHost: h\r\n\r\n", BAD),
        CASE("HTTP/0.9", "GET /ping HTTP/0.9\r\n\r\n",
             REFUSED("505 HTTP Version Not Supported: unsupported protocol version")),
        CASE("HTTP/2.0", "GET /ping HTTP/2.0\r\nHost: h\r\n\r\n",
             REFUSED("505 HTTP Version Not Supported: unsupported protocol version")),
        CASE("HTTPS/1.1", "GET /ping HTTPS/1.1\r\n", BAD),
        CASE("no Host", "GET /ping HTTP/1.1\r\n\r\n",
             REFUSED("400 Bad Request: missing required Host header")),
        CASE("two Hosts", WITH("GET /ping", "Host: h"), BAD),
        CASE("a bad Host", "GET /ping HTTP/1.1\r\nHost: a b\r\n\r\n",
             REFUSED("400 Bad Request: malformed Host header")),
        CASE("another expectation", WITH("GET /ping", "Expect: x"),
             "HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\n" D
             "Content-Length: 0\r\n\r\n<"),
        CASE_EOF("the end inside a head", "GET /ping HTTP/1.1\r\nHost", BAD),
        CASE_EOF("the end at once", "", "<"),
        CASE_EOF("few bytes of the next request", GET("/ping") "GET", OK "<"),
    };
    CHECK(cases);
}

static void no_request_has_two_framings(void **state)
{
    (void)state;
    static const struct http_desk_case cases[] = {
        CASE("length and encoding",
             WITH("POST /echo",
                  "Content-Length: 5\r\nTransfer-Encoding: chunked") "0\r\n\r\n" GET("/ping"),
             BAD),
        CASE("encoding and length",
             WITH("POST /echo",
                  "Transfer-Encoding: chunked\r\nContent-Length: 5") "0\r\n\r\n" GET("/ping"),
             BAD),
        CASE("different lengths", WITH("POST /echo", "Content-Length: 1\r\nContent-Length: 2") "ab",
             BAD),
        CASE("equal lengths", WITH("POST /echo", "Content-Length: 1\r\nContent-Length: 1") "a",
             BAD),
        CASE("two encodings",
             WITH("POST /echo", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
             REFUSED("501 Not Implemented")),
        CASE("an encoding of HTTP/1.0",
             "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BAD),
        CASE("a sign", WITH("POST /echo", "Content-Length: +5"), BAD),
        CASE("no number", WITH("POST /echo", "Content-Length: 5x"), BAD),
        CASE("an empty number", WITH("POST /echo", "Content-Length:"), BAD),
        CASE("a number of 64 bits", WITH("POST /echo", "Content-Length: 9223372036854775808"), BAD),
        CASE("a size without digits", CHUNKED("/echo") "\r\n", BROKEN),
        CASE("a bad size", CHUNKED("/echo") "zz\r\n", BROKEN),
        CASE("a size of 17 digits", CHUNKED("/echo") "00000000000000001\r\n", BROKEN),
        CASE("a bare LF", CHUNKED("/echo") "1\na\r\n", BROKEN),
        CASE("a bare LF behind data", CHUNKED("/echo") "1\r\na\n", BROKEN),
        CASE("a chunk that is too long", CHUNKED("/echo") "1\r\nab\r\n", BROKEN),
        CASE("a bad extension", CHUNKED("/echo") "1;\x01\r\n", BROKEN),
        CASE("a bad trailer", CHUNKED("/echo") "0\r\n x\r\n", BROKEN),
        CASE("a bare CR in a trailer", CHUNKED("/echo") "0\r\na: b\rc\r\n", BROKEN),
    };
    struct http_desk_case fixed[sizeof cases / sizeof cases[0]];
    memcpy(fixed, cases, sizeof cases);
    fixed[4].out =
        SPAN("HTTP/1.1 501 Not Implemented\r\nContent-Type: text/plain; charset=utf-8\r\n"
             "Connection: close\r\n\r\nUnsupported transfer encoding<");
    CHECK(fixed);
}

static void chunked_bodies_are_read(void **state)
{
    (void)state;
    static const struct http_desk_case cases[] = {
        CASE("two chunks", CHUNKED("/echo") "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n" GET("/ping"),
             TEXT("13", "abc0123456789") OK),
        CASE("extensions and trailers",
             CHUNKED("/echo") "1\r\na\r\n1;x=y\r\nb\r\n0\r\nA: b\r\nC: d\r\n\r\n" GET("/ping"),
             TEXT("2", "ab") OK),
        CASE("an empty body", CHUNKED("/skip") "0\r\n\r\n" GET("/ping"), EMPTY OK),
        CASE("an answer before the end",
             CHUNKED("/echo") "1\r\n!\r\n2\r\nab\r\n0\r\n\r\n" GET("/ping"),
             "HTTP/1.1 413 Request Entity Too Large\r\n" JSON D
             "Content-Length: 22\r\n\r\n{\"message\":\"TOO_LOUD\"}" OK),
        CASE("an answer before the end, and the rest is not read",
             WITH("POST /echo", "Content-Length: 3\r\nExpect: 100-continue") "a!b" GET("/ping"),
             "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Request Entity Too Large\r\n" JSON D
             "Content-Length: 22\r\nConnection: close\r\n\r\n{\"message\":\"TOO_LOUD\"}<"),
        CASE("an answer, and then a broken body", CHUNKED("/echo") "1\r\n!\r\nx",
             "HTTP/1.1 413 Request Entity Too Large\r\n" JSON D
             "Content-Length: 22\r\nConnection: close\r\n\r\n{\"message\":\"TOO_LOUD\"}<"),
        CASE_EOF("the end inside a chunk", CHUNKED("/echo") "5\r\nab", BROKEN),
        CASE_EOF("the end inside a body", WITH("POST /echo", "Content-Length: 5") "ab",
                 "HTTP/1.1 500 Internal Server Error\r\n" JSON D
                 "Content-Length: 20\r\n\r\n{\"message\":\"BROKEN\"}<"),
        CASE_EOF("the end inside a body that is skipped",
                 WITH("POST /skip", "Content-Length: 5") "ab",
                 "HTTP/1.1 400 Bad Request\r\n" D "Content-Length: 0\r\n\r\n<"),
        CASE("a trailer without a name", CHUNKED("/echo") "0\r\n: b\r\n\r\n", BROKEN),
        CASE_EOF(
            "the end inside a body that is not read", WITH("GET /ping", "Content-Length: 5") "ab",
            "HTTP/1.1 200 OK\r\n" D "Content-Length: 2\r\n" PLAIN "Connection: close\r\n\r\nOK<"),
    };
    CHECK(cases);
}

static void connections_are_kept_or_closed(void **state)
{
    (void)state;
    static const struct http_desk_case cases[] = {
        CASE("close", WITH("GET /ping", "Connection: x, Close") GET("/ping"),
             "HTTP/1.1 200 OK\r\n" D "Content-Length: 2\r\n" PLAIN "Connection: close\r\n\r\nOK<"),
        CASE("HTTP/1.0", "GET /ping HTTP/1.0\r\n\r\n",
             "HTTP/1.0 200 OK\r\n" D "Content-Length: 2\r\n" PLAIN "\r\nOK<"),
        CASE("HTTP/1.0 with keep-alive",
             "GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" GET("/ping"),
             "HTTP/1.0 200 OK\r\n" D "Content-Length: 2\r\n" PLAIN
             "Connection: keep-alive\r\n\r\nOK" OK),
        CASE("HTTP/1.0 with keep-alive and close",
             "GET /ping HTTP/1.0\r\nConnection: x keep-alive\r\nConnection: close\r\n\r\n" GET(
                 "/ping"),
             "HTTP/1.0 200 OK\r\n" D "Content-Length: 2\r\n" PLAIN
             "Connection: keep-alive\r\n\r\nOK" OK),
        CASE("HTTP/1.0 with keep-alive in the second header",
             "GET /ping HTTP/1.0\r\nConnection: x\r\nConnection: keep-alive\r\n\r\n" GET("/ping"),
             "HTTP/1.0 200 OK\r\n" D "Content-Length: 2\r\n" PLAIN "\r\nOK<"),
        CASE("words between blanks", WITH("GET /ping", "Connection: x close") GET("/ping"),
             "HTTP/1.1 200 OK\r\n" D "Content-Length: 2\r\n" PLAIN "Connection: close\r\n\r\nOK<"),
        CASE("no words between blanks in the second header",
             WITH("GET /ping", "Connection: x\r\nConnection: y close") GET("/ping"), OK OK),
        CASE("100-continue",
             WITH("POST /echo", "Expect: 100-continue\r\nContent-Length: 2") "hi" GET("/ping"),
             "HTTP/1.1 100 Continue\r\n\r\n" TEXT("2", "hi") OK),
        CASE("100-continue without a body", WITH("POST /skip", "Expect: 100-continue") GET("/ping"),
             EMPTY OK),
        CASE("100-continue of HTTP/1.0",
             "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
             "HTTP/1.0 200 OK\r\n" D "Content-Length: 2\r\n" PLAIN "\r\nhi<"),
        CASE("100-continue, answered early",
             WITH("GET /ping", "Expect: 100-continue\r\nContent-Length: 2") "hi",
             "HTTP/1.1 200 OK\r\n" D "Content-Length: 2\r\n" PLAIN "Connection: close\r\n\r\nOK<"),
        CASE("a body that is too long to discard", WITH("GET /ping", "Content-Length: 262144"),
             "HTTP/1.1 200 OK\r\n" D "Content-Length: 2\r\n" PLAIN "Connection: close\r\n\r\nOK<"),
    };
    CHECK(cases);
}

static void routes_are_found_as_by_httprouter(void **state)
{
    (void)state;
    static const struct http_desk_case cases[] = {
        CASE("not found", GET("/x"), NOT_FOUND),
        CASE("another method", WITH("POST /ping", "A: b"), NOT_ALLOWED("GET, OPTIONS")),
        CASE("several methods", WITH("POST /param/x", "A: b"), NOT_ALLOWED("GET, OPTIONS, PUT")),
        CASE("HEAD", WITH("HEAD /ping", "A: b"),
             "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, OPTIONS\r\n" JSON D
             "Content-Length: 32\r\n\r\n"),
        CASE("OPTIONS", WITH("OPTIONS /ping", "A: b"),
             "HTTP/1.1 200 OK\r\nAllow: GET, OPTIONS\r\n" D "Content-Length: 0\r\n\r\n"),
        CASE("OPTIONS of nothing", WITH("OPTIONS /x", "A: b"), NOT_FOUND),
        CASE("OPTIONS *", WITH("OPTIONS *", "A: b"),
             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" D "\r\n"),
        CASE("GET *", WITH("GET *", "A: b"), NOT_ALLOWED("GET, OPTIONS, POST, PUT")),
        CASE("a parameter", GET("/param/a%2Bb"), TEXT("3", "a+b")),
        CASE("a slash too many", GET("/ping/?a=b"),
             "HTTP/1.1 301 Moved Permanently\r\nContent-Type: text/html; charset=utf-8\r\n"
             "Location: /ping?a=b\r\n" D
             "Content-Length: 44\r\n\r\n<a href=\"/ping?a=b\">Moved Permanently</a>.\n\n"),
        CASE("the wrong case", WITH("PUT /PARAM/A%25", "A: b"),
             "HTTP/1.1 307 Temporary Redirect\r\nLocation: /param/A%25\r\n" D
             "Content-Length: 0\r\n\r\n"),
        CASE("an absolute target", GET("http://h/PING"),
             "HTTP/1.1 301 Moved Permanently\r\nContent-Type: text/html; charset=utf-8\r\n"
             "Location: http://h/ping\r\n" D
             "Content-Length: 48\r\n\r\n<a href=\"http://h/ping\">Moved Permanently</a>.\n\n"),
    };
    CHECK(cases);
}

/* --- calls that wait -------------------------------------------------------------------------- */

static void the_next_request_waits_for_the_answer(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    http_desk_send(d, SPAN(GET("/later") GET("/ping")));
    DESK_EXPECT(d, "");
    http_desk_advance(d, 20 * TIME_MINUTE); /* the client is not late */
    d->now -= 20 * TIME_MINUTE;
    http_desk_answer(d, SPAN("now"));
    DESK_EXPECT(d, TEXT("3", "now") OK);
    http_desk_end(d);
}

static void a_body_that_is_not_needed_is_discarded(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    http_desk_send(d, SPAN(WITH("POST /later", "Content-Length: 6") "abc"));
    http_desk_send(d, SPAN("def" GET("/ping")));
    http_desk_answer(d, SPAN("now"));
    DESK_EXPECT(d, TEXT("3", "now") OK);
    http_desk_send(d, SPAN(WITH("POST /later", "Content-Length: 6") "abc"));
    http_desk_eof(d);
    http_desk_answer(d, SPAN("now"));
    DESK_EXPECT(d, "HTTP/1.1 200 OK\r\n" D "Content-Length: 3\r\n" PLAIN
                   "Connection: close\r\n\r\nnow<");
    http_desk_end(d);
}

/* Otherwise a client that does not send the rest would keep its connection for ever. */
static void a_body_that_is_discarded_has_a_deadline(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    http_desk_send(d, SPAN(WITH("POST /later", "Content-Length: 6") "abc"));
    http_desk_advance(d, 2 * HTTP_BODY_NS); /* the client is not late */
    http_desk_answer(d, SPAN("now"));
    http_desk_advance(d, HTTP_BODY_NS - 1);
    DESK_EXPECT(d, "");
    http_desk_advance(d, 1);
    assert_true(d->shut);
    expect_begins(d, SPAN("HTTP/1.1 200 OK\r\n"));
    http_desk_end(d);
}

static void a_call_ends_with_its_connection(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    http_desk_send(d, SPAN(GET("/later")));
    http_desk_lose(d);
    assert_null(d->held);
    http_desk_open(d);
    http_desk_send(d, SPAN(WITH("POST /echo", "Content-Length: 6") "abc"));
    assert_int_equal(d->states, 1);
    http_desk_lose(d);
    http_desk_end(d);
}

static void a_long_chunked_body_is_discarded_to_a_limit(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    static uint8_t zeros[HTTP_DISCARD_MAX];
    http_desk_send(d, SPAN(WITH("GET /ping", "Transfer-Encoding: chunked") "40000\r\n"));
    http_desk_send(d, span_make(zeros, sizeof zeros));
    DESK_EXPECT(d, "");
    http_desk_send(d, SPAN("\r\n1\r\nx"));
    DESK_EXPECT(d, "HTTP/1.1 200 OK\r\n" D "Content-Length: 2\r\n" PLAIN
                   "Connection: close\r\n\r\nOK<");
    http_desk_end(d);
}

/* --- limits ----------------------------------------------------------------------------------- */

static void a_head_has_a_limit(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    static uint8_t many[HTTP_HEAD_MAX];
    memset(many, 'a', sizeof many);
    http_desk_send(d, SPAN("GET /"));
    http_desk_send(d, span_make(many, sizeof many - 5));
    assert_true(d->budget.held >= HTTP_HEAD_MAX);
    DESK_EXPECT(d, "");
    http_desk_send(d, SPAN("a"));
    DESK_EXPECT(d, REFUSED("431 Request Header Fields Too Large"));
    http_desk_end(d);
}

static void a_head_has_a_smaller_limit_past_the_share(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    static uint8_t many[HTTP_HEAD_LITTLE];
    memset(many, 'a', sizeof many);
    http_desk_send(d, SPAN("GET /"));
    http_desk_send(d, span_make(many, sizeof many - 5));
    d->budget.cap = BUDGET_HELD_PART * (HTTP_HEAD_LITTLE - 1); /* now the share is passed */
    DESK_EXPECT(d, "");
    http_desk_send(d, SPAN("a"));
    DESK_EXPECT(d, REFUSED("431 Request Header Fields Too Large"));
    http_desk_open(d);
    http_desk_send(d, SPAN(GET("/ping")));
    DESK_EXPECT(d, OK);
    http_desk_end(d);
}

static void chunk_lines_have_limits(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    static uint8_t many[HTTP_CHUNK_LINE_MAX];
    memset(many, 'a', sizeof many);
    http_desk_send(d, SPAN(CHUNKED("/echo") "1;"));
    http_desk_send(d, span_make(many, sizeof many));
    DESK_EXPECT(d, BROKEN);
    http_desk_open(d);
    http_desk_send(d, SPAN(CHUNKED("/echo")));
    for (int i = 0; i < 5; i++) { /* together they have too little data */
        http_desk_send(d, SPAN("1;"));
        http_desk_send(d, span_make(many, sizeof many - 10));
        http_desk_send(d, SPAN("\r\na\r\n"));
    }
    DESK_EXPECT(d, BROKEN);
    http_desk_open(d);
    http_desk_send(d, SPAN(CHUNKED("/echo") "0\r\na"));
    http_desk_send(d, span_make(many, sizeof many));
    DESK_EXPECT(d, BROKEN);
    http_desk_end(d);
}

static void slow_senders_have_deadlines(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    http_desk_advance(d, HTTP_IDLE_NS - 1);
    assert_false(d->shut);
    http_desk_advance(d, 1);
    DESK_EXPECT(d, "<"); /* without a request */
    http_desk_open(d);
    http_desk_send(d, SPAN("GET /ping HTTP/1.1\r\n"));
    for (int i = 0; i < 11; i++) {
        http_desk_advance(d, HTTP_HEAD_NS / 12);
        http_desk_send(d, SPAN("A: b\r\n"));
    }
    assert_false(d->shut);
    http_desk_advance(d, HTTP_HEAD_NS / 12);
    DESK_EXPECT(d, "<"); /* in a head */
    http_desk_end(d);
}

static void slow_bodies_have_deadlines(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    static uint8_t zeros[HTTP_BODY_A_SECOND];
    http_desk_send(d, SPAN(WITH("POST /echo", "Content-Length: 100000")));
    http_desk_send(d, span_make(zeros, sizeof zeros));
    http_desk_advance(d, HTTP_BODY_NS);
    assert_false(d->shut);
    http_desk_advance(d, TIME_SECOND);
    assert_true(d->shut);
    expect_begins(d, SPAN("HTTP/1.1 500 "));
    buf_free(&d->heard);
    http_desk_open(d);
    http_desk_send(d, SPAN(WITH("GET /ping", "Content-Length: 2")));
    http_desk_advance(d, HTTP_BODY_NS);
    assert_true(d->shut);
    expect_begins(d, SPAN("HTTP/1.1 200 "));
    http_desk_end(d);
}

/* Returns whether the server wants to close this connection. If so, closes it. */
static bool closes(struct http_desk *d, uint64_t conn)
{
    bool wanted = (d->handler.want(d->handler.self, conn) & WANT_CLOSE) != 0;
    if (wanted) {
        d->handler.closed(d->handler.self, conn, CLOSED_AS_WANTED, d->now);
    }
    return wanted;
}

/* Otherwise HTTP clients that do nothing could keep all other clients out. */
static void the_connection_that_is_idle_longest_gives_its_place(void **state)
{
    (void)state;
    struct http_slots slots;
    http_slots_init(&slots, 8);
    assert_int_equal(slots.most, 7); /* an eighth is for others */
    struct http_desk *d = http_desk_begin(0);
    d->slots.most = 2;
    uint64_t first = d->conn;
    http_desk_open(d);
    uint64_t second = d->conn;
    d->conn = first;
    http_desk_send(d, SPAN(GET("/ping"))); /* now the second has waited longest */
    DESK_EXPECT(d, OK);
    http_desk_open(d);
    assert_false(closes(d, first));
    assert_true(closes(d, second));
    uint64_t third = d->conn;
    http_desk_send(d, SPAN("GET /"));
    d->conn = first;
    http_desk_send(d, SPAN(GET("/later")));
    http_desk_open(d); /* nobody is idle */
    http_desk_settle(d);
    DESK_EXPECT(d, "<");
    assert_false(closes(d, first));
    assert_false(closes(d, third));
    assert_int_equal(d->slots.count, 2);
    http_desk_end(d);
}

/* Otherwise idle clients of one port could keep the clients of the other port out. */
static void http_and_https_share_their_places(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    d->slots.most = 2;
    uint64_t first = d->conn;
    http_desk_open(d);
    uint64_t second = d->conn;
    http_desk_open_other(d);
    uint64_t third = d->conn;
    assert_true(closes(d, first));
    assert_false(closes(d, second));
    d->conn = second;
    http_desk_send(d, SPAN(GET("/ping"))); /* now the third has waited longest */
    DESK_EXPECT(d, OK);
    http_desk_open(d);
    assert_true(closes(d, third));
    assert_false(closes(d, second));
    http_desk_send(d, SPAN("GET /"));
    d->conn = second;
    http_desk_send(d, SPAN("GET /"));
    http_desk_open_other(d); /* nobody is idle at either port */
    http_desk_settle(d);
    DESK_EXPECT(d, "<");
    assert_false(closes(d, second));
    assert_int_equal(d->slots.count, 2);
    http_desk_end(d);
}

/* Go's server skips line ends after a POST. They do not begin a request. */
static void line_ends_do_not_keep_a_place(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    d->slots.most = 1;
    uint64_t first = d->conn;
    http_desk_send(d, SPAN(WITH("POST /skip", "Content-Length: 0") "\r\n\r"));
    expect_begins(d, SPAN("HTTP/1.1 200 OK\r\n"));
    http_desk_open(d);
    assert_true(closes(d, first));
    http_desk_end(d);
}

static void line_ends_do_not_make_more_time(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    http_desk_send(d, SPAN(WITH("POST /skip", "Content-Length: 0")));
    buf_drop(&d->heard, d->heard.n);
    for (int i = 0; i < HTTP_LINE_ENDS_SKIPPED; i++) {
        http_desk_advance(d, HTTP_IDLE_NS / (HTTP_LINE_ENDS_SKIPPED + 1));
        http_desk_send(d, SPAN("\n"));
    }
    http_desk_advance(d, HTTP_IDLE_NS / (HTTP_LINE_ENDS_SKIPPED + 1) - 1);
    assert_false(d->shut);
    http_desk_advance(d, 1);
    DESK_EXPECT(d, "<");
    http_desk_end(d);
}

static struct codec make_codec(void *self)
{
    (void)self;
    return snappy_codec();
}

static void codecs_may_use_a_part_of_the_memory(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    http_desk_lose(d);
    d->budget.cap = 8000;
    d->server.config.tls = (struct codec_maker){.make = make_codec, .cost = 500};
    http_desk_open(d);
    uint64_t first = d->conn;
    http_desk_open(d);
    assert_false(closes(d, first));
    http_desk_open(d);
    assert_true(closes(d, first));
    http_desk_end(d);
}

/* To close a connection without codecs would give no memory for codecs. */
static void a_connection_without_codecs_keeps_its_place(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    uint64_t plain = d->conn;
    d->budget.cap = 8000;
    d->other.config.tls = (struct codec_maker){.make = make_codec, .cost = 500};
    http_desk_open_other(d);
    uint64_t first = d->conn;
    http_desk_open_other(d);
    http_desk_open_other(d);
    assert_false(closes(d, plain));
    assert_true(closes(d, first));
    http_desk_end(d);
}

/* --- streams ---------------------------------------------------------------------------------- */

static size_t count(const struct http_desk *d, uint8_t byte)
{
    size_t n = 0;
    for (size_t i = 0; i < d->heard.n; i++) {
        n += buf_span(&d->heard).p[i] == byte;
    }
    return n;
}

static void expect_ends(const struct http_desk *d, struct span expected)
{
    assert_true(d->heard.n >= expected.n);
    assert_memory_equal(buf_span(&d->heard).p + d->heard.n - expected.n, expected.p, expected.n);
}

static void short_streams_have_a_length(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    http_desk_send(d, SPAN(GET("/stream?0") GET("/stream?3") GET("/ping")));
    DESK_EXPECT(d,
                "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\n" D "Content-Length: 0\r\n\r\n"
                "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\n" D "Content-Length: 3\r\n\r\nxxx" OK);
    http_desk_send(d, SPAN(GET("/stream?65536")));
    expect_begins(
        d, SPAN("HTTP/1.1 200 OK\r\nContent-Type: text/x\r\n" D "Content-Length: 65536\r\n\r\nxx"));
    http_desk_end(d);
}

/* Otherwise each of many clients that do not read could make the server keep a long piece. */
static void streams_keep_little_past_the_share(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    d->stalled = true;
    d->budget.cap = 0; /* whatever is held, the share is passed */
    http_desk_send(d, SPAN(GET("/stream?1000000")));
    assert_int_equal(d->streams, 1);
    assert_true(d->budget.held < 8 * HTTP_PIECE_LITTLE);
    d->stalled = false;
    http_desk_wake(d);
    assert_int_equal(d->streams, 0);
    expect_ends(d, SPAN("x\r\n0\r\n\r\n"));
    http_desk_end(d);
}

static void long_streams_are_chunked(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    http_desk_send(d, SPAN(GET("/stream?200000") GET("/ping")));
    expect_begins(d, SPAN("HTTP/1.1 200 OK\r\nContent-Type: text/x\r\n" D
                          "Transfer-Encoding: chunked\r\n\r\n11170\r\nxxx")); /* 10 pieces */
    expect_ends(d, SPAN("x\r\n0\r\n\r\n" OK));
    assert_int_equal(count(d, 'x'), 200000 + 3); /* "text/x", "text/plain" */
    buf_free(&d->heard);
    http_desk_send(d, SPAN("GET /stream?100000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    expect_begins(d, SPAN("HTTP/1.0 200 OK\r\nContent-Type: text/x\r\n" D "\r\nxxx"));
    assert_int_equal(count(d, 'x'), 100000 + 2);
    assert_true(d->shut);
    http_desk_end(d);
}

static void a_stream_waits_for_its_client(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    d->stalled = true;
    http_desk_send(d, SPAN(GET("/stream?10000000") GET("/ping")));
    assert_int_equal(d->streams, 1);
    assert_true(conn_unsent(d->serve.slots[0].conn) < HTTP_DESK_HIGH_WATER + 20000);
    assert_false(http_server_has_work(&d->server));
    d->stalled = false;
    http_desk_wake(d);
    assert_int_equal(d->streams, 0);
    expect_ends(d, SPAN("x\r\n0\r\n\r\n" OK));
    buf_free(&d->heard);
    d->stalled = true;
    http_desk_send(d, SPAN(GET("/stream?10000000")));
    http_desk_lose(d);
    assert_int_equal(d->streams, 0);
    http_desk_end(d);
}

/* The client must see that something is missing: the last chunk, or the whole answer. */
static void a_stream_that_fails_ends_the_connection(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    d->stalled = true;
    http_desk_send(d, SPAN(GET("/stream?10000000") GET("/ping")));
    d->streams_fail = true;
    d->stalled = false;
    http_desk_wake(d);
    assert_int_equal(d->streams, 0);
    assert_true(d->shut);
    expect_ends(d, SPAN("xxx\r\n")); /* of a chunk; there is no answer to /ping */
    http_desk_end(d);

    d = http_desk_begin(0);
    d->streams_fail = true;
    http_desk_send(d, SPAN(GET("/stream?10")));
    assert_int_equal(d->heard.n, 0);
    assert_true(d->shut);
    http_desk_end(d);
}

/* --- the rest --------------------------------------------------------------------------------- */

static void answers_are_logged(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    http_desk_send(d, SPAN(GET("/ping?a=b")));
    http_desk_send(d, SPAN(GET("/param/x")));
    /* not for /param */
    assert_true(span_equal(buf_span(&d->logged), SPAN("200 GET /ping?a=b peer:1; ")));
    http_desk_end(d);
}

static void everything_may_be_refused(void **state)
{
    (void)state;
    struct http_desk *d = http_desk_begin(0);
    static const struct http_answer refusal = {.status = 403, .body = SPAN_LITERAL("no")};
    d->server.config.refusal = &refusal;
    http_desk_send(d, SPAN(GET("/x") WITH("HEAD /ping", "A: b")));
    DESK_EXPECT(d, "HTTP/1.1 403 Forbidden\r\n" D "Content-Length: 2\r\n\r\nno"
                   "HTTP/1.1 403 Forbidden\r\n" D "Content-Length: 2\r\n\r\n");
    http_desk_end(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered_in_order),
        cmocka_unit_test(the_head_is_checked),
        cmocka_unit_test(no_request_has_two_framings),
        cmocka_unit_test(chunked_bodies_are_read),
        cmocka_unit_test(connections_are_kept_or_closed),
        cmocka_unit_test(routes_are_found_as_by_httprouter),
        cmocka_unit_test(the_next_request_waits_for_the_answer),
        cmocka_unit_test(a_body_that_is_not_needed_is_discarded),
        cmocka_unit_test(a_body_that_is_discarded_has_a_deadline),
        cmocka_unit_test(a_call_ends_with_its_connection),
        cmocka_unit_test(a_long_chunked_body_is_discarded_to_a_limit),
        cmocka_unit_test(a_head_has_a_limit),
        cmocka_unit_test(a_head_has_a_smaller_limit_past_the_share),
        cmocka_unit_test(chunk_lines_have_limits),
        cmocka_unit_test(slow_senders_have_deadlines),
        cmocka_unit_test(slow_bodies_have_deadlines),
        cmocka_unit_test(the_connection_that_is_idle_longest_gives_its_place),
        cmocka_unit_test(http_and_https_share_their_places),
        cmocka_unit_test(line_ends_do_not_keep_a_place),
        cmocka_unit_test(line_ends_do_not_make_more_time),
        cmocka_unit_test(codecs_may_use_a_part_of_the_memory),
        cmocka_unit_test(a_connection_without_codecs_keeps_its_place),
        cmocka_unit_test(short_streams_have_a_length),
        cmocka_unit_test(long_streams_are_chunked),
        cmocka_unit_test(streams_keep_little_past_the_share),
        cmocka_unit_test(a_stream_waits_for_its_client),
        cmocka_unit_test(a_stream_that_fails_ends_the_connection),
        cmocka_unit_test(answers_are_logged),
        cmocka_unit_test(everything_may_be_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
