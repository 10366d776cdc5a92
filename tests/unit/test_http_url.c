/* SPDX-License-Identifier: MIT */
/* Tests of http/http_url.h. What Go does with each URL was seen from nsqd 1.3.0. */
#include "http/http_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"

static struct span text_of(const char *text)
{
    return span_make(text, strlen(text));
}

/* "ADDRESS HOST PATH QUERY", with "s " in front of a URL by https, as a string that the caller
 * frees. */
static struct buf shown(const struct http_url *url)
{
    struct buf b = {0};
    buf_append(&b, url->https ? SPAN("s ") : SPAN(""));
    buf_append(&b, buf_span(&url->address));
    text_append(&b, " ");
    buf_append(&b, buf_span(&url->host));
    text_append(&b, " ");
    buf_append(&b, buf_span(&url->path));
    text_append(&b, " ");
    buf_append(&b, buf_span(&url->query));
    text_append(&b, "\0");
    return b;
}

static void expect_url(const struct http_url *url, const char *expected)
{
    struct buf b = shown(url);
    assert_string_equal((const char *)buf_span(&b).p, expected);
    buf_free(&b);
}

static void urls_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"http://h:1", "h:1 h:1 / "},
        {"HTTP://h:1/x/y?z=1?q=1", "h:1 h:1 /x/y z=1?q=1"},
        {"https://h/", "s h:443 h / "},
        {"http://h:/", "h:80 h / "},
        {"http://[::1]:1/x", "[::1]:1 [::1]:1 /x "},
        {"http://[::1]", "[::1]:80 [::1] / "},
        {"http://h/a#b?c", "h:80 h /a "},
        {"http://h/a b", "h:80 h /a%20b "},
        {"http://h/%7e%41", "h:80 h /%7e%41 "},
        {"http://h/%7e \"", "h:80 h /~%20%22 "},
        {"http://h?", "h:80 h / "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_url url = {0};
        struct span why = {NULL, 0};
        assert_true(http_url_parse(&url, text_of(cases[i].text), &why));
        assert_int_equal(why.n, 0);
        expect_url(&url, cases[i].expected);
        assert_false(url.has_user);
        http_url_free(&url);
    }
}

static void a_user_is_unescaped(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *user;
    } cases[] = {{"http://u:p%40@h/", "u:p@"}, {"http://u@h/", "u:"}, {"http://a@b@h/", "a@b:"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_url url = {0};
        struct span why = {NULL, 0};
        assert_true(http_url_parse(&url, text_of(cases[i].text), &why));
        assert_true(url.has_user);
        assert_true(span_equal(buf_span(&url.user), text_of(cases[i].user)));
        expect_url(&url, "h:80 h / ");
        http_url_free(&url);
    }
}

static void bad_urls_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"", "unsupported protocol scheme"},
        {"h:1", "unsupported protocol scheme"},
        {"ftp://h", "unsupported protocol scheme"},
        {"://x", "unsupported protocol scheme"},
        {"http:h", "no Host in request URL"},
        {"http://", "no Host in request URL, or none that is valid"},
        {"http:///x", "no Host in request URL, or none that is valid"},
        {"http://h:x/", "no Host in request URL, or none that is valid"},
        {"http://a b", "no Host in request URL, or none that is valid"},
        {"http://[::1/", "no Host in request URL, or none that is valid"},
        {"http://[]:1/", "no Host in request URL, or none that is valid"},
        {"http://[::1]x:1/", "no Host in request URL, or none that is valid"},
        {"http://u p@h/", "invalid userinfo"},
        {"http://%zz@h/", "invalid userinfo"},
        {"http://h\n/", "invalid control character in URL"},
        {"http://h/\x7f", "invalid control character in URL"},
        {"http://h/%zz", "invalid URL escape"},
        {"http://h/%4", "invalid URL escape"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_url url = {0};
        struct span why = {NULL, 0};
        assert_false(http_url_parse(&url, text_of(cases[i].text), &why));
        assert_true(span_equal(why, text_of(cases[i].why)));
        http_url_free(&url);
    }
}

