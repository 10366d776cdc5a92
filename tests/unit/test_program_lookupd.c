/* SPDX-License-Identifier: MIT */
/*
 * Tests of nsqlookupd as a program: how it starts, what it logs, how it ends, and that both ports
 * reach the same registry. What its commands and pages do is tested elsewhere, without sockets.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/folder.h"
#include "support/net.h"
#include "support/program.h"

#define START "[nsqlookupd] 2"

/* Starts it with one more flag, or none, and waits until it listens. */
static struct program *start_with(const char *flag)
{
    const char *const args[] = {flag, NULL};
    return program_start_with(&(struct program_setup){.name = "nsqlookupd", .args = args});
}

static struct program *start(void)
{
    return start_with(NULL);
}

/* Sends bytes of V1, and expects one reply. */
static void say(int fd, struct span bytes, const char *reply)
{
    size_t n = strlen(reply);
    uint8_t size[4] = {0, 0, 0, (uint8_t)n};
    net_send(fd, bytes);
    net_expect(fd, span_make(size, sizeof size));
    net_expect(fd, span_make(reply, n));
}

static char identified[512]; /* the reply to the last IDENTIFY */

/* Connects a producer and registers it for t and c. */
static int join(struct program *p)
{
    int fd = net_connect(p->port);
    net_send(fd, SPAN("  V1IDENTIFY\n\0\0\0\x4c"
                      "{\"broadcast_address\":\"here\",\"tcp_port\":1,\"http_port\":2,"
                      "\"version\":\"1.0.0\"}   "));
    uint8_t size[4];
    net_read(fd, size, sizeof size);
    assert_true(size[0] == 0 && size[1] == 0 && size[2] == 0);
    size_t n = size[3];
    net_read(fd, identified, n);
    identified[n] = '\0';
    say(fd, SPAN("REGISTER t c\n"), "OK");
    return fd;
}

/* Requests a page and reads until its text contains `end`. Fails the test if it never does. */
static void expect_page(struct program *p, const char *target, const char *end)
{
    static char page[4096];
    char request[256];
    size_t n = 0;
    int fd = net_connect(program_port(p, "HTTP"));
    snprintf(request, sizeof request, "%s HTTP/1.0\r\n\r\n", target);
    net_send(fd, span_make(request, strlen(request)));
    for (page[0] = '\0'; strstr(page, end) == NULL; page[++n] = '\0') {
        assert_true(n + 1 < sizeof page);
        net_read(fd, page + n, 1);
    }
    close(fd);
}

static void both_ports_reach_one_registry(void **state)
{
    (void)state;
    struct program *p = start();
    int fd = join(p);
    expect_page(p, "GET /lookup?topic=t", "\"broadcast_address\":\"here\"");
    expect_page(p, "GET /ping", "\r\n\r\nOK");
    expect_page(p, "GET /channels?topic=t", "{\"channels\":[\"c\"]}");
    close(fd);
    int other = join(p);
    say(other, SPAN("UNREGISTER t\n"), "OK");
    expect_page(p, "GET /lookup?topic=t", "{\"channels\":[\"c\"],\"producers\":[]}");
    close(other);
    assert_int_equal(program_end(p, SIGTERM), 0);
}

static void flags_reach_their_places(void **state)
{
    (void)state;
    static const char tombstone[] = "POST /topic/tombstone?topic=t&node=here:2";
    struct program *p = start_with("--max-registrations=2");
    int fd = join(p);
    say(fd, SPAN("REGISTER u\n"), "E_INVALID REGISTER more than 2 registrations on one connection");
    close(fd);

    p = start_with("--inactive-producer-timeout=-1s");
    fd = join(p);
    expect_page(p, "GET /nodes", "{\"producers\":[]}");
    close(fd);

    p = start(); /* the tombstone stays for 45 s */
    fd = join(p);
    expect_page(p, tombstone, " 200 OK\r\n");
    expect_page(p, "GET /lookup?topic=t", "\"producers\":[]}");
    close(fd);
    p = start_with("--tombstone-lifetime=-1s");
    fd = join(p);
    expect_page(p, tombstone, " 200 OK\r\n");
    expect_page(p, "GET /lookup?topic=t", "\"broadcast_address\":\"here\"");
    close(fd);

    p = start_with("--broadcast-address=over-there");
    close(join(p));
    assert_non_null(strstr(identified, "{\"broadcast_address\":\"over-there\",\"hostname\":\""));
    assert_non_null(strstr(identified, ",\"version\":\"1.3.0\"}"));
}

