/* SPDX-License-Identifier: MIT */
/* Tests of auth/auth_request.h, as the bytes of the request that each address leads to. */
#include "auth/auth_request.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/text.h"
#include "http/http_request.h"

#define AGENT "User-Agent: Go-http-client/1.1\r\nAccept: application/vnd.nsq; version=1.0\r\n"
#define GZIP "Accept-Encoding: gzip\r\n\r\n"

/* Where the request goes and its bytes, as a string that the caller frees. */
static struct buf request_of(const struct http_url *url)
{
    struct buf b = {0};
    buf_append(&b, buf_span(&url->address));
    buf_append(&b, url->https ? SPAN(" s ") : SPAN(" "));
    http_request_append(&b, url, SPAN("application/vnd.nsq; version=1.0"));
    text_append(&b, "\0");
    return b;
}

static void expect(const char *server, const char *expected)
{
    struct http_url url = {0};
    struct span why = {NULL, 0};
    bool ok = auth_request_url(&url, span_make(server, strlen(server)), SPAN("q=1"), &why);
    if (ok != (expected != NULL) || ok != (why.n == 0)) {
        fail_msg("%s: %.*s", server, (int)why.n, (const char *)why.p);
    }
    if (ok) {
        struct buf b = request_of(&url);
        assert_string_equal((const char *)buf_span(&b).p, expected);
        buf_free(&b);
    }
    http_url_free(&url);
}

static void parameters_are_escaped_as_go_does(void **state)
{
    (void)state;
    struct buf b = {0};
    auth_query_append(&b, SPAN("a b"), SPAN("::1"),
                      SPAN("\0\xff"
                           "az09-_.~&=+/?%\x80"),
                      true);
    assert_true(
        span_equal(buf_span(&b), SPAN("common_name=a+b&remote_ip=%3A%3A1&secret=%00%FFaz09-_.~"
                                      "%26%3D%2B%2F%3F%25%80&tls=true")));
    buf_free(&b);
}

/* tests/interop/auth.py has seen each of these from nsqd 1.3.0. */
static void addresses_become_requests(void **state)
{
    (void)state;
    expect("h:1", "h:1 GET /auth?q=1 HTTP/1.1\r\nHost: h:1\r\n" AGENT GZIP);
    expect("h", "h:80 GET /auth?q=1 HTTP/1.1\r\nHost: h\r\n" AGENT GZIP);
    expect("[::1]:1", "[::1]:1 GET /auth?q=1 HTTP/1.1\r\nHost: [::1]:1\r\n" AGENT GZIP);
    expect("h/x", "h:80 GET /x/auth?q=1 HTTP/1.1\r\nHost: h\r\n" AGENT GZIP);
    expect("http://h:1", "h:1 GET /?q=1 HTTP/1.1\r\nHost: h:1\r\n" AGENT GZIP);
    expect("HTTP://h:1/x/y?z=1", "h:1 GET /x/y?z=1?q=1 HTTP/1.1\r\nHost: h:1\r\n" AGENT GZIP);
    expect("https://h/", "h:443 s GET /?q=1 HTTP/1.1\r\nHost: h\r\n" AGENT GZIP);
    expect("http://h:/", "h:80 GET /?q=1 HTTP/1.1\r\nHost: h\r\n" AGENT GZIP);
    expect("http://h/a#b", "h:80 GET /a HTTP/1.1\r\nHost: h\r\n" AGENT GZIP);
    expect("http://h/a b", "h:80 GET /a%20b?q=1 HTTP/1.1\r\nHost: h\r\n" AGENT GZIP);
    expect("http://h/%7e%41", "h:80 GET /%7e%41?q=1 HTTP/1.1\r\nHost: h\r\n" AGENT GZIP);
    expect("http://u:p%40@h/",
           "h:80 GET /?q=1 HTTP/1.1\r\nHost: h\r\n" AGENT "Authorization: Basic dTpwQA==\r\n" GZIP);
    expect("http://u@h/",
           "h:80 GET /?q=1 HTTP/1.1\r\nHost: h\r\n" AGENT "Authorization: Basic dTo=\r\n" GZIP);
    expect("u:pw@h:1", "h:1 GET /auth?q=1 HTTP/1.1\r\nHost: h:1\r\n" AGENT
                       "Authorization: Basic dTpwdw==\r\n" GZIP);
}

static void bad_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "ftp://h",         "http://",     "http:///x",
        "://x",       "http://h:x/",     "http://h\n/", "http://h/%zz",
        "http://a b", "http://[::1/",    "http://h/%4", "http://u p@h/",
        "[]:1",       "http://[::1]x:1/"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        expect(bad[i], NULL);
    }
    char text[AUTH_SERVER_MAX + 2];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    expect(text, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_escaped_as_go_does),
        cmocka_unit_test(addresses_become_requests),
        cmocka_unit_test(bad_addresses_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
