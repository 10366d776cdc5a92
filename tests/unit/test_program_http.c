/* SPDX-License-Identifier: MIT */
/*
 * Tests of nsqd's HTTP port, as a program: where it listens, and that requests reach the engine.
 * What the routes do is tested in test_api.c. test_program_tls.c tests HTTPS.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/net.h"
#include "support/program.h"

#define ORDINARY "--log-level=info"
#define REQUEST_END " HTTP/1.0\r\nHost: x\r\n\r\n"

/* Sends a request of HTTP/1.0 and returns the whole answer, NUL at the end. */
static const char *answer_at(int fd, const char *request)
{
    static char answer[4096];
    size_t n = 0;
    net_send(fd, span_make(request, strlen(request)));
    net_send(fd, SPAN(REQUEST_END));
    for (char last[5] = ""; strcmp(last, "\r\n\r\n") != 0; n++) {
        net_read(fd, answer + n, 1);
        memmove(last, last + 1, 3);
        last[3] = answer[n];
        assert_true(n < sizeof answer - 1000);
    }
    answer[n] = '\0';
    const char *length = strstr(answer, "Content-Length: ");
    assert_non_null(length);
    size_t body = (size_t)atoi(length + strlen("Content-Length: "));
    assert_true(body < 1000);
    net_read(fd, answer + n, body);
    answer[n + body] = '\0';
    net_expect_eof(fd);
    close(fd);
    return answer;
}

static const char *answer_of(unsigned port, const char *request)
{
    return answer_at(net_connect(port), request);
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no '%s' in '%s'", part, text);
    }
}

static void requests_reach_the_same_broker_as_v2_clients(void **state)
{
    (void)state;
    struct program *p = program_start(ORDINARY);
    unsigned port = program_port(p, "HTTP");
    int consumer = net_connect(p->port);
    net_send(consumer, SPAN("  V2"));
    net_subscribe(consumer, "t", "c", 1);
    assert_has(answer_of(port, "GET /ping"), "\r\n\r\nOK");
    int publisher = net_connect(port);
    net_send(publisher,
             SPAN("POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"));
    struct net_frame message = net_read_frame(consumer);
    assert_int_equal(message.type, 2);
    assert_memory_equal(message.data + message.size - 2, "hi", 2);
    net_frame_free(&message);
    net_expect(publisher, SPAN("HTTP/1.1 200 OK\r\n"));
    close(publisher);
    close(consumer);
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_int_equal(program_logged(p, " INFO: 200 GET /ping (127.0.0.1:"), 1);
    assert_int_equal(program_logged(p, " INFO: HTTP: closing 127.0.0.1:"), 1);
    assert_int_equal(program_logged(p, "HTTPS"), 0); /* only with a certificate */
}

static void info_tells_where_it_listens(void **state)
{
    (void)state;
    char wanted[256];
    struct program *p = program_start("--broadcast-address=b.example");
    unsigned port = program_port(p, "HTTP");
    const char *answer = answer_of(port, "GET /info");
    snprintf(wanted, sizeof wanted, "\"broadcast_address\":\"b.example\",\"hostname\":\"");
    assert_has(answer, wanted);
    snprintf(wanted, sizeof wanted, "\",\"http_port\":%u,\"tcp_port\":%u,\"start_time\":", port,
             p->port);
    assert_has(answer, wanted);
    const char *start = strstr(answer, "\"start_time\":");
    assert_in_range(time(NULL) - atoll(start + strlen("\"start_time\":")), 0, 60);
    assert_int_equal(program_end(p, SIGTERM), 0);
}

