/* SPDX-License-Identifier: MIT */
/*
 * Tests of http_reader with http_head and http_chunks: the pieces of a request, and where it ends.
 * test_http_server.c has the requests that are refused.
 */
#include "http/http_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct http_limits usual = HTTP_LIMITS_USUAL;

#define HEAD "POST /a?b HTTP/1.1\r\nHost: h\r\n"

static void expect_head(struct http_reader *r, struct span in, enum http_reader_state state)
{
    assert_int_equal(http_reader_head(r, in), in.n);
    assert_int_equal(r->state, state);
}

static void expect_body(struct http_reader *r, struct span in, size_t used, struct span data)
{
    struct span found;
    assert_int_equal(http_reader_body(r, in, &found), used);
    assert_true(span_equal(found, data));
}

static void a_request_has_parts(void **state)
{
    (void)state;
    struct http_reader r;
    http_reader_init(&r, &usual);
    assert_false(http_reader_has_begun(&r));
    expect_head(&r, SPAN(HEAD "Content-Length: 5\r\n"), HTTP_READER_HEAD);
    assert_true(http_reader_has_begun(&r));
    assert_int_equal(http_reader_head(&r, SPAN("\r\nabc")), 2);
    assert_int_equal(r.state, HTTP_READER_BODY);
    assert_true(span_equal(http_reader_method(&r), SPAN("POST")));
    assert_true(span_equal(http_reader_target(&r), SPAN("/a?b")));
    assert_true(span_equal(r.target.query, SPAN("b")));
    assert_int_equal(http_reader_rest(&r), 5);
    expect_body(&r, SPAN("abc"), 3, SPAN("abc"));
    expect_body(&r, SPAN("dePOST"), 2, SPAN("de"));
    assert_int_equal(r.state, HTTP_READER_WHOLE);
    http_reader_next(&r);
    expect_head(&r, SPAN("\r\n" HEAD "\r\n"), HTTP_READER_WHOLE);
    http_reader_free(&r);
}

static enum http_reader_state read_all(const struct http_limits *limits, struct span in)
{
    struct http_reader r;
    http_reader_init(&r, limits);
    in = span_skip(in, http_reader_head(&r, in));
    while (in.n > 0 && r.state == HTTP_READER_BODY) {
        struct span data;
        in = span_skip(in, http_reader_body(&r, in, &data));
    }
    enum http_reader_state state = r.state;
    http_reader_free(&r);
    return state;
}

static void limits_may_be_small(void **state)
{
    (void)state;
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"
    const struct http_limits l = {.head = 80, .chunk_line = 8, .trailer = 8, .chunk_excess = 4};
    assert_int_equal(read_all(&l, SPAN(CHUNKED "1\r\na\r\n0\r\n\r\n")), HTTP_READER_WHOLE);
    assert_int_equal(read_all(&l, SPAN(CHUNKED "1;2345\r\n")), HTTP_READER_BODY);
    assert_int_equal(read_all(&l, SPAN(CHUNKED "1;23456\r\n")), HTTP_READER_BROKEN);
    assert_int_equal(read_all(&l, SPAN(CHUNKED "0\r\nA: 123\r\n")), HTTP_READER_BODY);
    assert_int_equal(read_all(&l, SPAN(CHUNKED "0\r\nA: 1234567890\r\n")), HTTP_READER_BROKEN);
    const struct http_limits less = {.head = 58};
    assert_int_equal(read_all(&less, SPAN(CHUNKED)), HTTP_READER_REFUSED);
    assert_int_equal(read_all(&less, SPAN(HEAD "A: 3456789012345678\r\n")), HTTP_READER_HEAD);
    const struct http_limits wide = {.head = 80, .chunk_line = 90, .chunk_excess = 4};
    assert_int_equal(read_all(&wide, SPAN(CHUNKED "1;234567890123456789\r\n")), HTTP_READER_BODY);
    assert_int_equal(read_all(&wide, SPAN(CHUNKED "1;2345678901234567890\r\n")),
                     HTTP_READER_BROKEN);
}

static void data_comes_alone(void **state)
{
    (void)state;
    struct http_reader r;
    http_reader_init(&r, &usual);
    expect_head(&r, SPAN(HEAD "Transfer-Encoding: CHUNKED\r\n\r\n"), HTTP_READER_BODY);
    expect_body(&r, SPAN("1\r\na\r\n2\r\nbc"), 3, SPAN(""));
    expect_body(&r, SPAN("a\r\n2\r\nbc"), 1, SPAN("a"));
    expect_body(&r, SPAN("\r\n2;x\r\nbc"), 7, SPAN(""));
    expect_body(&r, SPAN("bc\r\n"), 2, SPAN("bc"));
    expect_body(&r, SPAN("\r\n0\r\n\r\nGET"), 7, SPAN(""));
    assert_int_equal(r.state, HTTP_READER_WHOLE);
    http_reader_next(&r);
    expect_head(&r, SPAN(HEAD "Transfer-Encoding: chunked\r\n\r\n"), HTTP_READER_BODY);
    expect_body(&r, SPAN("1\r\n"), 3, SPAN(""));
    expect_body(&r, SPAN("a"), 1, SPAN("a"));
    expect_body(&r, SPAN("\rx"), 1, SPAN(""));
    assert_int_equal(r.state, HTTP_READER_BROKEN);
    http_reader_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_has_parts),
        cmocka_unit_test(data_comes_alone),
        cmocka_unit_test(limits_may_be_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
