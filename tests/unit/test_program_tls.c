/* SPDX-License-Identifier: MIT */
/*
 * Tests of nsqd with a certificate, as a program: files, flags, a client over loopback.
 */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/certs.h"
#include "support/folder.h"
#include "support/net.h"
#include "support/program.h"

#define ASK_TLS "IDENTIFY\n\0\0\0\x2a{\"feature_negotiation\":true,\"tls_v1\":true}"
#define OK SPAN("\0\0\0\6\0\0\0\0OK")

/* --- files ------------------------------------------------------------------------------------ */

static char flags[5][FOLDER_PATH_MAX + 32];

static void write_pem(const char *name, const struct buf *pem)
{
    FILE *f = fopen(folder_path(name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(buf_span(pem).p, 1, pem->n, f), pem->n);
    assert_int_equal(fclose(f), 0);
}

static const char *flag(size_t i, const char *name, const char *value)
{
    snprintf(flags[i], sizeof flags[i], "%s=%s", name, value);
    return flags[i];
}

static int make_all(void **state)
{
    if (folder_make(state) != 0 || certs_make_all(state) != 0) {
        return -1;
    }
    write_pem("server.pem", &certs.server.certificates);
    write_pem("server.key", &certs.server.key);
    write_pem("client.key", &certs.client.key);
    write_pem("root.pem", &certs.authority.certificates);
    certs_warm_up();
    return 0;
}

static int remove_all(void **state)
{
    certs_free_all(state);
    return folder_remove(state);
}

static struct program *start(const char *extra)
{
    flag(0, "--tls-cert", folder_path("server.pem"));
    flag(1, "--tls-key", folder_path("server.key"));
    flag(2, "--tls-root-ca-file", folder_path("root.pem"));
    return program_start(flags[0], flags[1], flags[2], extra);
}

/* --- a client --------------------------------------------------------------------------------- */

struct client {
    int fd;
    struct codec codec;
    struct buf wire; /* received bytes that are not decoded yet */
    struct buf up;
};

static void exchange(struct client *c)
{
    struct buf down = {0};
    buf_drop(&c->wire,
             c->codec.calls->decode(c->codec.self, buf_span(&c->wire), 1 << 20, &c->up, &down));
    net_send(c->fd, buf_span(&down));
    buf_free(&down);
}

static enum codec_state state_of(const struct client *c)
{
    return c->codec.calls->state(c->codec.self);
}

/* Waits for input, reads and decodes it. False: the end of the connection. */
static bool hear(struct client *c)
{
    uint8_t bytes[4096];
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, NET_PATIENCE_MS), 1);
    ssize_t n = read(c->fd, bytes, sizeof bytes);
    assert_true(n >= 0);
    buf_append(&c->wire, span_make(bytes, (size_t)n));
    while (c->wire.n > 0 && state_of(c) <= CODEC_OPEN) {
        exchange(c);
    }
    return n > 0;
}

/* Asks for TLS and completes the handshake. */
static struct client connect_tls(const struct program *p, const struct cert *cert)
{
    struct tls *tls = cert_client(cert, 0);
    struct client c = {.fd = net_connect(p->port), .codec = tls_connect(tls, "localhost")};
    tls_free(tls);
    net_send(c.fd, SPAN("  V2" ASK_TLS));
    struct net_frame frame = net_read_frame(c.fd);
    frame.data[frame.size - 1] = '\0'; /* in place of the closing brace */
    assert_non_null(strstr((const char *)frame.data, "\"tls_v1\":true"));
    net_frame_free(&frame);
    exchange(&c);
    while (state_of(&c) == CODEC_HANDSHAKING && hear(&c)) {
    }
    return c;
}

/* Connects to the HTTPS port and does the handshake as far as the server allows. */
static struct client connect_https(struct program *p, const struct cert *cert)
{
    struct tls *tls = cert_client(cert, 0);
    struct client c = {.fd = net_connect(program_port(p, "HTTPS")),
                       .codec = tls_connect(tls, "localhost")};
    tls_free(tls);
    exchange(&c);
    while (state_of(&c) == CODEC_HANDSHAKING && hear(&c)) {
    }
    return c;
}

static void say(struct client *c, struct span text)
{
    struct buf down = {0};
    c->codec.calls->encode(c->codec.self, text, &down);
    net_send(c->fd, buf_span(&down));
    buf_free(&down);
}

static void expect(struct client *c, struct span text)
{
    while (c->up.n < text.n && hear(c)) {
    }
    assert_true(span_equal(span_first(buf_span(&c->up), text.n), text));
    buf_drop(&c->up, text.n);
}