static void a_location_is_followed(void **state)
{
    (void)state;
    static const struct {
        const char *location;
        const char *expected; /* NULL: refused */
        bool has_user;
    } cases[] = {
        {"/x?y#z", "h:1 h:1 /x y", true},
        {"https://i/x", "s i:443 i /x ", false},
        {"x", NULL, true},
        {"//i/x", NULL, true},
        {"", NULL, true},
        {"ftp://i/", NULL, true},
        {"/\x01", NULL, true},
        {"/%z", NULL, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_url url = {0};
        struct span why = {NULL, 0};
        assert_true(http_url_parse(&url, SPAN("http://u@h:1/a?b"), &why));
        bool followed = http_url_follow(&url, text_of(cases[i].location), &why);
        assert_int_equal(followed, cases[i].expected != NULL);
        assert_int_equal(why.n == 0, followed);
        if (followed) {
            expect_url(&url, cases[i].expected);
            assert_int_equal(url.has_user, cases[i].has_user);
        }
        http_url_free(&url);
    }
}

static void a_location_has_a_bound(void **state)
{
    (void)state;
    char text[HTTP_URL_MAX + 1];
    memset(text, 'a', sizeof text);
    text[0] = '/';
    for (size_t over = 0; over <= 1; over++) {
        struct http_url url = {0};
        struct span why = {NULL, 0};
        assert_true(http_url_parse(&url, SPAN("http://h"), &why));
        assert_int_equal(http_url_follow(&url, span_make(text, HTTP_URL_MAX + over), &why),
                         over == 0);
        http_url_free(&url);
    }
}

static void urls_turn_to_https(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t port;
        const char *expected; /* NULL: refused */
    } cases[] = {{"http://h:1/x?y", 444, "s h:444 h:444 /x y"},
                 {"http://[::1]:1", 444, "s [::1]:444 [::1]:444 / "},
                 {"http://h", 444, NULL},
                 {"http://[::1]", 444, NULL},
                 {"http://h:1", 65535, "s h:65535 h:65535 / "},
                 {"http://h:1", 65536, NULL},
                 {"http://h:1", 0, "s h:0 h:0 / "},
                 {"http://h:1", -1, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_url url = {0};
        struct span why = {NULL, 0};
        assert_true(http_url_parse(&url, text_of(cases[i].text), &why));
        bool turned = http_url_secure(&url, cases[i].port, &why);
        assert_int_equal(turned, cases[i].expected != NULL);
        if (turned) {
            expect_url(&url, cases[i].expected);
        }
        http_url_free(&url);
    }
}

/* A log shows neither a password nor a parameter. */
static void secrets_are_not_shown(void **state)
{
    (void)state;
    struct http_url url = {0};
    struct span why = {NULL, 0};
    struct buf b = {0};
    assert_true(http_url_parse(&url, SPAN("https://u:p@h:1/x?token=1"), &why));
    http_url_show(&url, &b);
    assert_true(span_equal(buf_span(&b), SPAN("https://h:1/x")));
    buf_free(&b);
    http_url_free(&url);
}

static void parameters_are_escaped_as_go_does(void **state)
{
    (void)state;
    struct buf b = {0};
    http_query_append(&b, SPAN("topic"), SPAN("a b"));
    http_query_append(&b, SPAN("x"),
                      SPAN("\0\xff"
                           "az09-_.~&=+/?%:\x80"));
    assert_true(
        span_equal(buf_span(&b), SPAN("topic=a+b&x=%00%FFaz09-_.~%26%3D%2B%2F%3F%25%3A%80")));
    buf_free(&b);
}

/* --- every byte ------------------------------------------------------------------------------- */

#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"

static bool is_in(int c, const char *list)
{
    return c != 0 && strchr(list, c) != NULL;
}

static void every_byte_of_a_parameter(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char expected[16];
        struct buf b = {0};
        uint8_t byte = (uint8_t)c;
        http_query_append(&b, SPAN("n"), span_make(&byte, 1));
        if (c == ' ' || is_in(c, UNRESERVED)) {
            snprintf(expected, sizeof expected, "n=%c", c == ' ' ? '+' : c);
        } else {
            snprintf(expected, sizeof expected, "n=%%%02X", (unsigned)c);
        }
        assert_true(span_equal(buf_span(&b), text_of(expected)));
        buf_free(&b);
    }
}

/* A path stays as it is when it needs no escape; else each byte is escaped anew. */
static void every_byte_of_a_path(void **state)
{
    (void)state;
    for (int c = ' '; c < 256; c++) {
        for (int more = 0; more < 2; more++) {
            char text[32];
            char expected[64];
            struct http_url url = {0};
            struct span why = {NULL, 0};
            if (c == 0x7f || c == '#' || c == '?' || c == '%') {
                continue;
            }
            snprintf(text, sizeof text, "http://h/%c%s", c, more ? "\"" : "");
            const char *kept = more ? UNRESERVED "$&+,/:;=@" : UNRESERVED "!$&'()*+,;=:@[]/";
            snprintf(expected, sizeof expected, is_in(c, kept) ? "/%c%s" : "/%%%02X%s",
                     is_in(c, kept) ? c : (int)(unsigned char)c, more ? "%22" : "");
            assert_true(http_url_parse(&url, text_of(text), &why));
            if (!span_equal(buf_span(&url.path), text_of(expected))) {
                fail_msg("%s: %.*s", text, (int)url.path.n, (const char *)buf_span(&url.path).p);
            }
            http_url_free(&url);
        }
    }
}

/* Both digits of an escape, and the bytes beside them. */
static void every_digit_of_an_escape(void **state)
{
    (void)state;
    static const char digits[] = "0123456789abcdefABCDEF";
    for (int c = 1; c < 256; c++) {
        for (int second = 0; second < 2; second++) {
            char text[32];
            struct http_url url = {0};
            struct span why = {NULL, 0};
            snprintf(text, sizeof text, second ? "http://%%4%c@h/" : "http://%%%c1@h/", c);
            bool good = is_in(c, digits);
            bool parsed = http_url_parse(&url, text_of(text), &why);
            if (parsed != good) {
                fail_msg("%s", text);
            }
            if (good) {
                unsigned digit = (unsigned)(strchr(digits, c) - digits);
                digit -= digit > 15 ? 6 : 0;
                const uint8_t user[] = {(uint8_t)(second ? 0x40 + digit : 16 * digit + 1), ':'};
                assert_true(span_equal(buf_span(&url.user), span_make(user, 2)));
            }
            http_url_free(&url);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_parsed),
        cmocka_unit_test(a_user_is_unescaped),
        cmocka_unit_test(bad_urls_are_refused),
        cmocka_unit_test(a_location_is_followed),
        cmocka_unit_test(a_location_has_a_bound),
        cmocka_unit_test(urls_turn_to_https),
        cmocka_unit_test(secrets_are_not_shown),
        cmocka_unit_test(parameters_are_escaped_as_go_does),
        cmocka_unit_test(every_byte_of_a_parameter),
        cmocka_unit_test(every_byte_of_a_path),
        cmocka_unit_test(every_digit_of_an_escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
