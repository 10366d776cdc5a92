/* SPDX-License-Identifier: MIT */
/* Tests of http/http_request.h. */
#include "http/http_request.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEADERS "User-Agent: Go-http-client/1.1\r\nAccept: text/x\r\n"
#define GZIP "Accept-Encoding: gzip\r\n\r\n"

static void expect(struct span text, struct span expected)
{
    struct http_url url = {0};
    struct span why = {NULL, 0};
    struct buf b = {0};
    assert_true(http_url_parse(&url, text, &why));
    http_request_append(&b, &url, SPAN("text/x"));
    assert_true(span_equal(buf_span(&b), expected));
    buf_free(&b);
    http_url_free(&url);
}

#define EXPECT(text, expected) expect(SPAN(text), SPAN(expected))

static void requests_are_written_as_go_does(void **state)
{
    (void)state;
    EXPECT("http://h:1/x?y", "GET /x?y HTTP/1.1\r\nHost: h:1\r\n" HEADERS GZIP);
    EXPECT("https://h", "GET / HTTP/1.1\r\nHost: h\r\n" HEADERS GZIP);
    EXPECT("http://h?", "GET / HTTP/1.1\r\nHost: h\r\n" HEADERS GZIP);
}

/* Base64 of all three remainders. */
static void a_user_is_authorized(void **state)
{
    (void)state;
    EXPECT("http://u@h/",
           "GET / HTTP/1.1\r\nHost: h\r\n" HEADERS "Authorization: Basic dTo=\r\n" GZIP);
    EXPECT("http://u:p%40@h/",
           "GET / HTTP/1.1\r\nHost: h\r\n" HEADERS "Authorization: Basic dTpwQA==\r\n" GZIP);
    EXPECT("http://us:pas@h/",
           "GET / HTTP/1.1\r\nHost: h\r\n" HEADERS "Authorization: Basic dXM6cGFz\r\n" GZIP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_written_as_go_does),
        cmocka_unit_test(a_user_is_authorized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