static void disconnect(struct client *c)
{
    close(c->fd);
    c->codec.calls->free(c->codec.self);
    buf_free(&c->wire);
    buf_free(&c->up);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void a_client_converses_in_tls(void **state)
{
    (void)state;
    static uint8_t body[300000];
    struct program *p = start("--log-level=debug");
    struct client c = connect_tls(p, NULL);
    expect(&c, OK);
    say(&c, SPAN("PUB t\n\0\4\x93\xe0"));
    say(&c, span_make(body, sizeof body));
    expect(&c, OK);
    say(&c, SPAN("SUB t c\nRDY 1\n"));
    expect(&c, OK);
    while (c.up.n < 8 + 26 + sizeof body && hear(&c)) {
    }
    assert_int_equal(c.up.n, 8 + 26 + sizeof body);
    say(&c, SPAN("oops\n"));
    while (hear(&c)) {
    }
    assert_int_equal(state_of(&c),
                     CODEC_CLOSED); /* by close_notify, not only by the end of the socket */
    disconnect(&c);
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_int_equal(program_logged(p, "PRIVATE KEY"), 0);
    assert_int_equal(program_logged(p, "WARNING: --tls"), 0);
}

static void a_client_without_a_certificate_is_refused_alone(void **state)
{
    (void)state;
    struct program *p = start("--tls-client-auth-policy=require-verify");
    struct client good = connect_tls(p, &certs.client);
    expect(&good, OK);
    const struct cert *bad[] = {NULL, &certs.expired, &certs.stranger, &certs.self_signed};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct client c = connect_tls(p, bad[i]);
        while (hear(&c)) {
        }
        assert_int_equal(state_of(&c), CODEC_FAILED);
        assert_int_equal(c.up.n, 0);
        disconnect(&c);
        say(&good, SPAN("PUB t\n\0\0\0\1x"));
        expect(&good, OK);
    }
    int clear = net_connect(p->port);
    net_send(clear, SPAN("  V2PUB t\n\0\0\0\1x"));
    net_expect_frame(clear, 1, SPAN("E_INVALID cannot PUB in current state (TLS required)"));
    net_expect_eof(clear);
    close(clear);
    program_await(p, "E_IDENTIFY_FAILED IDENTIFY failed tls: client didn't provide a certificate",
                  1);
    program_await(p, "certificate has expired or is not yet valid", 1);
    disconnect(&good);
    assert_int_equal(program_end(p, SIGTERM), 0);
}

/* SIGTERM ends it also in the middle of handshakes. */
static void a_handshake_holds_no_end_up(void **state)
{
    (void)state;
    struct program *p = start("--tls-required");
    int fd = net_connect(p->port);
    net_send(fd, SPAN("  V2" ASK_TLS "\x16\3\1\1"));
    struct net_frame frame = net_read_frame(fd);
    net_frame_free(&frame);
    assert_int_equal(program_end(p, SIGTERM), 0);
    close(fd);
}

/* A consumer does not read, so the server does not read from it either. The last record of its TLS
 * stream is in front of its end. */
static void the_end_of_a_consumer_that_does_not_read_is_noticed(void **state)
{
    (void)state;
    static uint8_t body[1 << 20];
    struct program *p = start("--output-high-water=65536");
    struct client c = connect_tls(p, NULL);
    expect(&c, OK);
    say(&c, SPAN("SUB t c\nRDY 10\n"));
    expect(&c, OK);
    int publisher = net_connect(p->port);
    net_send(publisher, SPAN("  V2"));
    for (int i = 0; i < 16; i++) { /* more than the sockets hold */
        net_publish(publisher, "t", span_make(body, sizeof body));
        net_expect_frame(publisher, 0, SPAN("OK"));
    }
    struct buf last = {0};
    c.codec.calls->finish(c.codec.self, &last);
    net_send(c.fd, buf_span(&last));
    buf_free(&last);
    net_shut(c.fd);
    program_await(p, "exiting ioloop", 1);
    close(publisher);
    disconnect(&c);
}

/* Programs that start nsqd with the ports 0 wait for three lines "listening on". */
static void a_certificate_opens_https(void **state)
{
    (void)state;
    struct program *p = start("--log-level=info");
    unsigned http = program_port(p, "HTTP");
    unsigned https = program_port(p, "HTTPS");
    assert_int_equal(program_logged(p, ": listening on 127.0.0.1:"), 3);
    assert_true(p->port != http && http != https);
    struct client c = connect_https(p, NULL);
    say(&c, SPAN("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"));
    expect(&c, SPAN("HTTP/1.1 200 OK\r\n"));
    disconnect(&c);
    int clear = net_connect(http); /* TLS is not required */
    net_send(clear, SPAN("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"));
    net_expect(clear, SPAN("HTTP/1.1 200 OK\r\n"));
    close(clear);
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_int_equal(program_logged(p, " INFO: HTTPS: closing 127.0.0.1:"), 1);
}

static void expect_http(struct program *p, const char *wanted)
{
    int fd = net_connect(program_port(p, "HTTP"));
    net_send(fd, SPAN("GET /ping HTTP/1.0\r\n\r\n"));
    net_expect(fd, span_make(wanted, strlen(wanted)));
    close(fd);
}

/* HTTPS requests the certificates that V2 requests. A policy also closes the API in clear text,
 * unless --tls-required=tcp-https. */