static void a_unix_socket_serves_http(void **state)
{
    (void)state;
    char folder[] = "/tmp/nsqref-test-XXXXXX";
    char flag[128];
    char line[256];
    assert_non_null(mkdtemp(folder));
    snprintf(flag, sizeof flag, "--http-address=%s/http.sock", folder);
    const char *path = flag + strlen("--http-address=");
    struct program *p = program_start(flag);
    snprintf(line, sizeof line, " INFO: HTTP: listening on %s\n", path);
    program_await(p, line, 1);
    const char *answer = answer_at(net_connect_unix(path), "GET /info");
    snprintf(line, sizeof line, "\"http_port\":-1,\"tcp_port\":%u,", p->port);
    assert_has(answer, line);
    program_await(p, " INFO: 200 GET /info (@)\n", 1);
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(rmdir(folder), 0);
}

/* The level is valid for lines of the engine and of the shell. */
static void put(unsigned port, const char *level)
{
    char request[200];
    int fd = net_connect(port);
    snprintf(request, sizeof request,
             "PUT /config/log_level HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(level), level);
    net_send(fd, text_span(request));
    net_expect(fd, SPAN("HTTP/1.1 200 OK\r\n"));
    close(fd);
}

static void the_level_of_the_log_can_be_changed(void **state)
{
    (void)state;
    struct program *p = program_start(ORDINARY);
    unsigned port = program_port(p, "HTTP");
    put(port, "fatal");
    assert_has(answer_of(port, "GET /ping"), "\r\n\r\nOK");
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_int_equal(program_logged(p, "/ping"), 0);
    assert_int_equal(program_logged(p, "HTTP: closing"), 0);
    assert_int_equal(program_logged(p, "NSQ: bye"), 0);
    p = program_start(ORDINARY);
    port = program_port(p, "HTTP");
    put(port, "error");
    put(port, "debug");
    program_await(p, " INFO: 200 PUT /config/log_level (127.0.0.1:", 1);
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_int_equal(program_logged(p, "HTTP: closing"), 1);
}

static void without_an_address_there_is_no_http(void **state)
{
    (void)state;
    struct program *p = program_start("--http-address=", ORDINARY);
    int fd = net_connect(p->port);
    net_send(fd, SPAN("  V2"));
    net_publish(fd, "t", SPAN("x"));
    net_expect_frame(fd, 0, SPAN("OK"));
    close(fd);
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_int_equal(program_logged(p, "HTTP"), 0);
}

static void a_port_that_is_used_ends_the_start(void **state)
{
    (void)state;
    char folder[] = "/tmp/nsqref-test-XXXXXX";
    char path[64];
    char line[256];
    char flag[64];
    struct program *p = program_start(ORDINARY);
    unsigned port = program_port(p, "HTTP");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/nsqd.sock", folder);
    snprintf(flag, sizeof flag, "--http-address=127.0.0.1:%u", port);
    const char *const args[] = {flag, NULL};
    struct program *second = program_spawn(&(struct program_setup){.address = path, .args = args});
    assert_int_equal(program_wait(second), 1);
    snprintf(line, sizeof line,
             " FATAL: failed to instantiate nsqd - listen (127.0.0.1:%u) failed - listen tcp "
             "127.0.0.1:%u: bind: address already in use\n",
             port, port);
    assert_int_equal(program_logged(second, line), 1);
    assert_int_equal(access(path, F_OK), -1); /* the file of the other listener is removed */
    assert_has(answer_of(port, "GET /ping"), "\r\n\r\nOK");
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(int argc, char **argv)
{
    (void)argc;
    program_locate(argv[0]);
    alarm(250);
#define TEST(f) cmocka_unit_test_teardown(f, program_clean_up)
    const struct CMUnitTest tests[] = {
        TEST(requests_reach_the_same_broker_as_v2_clients),
        TEST(info_tells_where_it_listens),
        TEST(a_unix_socket_serves_http),
        TEST(the_level_of_the_log_can_be_changed),
        TEST(without_an_address_there_is_no_http),
        TEST(a_port_that_is_used_ends_the_start),
    };
#undef TEST
    return cmocka_run_group_tests_name("program_http", tests, NULL, NULL);
}
