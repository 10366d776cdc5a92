/* SPDX-License-Identifier: MIT */
/* Tests of conform/http_parse.h. */
#include "conform/http_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEAD "HTTP/1.1 200 OK\r\n"

static void whole(struct span in, struct http_parse_end framing, int status, const char *body,
                  size_t size)
{
    struct http_parsed r;
    assert_int_equal(http_parse(in, framing, &r), NSQ_OK);
    assert_int_equal(r.status, status);
    assert_int_equal(r.size, size);
    assert_true(span_equal(buf_span(&r.body), span_make(body, strlen(body))));
    buf_free(&r.body);
}

static enum nsq_parse outcome(struct span in, struct http_parse_end framing)
{
    struct http_parsed r;
    enum nsq_parse result = http_parse(in, framing, &r);
    buf_free(&r.body);
    return result;
}

static const struct http_parse_end open_framing = {.ended = false};
static const struct http_parse_end ended = {.ended = true};
static const struct http_parse_end no_body = {.no_body = true};

static void a_response_ends_where_its_framing_says(void **state)
{
    (void)state;
    whole(SPAN(HEAD "Content-Length: 2\r\n\r\nOKHTTP"), open_framing, 200, "OK", 40);
    whole(SPAN(HEAD "Content-Length: 0\r\n\r\n"), open_framing, 200, "", 38);
    whole(SPAN(HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\nrest"),
          open_framing, 200, "abc", 65);
    whole(SPAN("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), open_framing, 100, "", 25);
    whole(SPAN("HTTP/1.1 204 No Content\r\n\r\nrest"), open_framing, 204, "", 27);
    whole(SPAN(HEAD "Content-Length: 2\r\n\r\nHTTP/1.1"), no_body, 200, "", 38);
    whole(SPAN("HTTP/1.0 200 OK\r\n\r\nto the end"), ended, 200, "to the end", 29);
}

static void a_part_of_a_response_is_no_response(void **state)
{
    (void)state;
    struct span in = SPAN(HEAD "Content-Length: 3\r\n\r\nabc");
    for (size_t n = 0; n < in.n; n++) {
        assert_int_equal(outcome(span_first(in, n), open_framing), NSQ_MORE);
    }
    assert_int_equal(outcome(SPAN("HTTP/1.0 200 OK\r\n\r\nno end yet"), open_framing), NSQ_MORE);
    assert_int_equal(outcome(SPAN(""), ended), NSQ_MORE);
    assert_int_equal(outcome(span_first(in, in.n - 1), ended), NSQ_BAD);
}

static void other_bytes_are_bad(void **state)
{
    (void)state;
    assert_int_equal(outcome(SPAN("\0\0\0\6\0\0\0\0OK"), open_framing), NSQ_BAD);
    assert_int_equal(outcome(SPAN(HEAD "Content-Length: x\r\n\r\n"), open_framing), NSQ_BAD);
    assert_int_equal(outcome(SPAN(HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n"), open_framing),
                     NSQ_BAD);
}

static void headers_are_found_by_their_names(void **state)
{
    (void)state;
    struct http_parsed r;
    struct span value;
    assert_int_equal(http_parse(SPAN(HEAD "A: b\r\nallow:  GET, PUT \r\nALLOW: X\r\nAl: y\r\n"
                                          "Content-Length: 0\r\n\r\n"),
                                open_framing, &r),
                     NSQ_OK);
    struct span at = r.head;
    assert_true(http_parsed_next(&at, SPAN("Allow"), &value));
    assert_true(span_equal(value, SPAN("GET, PUT")));
    assert_true(http_parsed_next(&at, SPAN("Allow"), &value));
    assert_true(span_equal(value, SPAN("X")));
    assert_false(http_parsed_next(&at, SPAN("Allow"), &value));
    at = r.head;
    assert_false(http_parsed_next(&at, SPAN("HTTP/1.1 200 OK"), &value));
    buf_free(&r.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_ends_where_its_framing_says),
        cmocka_unit_test(a_part_of_a_response_is_no_response),
        cmocka_unit_test(other_bytes_are_bad),
        cmocka_unit_test(headers_are_found_by_their_names),
    };
    return cmocka_run_group_tests_name("http_parse", tests, NULL, NULL);
}
