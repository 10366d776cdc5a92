/* SPDX-License-Identifier: MIT */
/* Tests of http/http_client.h with https, on virtual time, with servers that the tests play. */
#include "http/http_client.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/time.h"
#include "support/certs.h"
#include "support/http_stage.h"

static struct codec connect_tls(void *self, const char *name)
{
    return tls_connect(self, name);
}

static struct codec connect_to_nothing(void *self, const char *name)
{
    (void)self;
    (void)name;
    return (struct codec){NULL, NULL};
}

static struct tls *trusting(const struct cert *authority)
{
    struct buf why = {0};
    const struct tls_client_settings settings = {
        .authorities = cert_pem(authority), .verify = true, .min_version = TLS_1_2};
    struct tls *tls = tls_client_new(&settings, &why);
    assert_non_null(tls);
    return tls;
}

static struct http_stage *begin_https(struct tls *tls)
{
    struct http_client_config c = http_stage_config();
    c.tls = (struct http_tls){.connect = connect_tls, .self = tls, .cost = 100000};
    return http_stage_begin(&c);
}

/* A server that has a certificate for localhost and 127.0.0.1. */
static void accept_tls(struct http_stage *s)
{
    struct tls *tls = cert_server(TLS_CLIENTS_ANY, TLS_1_2);
    struct codec_maker maker = tls_server(tls);
    stack_free(s->stack);
    s->stack = alloc_zeroed(sizeof *s->stack);
    stack_push(s->stack, maker.make(maker.self));
    tls_free(tls);
    http_stage_accept(s);
}

static void https_urls_use_tls(void **state)
{
    (void)state;
    struct tls *tls = trusting(&certs.authority);
    struct http_stage *s = begin_https(tls);
    http_stage_fetch(s, "https://localhost/x");
    http_stage_expect_dialled(s, SPAN("localhost:443"));
    assert_true(s->budget.used > 100000);
    accept_tls(s);
    http_stage_expect_heard(s, SPAN(HTTP_STAGE_REQUEST("/x", "localhost")));
    SEND(s, HTTP_STAGE_OK_ABC);
    EXPECT_OUTCOME(s, "200 abc; ");
    http_stage_end(s);
    tls_free(tls);
}

/* From http to https and back. */
static void redirects_may_change_the_scheme(void **state)
{
    (void)state;
    struct tls *tls = trusting(&certs.authority);
    struct http_stage *s = begin_https(tls);
    http_stage_fetch(s, "http://h");
    size_t before = s->budget.used;
    http_stage_accept(s);
    SEND(s, "HTTP/1.1 302 Go\r\nLocation: https://localhost:9\r\nContent-Length: 0\r\n\r\n");
    http_stage_expect_dialled(s, SPAN("localhost:9"));
    assert_true(s->budget.used > before + 100000 - 100);
    accept_tls(s);
    http_stage_expect_heard(s, SPAN(HTTP_STAGE_REQUEST("/", "localhost:9")));
    SEND(s, "HTTP/1.1 302 Go\r\nLocation: http://h\r\nContent-Length: 0\r\n\r\n");
    stack_free(s->stack);
    s->stack = NULL;
    http_stage_accept(s);
    http_stage_expect_heard(s, SPAN(HTTP_STAGE_REQUEST("/", "h")));
    assert_int_equal(s->budget.used, before);
    SEND(s, HTTP_STAGE_OK_ABC);
    EXPECT_OUTCOME(s, "200 abc; ");
    http_stage_end(s);
    tls_free(tls);
}

static void certificates_are_verified(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const struct cert *trusted;
    } cases[] = {{"https://example.org", &certs.authority},
                 {"https://localhost", &certs.other_authority}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tls *tls = trusting(cases[i].trusted);
        struct http_stage *s = begin_https(tls);
        http_stage_fetch(s, cases[i].url);
        accept_tls(s);
        http_stage_expect_heard(s, SPAN(""));
        assert_int_equal(s->conn, 0);
        assert_memory_equal(buf_span(&s->outcome).p, "- ", 2);
        http_stage_end(s);
        tls_free(tls);
    }
}

/* It is 10 s, or earlier: the deadline of the fetch. */
static void a_handshake_has_a_deadline(void **state)
{
    (void)state;
    struct tls *tls = trusting(&certs.authority);
    for (int limited = 0; limited <= 1; limited++) {
        struct http_client_config c = http_stage_config();
        c.tls = (struct http_tls){.connect = connect_tls, .self = tls};
        c.request_timeout = limited != 0 ? 5 * TIME_SECOND : 0;
        struct http_stage *s = http_stage_begin(&c);
        http_stage_fetch(s, "https://localhost");
        http_stage_advance(s, TIME_SECOND);
        http_stage_accept(s); /* the server sends nothing */
        http_stage_advance(s, (limited != 0 ? 4 : 10) * TIME_SECOND - 1);
        EXPECT_NOTHING(s);
        http_stage_advance(s, 1);
        EXPECT_OUTCOME(s, "- i/o timeout; ");
        http_stage_end(s);
    }
    tls_free(tls);
}

static void without_tls_there_is_no_https(void **state)
{
    (void)state;
    for (int i = 0; i <= 1; i++) {
        struct http_client_config c = http_stage_config();
        c.tls.connect = i == 0 ? NULL : connect_to_nothing;
        struct http_stage *s = http_stage_begin(&c);
        http_stage_fetch(s, "https://localhost");
        http_stage_accept(s);
        EXPECT_OUTCOME(s, "- no TLS to be had; ");
        assert_int_equal(s->conn, 0);
        http_stage_end(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(https_urls_use_tls),
        cmocka_unit_test(redirects_may_change_the_scheme),
        cmocka_unit_test(certificates_are_verified),
        cmocka_unit_test(a_handshake_has_a_deadline),
        cmocka_unit_test(without_tls_there_is_no_https),
    };
    return cmocka_run_group_tests(tests, certs_make_all, certs_free_all);
}