static void https_has_the_policy_of_tcp(void **state)
{
    (void)state;
    struct program *p = start("--tls-client-auth-policy=require-verify");
    struct client good = connect_https(p, &certs.client);
    say(&good, SPAN("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"));
    expect(&good, SPAN("HTTP/1.1 200 OK\r\n"));
    disconnect(&good);
    struct client bad = connect_https(p, NULL);
    while (state_of(&bad) != CODEC_FAILED && hear(&bad)) {
    }
    assert_int_equal(bad.up.n, 0);
    disconnect(&bad);
    program_await(p, " WARNING: http: TLS handshake error from 127.0.0.1:", 1);
    expect_http(p, "HTTP/1.0 403 Forbidden\r\n");
    assert_int_equal(program_end(p, SIGTERM), 0);
    p = start("--tls-required=tcp-https");
    expect_http(p, "HTTP/1.0 200 OK\r\n");
    assert_int_equal(program_end(p, SIGTERM), 0);
}

/* A request that is not encrypted gets an answer that is not encrypted. */
static void https_answers_http(void **state)
{
    (void)state;
    static const struct {
        struct span said;
        bool is_http;
    } rows[] = {
        {SPAN_LITERAL("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"), true},
        {SPAN_LITERAL("HEAD "), true},
        {SPAN_LITERAL("POST /"), true},
        {SPAN_LITERAL("PUT /"), true},
        {SPAN_LITERAL("OPTIO"), true},
        {SPAN_LITERAL("GET http://x/"), false},
        {SPAN_LITERAL("DELETE / HTTP/1.1\r\n\r\n"), false},
        {SPAN_LITERAL("garbage"), false},
    };
    struct program *p = start("--log-level=info");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int fd = net_connect(program_port(p, "HTTPS"));
        net_send(fd, rows[i].said);
        if (rows[i].is_http) {
            net_expect(fd, SPAN("HTTP/1.0 400 Bad Request\r\n\r\n"
                                "Client sent an HTTP request to an HTTPS server.\n"));
        }
        net_expect_eof(fd);
        close(fd);
    }
    program_await(p, ": client sent an HTTP request to an HTTPS server\n", 5);
    program_await(p, ": tls: first record does not look like a TLS handshake\n", 3);
    assert_int_equal(program_end(p, SIGTERM), 0);
}

/* HTTPS has no unix sockets, as in upstream's nsqd. */
static void https_needs_a_port(void **state)
{
    (void)state;
    const char *const args[] = {flag(0, "--tls-cert", folder_path("server.pem")),
                                flag(1, "--tls-key", folder_path("server.key")),
                                "--https-address=/tmp/x", NULL};
    struct program *p = program_spawn(&(struct program_setup){.args = args});
    assert_int_equal(program_wait(p), 1);
    assert_int_equal(program_logged(p, " FATAL: failed to instantiate nsqd - listen (/tmp/x) failed"
                                       " - listen tcp: address /tmp/x: missing port in address\n"),
                     1);
}

static void expect_refusal(const char *cert, const char *key, const char *reason)
{
    char line[1024];
    const char *const args[] = {flag(0, "--tls-cert", cert), flag(1, "--tls-key", key), NULL};
    snprintf(line, sizeof line,
             " FATAL: failed to instantiate nsqd - failed to build TLS config - %s\n", reason);
    struct program *p = program_spawn(&(struct program_setup){.args = args});
    assert_int_equal(program_wait(p), 1);
    assert_int_equal(program_logged(p, line), 1);
    assert_int_equal(program_logged(p, "\n"), 1);
}

static void a_pair_that_is_no_good_is_refused_in_one_line(void **state)
{
    (void)state;
    char cert[FOLDER_PATH_MAX];
    char key[FOLDER_PATH_MAX];
    char reason[3 * FOLDER_PATH_MAX];
    snprintf(cert, sizeof cert, "%s", folder_path("server.pem"));
    snprintf(key, sizeof key, "%s", folder_path("client.key"));
    snprintf(reason, sizeof reason,
             "tls: private key does not match public key (%s: expected the key of %s)", key, cert);
    expect_refusal(cert, key, reason);
    snprintf(reason, sizeof reason, "open %s/none: no such file or directory", folder_name);
    expect_refusal(cert, folder_path("none"), reason);
    snprintf(reason, sizeof reason, "read %s: is a directory", folder_name);
    expect_refusal(cert, folder_name, reason);
}

int main(int argc, char **argv)
{
    (void)argc;
    program_locate(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_client_converses_in_tls, program_clean_up),
        cmocka_unit_test_teardown(a_client_without_a_certificate_is_refused_alone,
                                  program_clean_up),
        cmocka_unit_test_teardown(a_handshake_holds_no_end_up, program_clean_up),
        cmocka_unit_test_teardown(the_end_of_a_consumer_that_does_not_read_is_noticed,
                                  program_clean_up),
        cmocka_unit_test_teardown(a_certificate_opens_https, program_clean_up),
        cmocka_unit_test_teardown(https_has_the_policy_of_tcp, program_clean_up),
        cmocka_unit_test_teardown(https_answers_http, program_clean_up),
        cmocka_unit_test_teardown(https_needs_a_port, program_clean_up),
        cmocka_unit_test_teardown(a_pair_that_is_no_good_is_refused_in_one_line, program_clean_up),
    };
    return cmocka_run_group_tests_name("program_tls", tests, make_all, remove_all);
}
