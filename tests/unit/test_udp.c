/* SPDX-License-Identifier: MIT */
/*
 * Tests of the UDP socket that shell/tcp_server.h opens for its handler, on loopback. This file
 * replaces the clock.
 */
#include "shell/tcp_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/time.h"
#include "shell/clock.h"
#include "shell/socket.h"
#include "shell/tcp_server_parts.h"
#include "support/fake_handler.h"
#include "support/refusing_waiter.h"

static int64_t a_look_takes; /* ns that pass whenever somebody looks at the clock */
static int64_t skipped;

int64_t clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    skipped += a_look_takes;
    return (int64_t)t.tv_sec * TIME_SECOND + t.tv_nsec + skipped;
}

int64_t clock_wall_offset(void)
{
    return 0;
}

struct world {
    struct fake_handler fake;
    struct log_writer log;
    struct tcp_server *server;
    int receiver; /* a UDP socket on loopback */
    unsigned port;
    int end[2];
};

static void begin(struct world *w)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    *w = (struct world){.log = {.fd = -1, .prefix = "", .least = LOG_FATAL}};
    fake_handler_init(&w->fake);
    assert_int_equal(pipe(w->end), 0);
    w->receiver = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(w->receiver, (struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(getsockname(w->receiver, (struct sockaddr *)&here, &size), 0);
    w->port = ntohs(here.sin_port);
    w->server = tcp_server_new(fake_handler(&w->fake), waiter_poll(), &w->log, w->end[0]);
    assert_non_null(w->server);
}

static void end(struct world *w)
{
    tcp_server_free(w->server);
    fake_handler_free(&w->fake);
    log_writer_free(&w->log);
    close(w->receiver);
    close(w->end[0]);
    close(w->end[1]);
}

/* A look-up of a name takes a while on a slow machine: a minute is allowed. */
#define OPEN_ROUNDS 1200

/* Asks for a socket to this host and the receiver's port, and waits for the answer. */
static void open_to(struct world *w, uint64_t ticket, const char *host)
{
    char address[SOCKET_ADDRESS_MAX];
    size_t answers = w->fake.udp_answers;
    snprintf(address, sizeof address, "%s:%u", host, w->port);
    fake_ask_udp_open(&w->fake, ticket, address);
    for (int i = 0; i < OPEN_ROUNDS && w->fake.udp_answers == answers; i++) {
        tcp_server_round(w->server, 50 * TIME_MS);
    }
    assert_int_equal(w->fake.udp_answers, answers + 1);
    assert_int_equal(w->fake.udp_ticket, ticket);
}

/* Runs rounds until the server has done all that it was asked for. A round leaves requests over
 * when its time is used up, on a slow machine after each of them. */
static void settle(struct world *w)
{
    int rounds = 0;
    do {
        tcp_server_round(w->server, 0);
    } while (w->server->left_over && ++rounds < 20);
    assert_false(w->server->left_over);
}

static void expect_datagram(const struct world *w, struct span expected)
{
    static char got[70000];
    struct pollfd p = {.fd = w->receiver, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 10000), 1);
    assert_int_equal(recv(w->receiver, got, sizeof got, 0), expected.n);
    assert_memory_equal(got, expected.p, expected.n);
}

static void expect_silence(const struct world *w)
{
    struct pollfd p = {.fd = w->receiver, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
}

static void datagrams_arrive(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "localhost", ""};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct world w;
        begin(&w);
        open_to(&w, 7 + i, hosts[i]);
        assert_string_equal(w.fake.udp_why, "");
        fake_ask_udp_send(&w.fake, SPAN("one\n"));
        fake_ask_udp_send(&w.fake, SPAN("a\0b"));
        settle(&w);
        expect_datagram(&w, SPAN("one\n"));
        expect_datagram(&w, SPAN("a\0b"));
        end(&w);
    }
}

static void the_largest_datagram_arrives(void **state)
{
    (void)state;
    struct world w;
    static char bytes[65508];
    begin(&w);
    open_to(&w, 1, "127.0.0.1");
    fake_ask_udp_send(&w.fake, span_make(bytes, 65508)); /* is lost */
    fake_ask_udp_send(&w.fake, span_make(bytes, 65507));
    settle(&w);
    expect_datagram(&w, span_make(bytes, 65507));
    end(&w);
}

static void without_a_socket_datagrams_are_lost(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    fake_ask_udp_send(&w.fake, SPAN("lost"));
    settle(&w);
    open_to(&w, 1, "127.0.0.1");
    fake_ask_udp_send(&w.fake, SPAN("arrives"));
    settle(&w);
    expect_datagram(&w, SPAN("arrives"));
    expect_silence(&w);
    end(&w);
}

static void a_new_socket_replaces_the_old_one(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    open_to(&w, 1, "127.0.0.1");
    int first = w.server->udp;
    open_to(&w, 2, "127.0.0.1");
    assert_int_equal(w.server->udp, first); /* the lowest number that is free */
    open_to(&w, 3, "127.0.0.1:1");
    assert_string_not_equal(w.fake.udp_why, "");
    assert_int_equal(w.server->udp, -1);
    fake_ask_udp_send(&w.fake, SPAN("lost"));
    settle(&w);
    expect_silence(&w);
    end(&w);
}

