/* SPDX-License-Identifier: MIT */
#include "auth/auth_request.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/text.h"

#define AGENT "User-Agent: Go-http-client/1.1\r\nAccept: application/vnd.nsq; version=1.0\r\n"
#define GZIP "Accept-Encoding: gzip\r\n\r\n"

/* The bytes of a target's request, and where it goes, as a string that the caller frees. */
static struct buf request_of(const struct auth_target *t)
{
    struct buf b = {0};
    buf_append(&b, buf_span(&t->address));
    buf_append(&b, t->https ? SPAN(" s ") : SPAN(" "));
    auth_target_request(t, &b);
    text_append(&b, "\0");
    return b;
}

static void expect(const char *server, const char *expected)
{
    struct auth_target t;
    struct span why = {NULL, 0};
    bool ok = auth_target_of(&t, span_make(server, strlen(server)), SPAN("q=1"), &why);
    if (ok != (expected != NULL) || ok != (why.n == 0)) {
        fail_msg("%s: %.*s", server, (int)why.n, (const char *)why.p);
    }
    if (ok) {
        struct buf b = request_of(&t);
        assert_string_equal((const char *)buf_span(&b).p, expected);
        buf_free(&b);
    }
    auth_target_free(&t);
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

/* All of these were seen from nsqd 1.3.0, by tests/interop/auth.py. */
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

static void what_is_no_address_is_refused(void **state)
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
    char text[AUTH_URL_MAX + 2];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    expect(text, NULL);
}

static void targets_move(void **state)
{
    (void)state;
    static const struct {
        const char *location;
        const char *request; /* NULL: refused */
    } cases[] = {
        {"/x?y#z",
         "h:1 GET /x?y HTTP/1.1\r\nHost: h:1\r\n" AGENT "Authorization: Basic dTo=\r\n" GZIP},
        {"https://i/x", "i:443 s GET /x HTTP/1.1\r\nHost: i\r\n" AGENT GZIP},
        {"x", NULL},
        {"//i/x", NULL},
        {"", NULL},
        {"ftp://i/", NULL},
        {"/\x01", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct auth_target t;
        struct span why = {NULL, 0};
        assert_true(auth_target_of(&t, SPAN("http://u@h:1/"), SPAN("q"), &why));
        const char *location = cases[i].location;
        bool moved = auth_target_move(&t, span_make(location, strlen(location)), &why);
        assert_int_equal(moved, cases[i].request != NULL);
        if (moved) {
            struct buf b = request_of(&t);
            assert_string_equal((const char *)buf_span(&b).p, cases[i].request);
            buf_free(&b);
        }
        auth_target_free(&t);
    }
}

static void targets_turn_to_https(void **state)
{
    (void)state;
    static const struct {
        const char *server;
        int64_t port;
        const char *address; /* NULL: refused */
    } cases[] = {{"h:1", 444, "h:444"}, {"[::1]:1", 444, "[::1]:444"}, {"h", 444, NULL},
                 {"[::1]", 444, NULL},  {"h:1", 65536, NULL},          {"h:1", -1, NULL},
                 {"h:1", 0, "h:0"},     {"http://h:1/x", 9, "h:9"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct auth_target t;
        struct span why = {NULL, 0};
        const char *server = cases[i].server;
        assert_true(auth_target_of(&t, span_make(server, strlen(server)), SPAN("q"), &why));
        bool turned = auth_target_secure(&t, cases[i].port, &why);
        assert_int_equal(turned, cases[i].address != NULL);
        if (turned) {
            assert_true(t.https);
            const char *address = cases[i].address == NULL ? "" : cases[i].address;
            assert_true(span_equal(buf_span(&t.address), span_make(address, strlen(address))));
        }
        auth_target_free(&t);
    }
}

/* A log shows neither a password nor a parameter. */
static void secrets_are_not_shown(void **state)
{
    (void)state;
    struct auth_target t;
    struct span why = {NULL, 0};
    struct buf b = {0};
    assert_true(auth_target_of(&t, SPAN("http://u:p@h:1/x?token=1"), SPAN("secret=2"), &why));
    auth_target_show(&t, &b);
    assert_true(span_equal(buf_span(&b), SPAN("http://h:1/x")));
    buf_free(&b);
    auth_target_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_escaped_as_go_does),
        cmocka_unit_test(addresses_become_requests),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(targets_move),
        cmocka_unit_test(targets_turn_to_https),
        cmocka_unit_test(secrets_are_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