static void connections_are_limited(void **state)
{
    (void)state;
    struct program *p = start_with("--max-connections=1");
    int fd = join(p);
    int other = net_connect(p->port);
    net_await_end(other);
    close(other);
    close(fd);

    p = start_with("--magic-timeout=50ms");
    fd = net_connect(p->port);
    net_send(fd, SPAN("  V"));
    net_await_end(fd);
    close(fd);
    fd = net_connect(p->port);
    net_send(fd, SPAN("  V1IDENTIFY\n\0\0"));
    net_await_end(fd);
    close(fd);

    p = start_with("--memory-bytes=1");
    fd = net_connect(p->port);
    net_send(fd, SPAN("  V1IDENTIFY\n\0\0\0\x47{\"broadcast_address\":\"here\",\"tcp_port\":1,"
                      "\"http_port\":2,\"version\":\"1\"}  "));
    net_await_end(fd);
    close(fd);
}

/* Connections at every point of a conversation. None of them ends by itself, and nsqlookupd 1.3.0
 * waits for ever for those that have not sent four bytes. */
static void expect_end_by(int signal)
{
    static const struct span unfinished[] = {
        SPAN_LITERAL(""),
        SPAN_LITERAL("  "),
        SPAN_LITERAL("  V1"),
        SPAN_LITERAL("  V1PING"),
        SPAN_LITERAL("  V1IDENTIFY\n\0\0"),
        SPAN_LITERAL("  V1IDENTIFY\n\0\0\0\x10{"),
    };
    enum { COUNT = sizeof unfinished / sizeof unfinished[0] };
    struct program *p = start();
    int fds[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        fds[i] = net_connect(p->port);
        net_send(fds[i], unfinished[i]);
    }
    int http = net_connect(program_port(p, "HTTP"));
    net_send(http, SPAN("GET /pi"));
    int producer = join(p);
    assert_int_equal(program_end(p, signal), 0);
    assert_int_equal(program_logged(p, " INFO: TCP: closing 127.0.0.1:"), 1);
    assert_int_equal(program_logged(p, " INFO: HTTP: closing 127.0.0.1:"), 1);
    assert_int_equal(program_logged(p, "bye"), 0); /* a line of nsqd */
    for (size_t i = 0; i < COUNT; i++) {
        net_await_end(fds[i]);
        close(fds[i]);
    }
    net_await_end(http);
    net_await_end(producer);
    close(http);
    close(producer);
}

static void term_ends_it_whatever_its_clients_do(void **state)
{
    (void)state;
    expect_end_by(SIGTERM);
}

static void int_ends_it_whatever_its_clients_do(void **state)
{
    (void)state;
    expect_end_by(SIGINT);
}

static void a_wrong_start_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *arg;
        int code;
        const char *line;
    } rows[] = {
        {"--nope", 2, "flag provided but not defined: -nope\nUsage of nsqlookupd:\n"},
        {"--max-connections=-1", 1,
         " FATAL: failed to instantiate nsqlookupd - --max-connections must not be negative\n"},
        {"--config=/tmp/nsqref-test/no", 1,
         " FATAL: failed to load config file /tmp/nsqref-test/no - open /tmp/nsqref-test/no: no "
         "such file or directory\n"},
        {"--http-address=nope", 1,
         " FATAL: failed to instantiate nsqlookupd - listen (nope) failed - listen tcp: address "
         "nope: missing port in address\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const args[] = {rows[i].arg, NULL};
        program_expect_refusal(&(struct program_setup){.name = "nsqlookupd", .args = args},
                               rows[i].code, rows[i].line);
    }
}

static void a_port_is_used_by_one_at_a_time(void **state)
{
    (void)state;
    char address[64];
    char line[256];
    struct program *p = start();
    snprintf(address, sizeof address, "127.0.0.1:%u", p->port);
    snprintf(line, sizeof line,
             " FATAL: failed to instantiate nsqlookupd - listen (%s) failed - listen tcp "
             "%s: bind: address already in use\n",
             address, address);
    program_expect_refusal(&(struct program_setup){.name = "nsqlookupd", .address = address}, 1,
                           line);
    close(join(p)); /* the first server still works */
}

static void a_configuration_file_is_read(void **state)
{
    (void)state;
    char arg[FOLDER_PATH_MAX + 16];
    folder_write("f.cfg", "log_prefix = '[other] '\nmax_connections = 0\n");
    snprintf(arg, sizeof arg, "--config=%s", folder_path("f.cfg"));
    struct program *p = start_with(arg);
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_int_equal(program_logged(p, "[other] 2"), 5); /* the version, and two for each port */
    assert_int_equal(program_logged(p, START), 0);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_teardown(name, program_clean_up)
    const struct CMUnitTest tests[] = {
        TEST(both_ports_reach_one_registry),
        TEST(flags_reach_their_places),
        TEST(connections_are_limited),
        TEST(term_ends_it_whatever_its_clients_do),
        TEST(int_ends_it_whatever_its_clients_do),
        TEST(a_wrong_start_is_refused),
        TEST(a_port_is_used_by_one_at_a_time),
        TEST(a_configuration_file_is_read),
    };
    (void)argc;
    program_locate(argv[0]);
    alarm(250);
    return cmocka_run_group_tests_name("program_lookupd", tests, folder_make, folder_remove);
}