static void what_is_no_address_fails(void **state)
{
    (void)state;
    static const char *const bad[] = {"127.0.0.1", "127.0.0.1:99999", "a\tb", "/tmp/socket", ""};
    char text[2000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t i = 0; i <= sizeof bad / sizeof bad[0]; i++) {
        struct world w;
        begin(&w);
        fake_ask_udp_open(&w.fake, 9, i < sizeof bad / sizeof bad[0] ? bad[i] : text);
        settle(&w);
        assert_int_equal(w.fake.udp_ticket, 9);
        assert_string_not_equal(w.fake.udp_why, "");
        end(&w);
    }
}

static void an_address_of_no_use_fails(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    open_to(&w, 1, "[fe80::1]"); /* which link? */
    assert_string_equal(w.fake.udp_why, "dial udp: invalid argument");
    open_to(&w, 2, "name.invalid");
    assert_string_not_equal(w.fake.udp_why, "");
    end(&w);
}

static void an_address_may_be_a_broadcast(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    open_to(&w, 1, "127.255.255.255");
    assert_string_equal(w.fake.udp_why, "");
    end(&w);
}

/* Only the last one is answered, also when it needs no look-up. */
static void a_look_up_is_given_up_for_the_next_one(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    /* Both are asked for at once, so the first look-up cannot be answered between them. */
    const struct ask first = {.kind = ASK_UDP_OPEN, .ticket = 1, .address = SPAN("localhost:1")};
    tcp_open_udp(w.server, &first, clock_now());
    char address[SOCKET_ADDRESS_MAX];
    snprintf(address, sizeof address, "127.0.0.1:%u", w.port);
    const struct ask second = {
        .kind = ASK_UDP_OPEN, .ticket = 2, .address = span_make(address, strlen(address))};
    tcp_open_udp(w.server, &second, clock_now());
    assert_int_equal(w.fake.udp_ticket, 2);
    for (int i = 0; i < 5; i++) {
        tcp_server_round(w.server, 20 * TIME_MS);
    }
    assert_int_equal(w.fake.udp_answers, 1);
    fake_ask_udp_send(&w.fake, SPAN("to the second"));
    settle(&w);
    expect_datagram(&w, SPAN("to the second"));
    end(&w);
}

/* The closing is not left to a round, so the look-up cannot be answered before. */
static void a_look_up_ends_with_a_closing(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    const struct ask open = {.kind = ASK_UDP_OPEN, .ticket = 1, .address = SPAN("localhost:1")};
    tcp_open_udp(w.server, &open, clock_now());
    tcp_close_udp(w.server);
    for (int i = 0; i < 5; i++) {
        tcp_server_round(w.server, 20 * TIME_MS);
    }
    assert_int_equal(w.fake.udp_answers, 0);
    assert_int_equal(w.server->udp, -1);
    end(&w);
}

static void a_socket_is_closed(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    fake_ask_udp_close(&w.fake); /* there is none */
    settle(&w);
    open_to(&w, 1, "127.0.0.1");
    fake_ask_udp_close(&w.fake);
    fake_ask_udp_send(&w.fake, SPAN("lost"));
    settle(&w);
    assert_int_equal(w.server->udp, -1);
    expect_silence(&w);
    end(&w);
}

/* The reason is that of the step that failed first. */
static void a_family_without_sockets_fails(void **state)
{
    (void)state;
    char why[SOCKET_WHY_MAX] = "";
    struct socket_addresses addresses = {.count = 1};
    addresses.address[0].ss_family = AF_UNSPEC;
    addresses.size[0] = sizeof(struct sockaddr_in);
    assert_int_equal(socket_open_udp(&addresses, why), -1);
    assert_string_equal(why, "dial udp: address family not supported by protocol");
}

static void a_name_fails_when_the_resolver_cannot_be_waited_for(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    w.server->waiter.add = refusing_add;
    open_to(&w, 1, "localhost");
    assert_string_equal(w.fake.udp_why, "dial udp: too many look-ups");
    end(&w);
}

/* Each request uses up the time of its round, so the last rounds have one request each. */
static void the_last_datagrams_leave_before_the_end(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    open_to(&w, 1, "127.0.0.1");
    fake_ask_udp_send(&w.fake, SPAN("first"));
    fake_ask_udp_send(&w.fake, SPAN("second"));
    fake_ask_udp_send(&w.fake, SPAN("last"));
    assert_int_equal(write(w.end[1], "", 1), 1);
    int64_t before = a_look_takes;
    a_look_takes = TIME_SECOND;
    int rounds = 1;
    while (tcp_server_round(w.server, 0) && rounds < 20) {
        rounds++;
    }
    a_look_takes = before;
    assert_in_range(rounds, 2, 10);
    expect_datagram(&w, SPAN("first"));
    expect_datagram(&w, SPAN("second"));
    expect_datagram(&w, SPAN("last"));
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_arrive),
        cmocka_unit_test(the_largest_datagram_arrives),
        cmocka_unit_test(without_a_socket_datagrams_are_lost),
        cmocka_unit_test(a_new_socket_replaces_the_old_one),
        cmocka_unit_test(what_is_no_address_fails),
        cmocka_unit_test(an_address_of_no_use_fails),
        cmocka_unit_test(an_address_may_be_a_broadcast),
        cmocka_unit_test(a_look_up_is_given_up_for_the_next_one),
        cmocka_unit_test(a_look_up_ends_with_a_closing),
        cmocka_unit_test(a_socket_is_closed),
        cmocka_unit_test(a_family_without_sockets_fails),
        cmocka_unit_test(a_name_fails_when_the_resolver_cannot_be_waited_for),
        cmocka_unit_test(the_last_datagrams_leave_before_the_end),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    a_look_takes =
        TIME_SECOND; /* all of it again on a machine so slow that a round does one thing */
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
