/* SPDX-License-Identifier: MIT */
/*
 * Tests of the connections that shell/tcp_server.h makes, on loopback, for a handler that asks for
 * one and notes the result.
 */
#include "shell/tcp_server.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/time.h"
#include "shell/socket.h"
#include "support/refusing_waiter.h"

#define CONN ((uint64_t)1 << 32)

struct dialler {
    struct span address; /* the address to ask for; empty: it was asked for */
    bool gives_up;       /* it wants CLOSE from the beginning */
    bool changed;
    bool connected, closed, stopping;
    char why[SOCKET_WHY_MAX];
    struct span out;
    char in[64];
    size_t in_size;
};

static uint64_t on_open(void *self, unsigned listener, struct span peer, int64_t now)
{
    (void)self;
    (void)listener;
    (void)peer;
    (void)now;
    return 0;
}

static void on_connected(void *self, uint64_t conn, struct span why, int64_t now)
{
    struct dialler *d = self;
    (void)now;
    assert_int_equal(conn, CONN);
    d->connected = why.n == 0;
    d->closed = why.n > 0;
    d->changed = d->connected;
    memcpy(d->why, why.p == NULL ? (const uint8_t *)"" : why.p, why.n);
}

static size_t on_recv(void *self, uint64_t conn, struct span in, int64_t now)
{
    struct dialler *d = self;
    (void)conn;
    (void)now;
    assert_true(d->in_size + in.n <= sizeof d->in);
    memcpy(d->in + d->in_size, in.p, in.n);
    d->in_size += in.n;
    return in.n;
}

static void on_eof(void *self, uint64_t conn, int64_t now)
{
    (void)conn;
    (void)now;
    ((struct dialler *)self)->gives_up = true;
    ((struct dialler *)self)->changed = true;
}

static void on_closed(void *self, uint64_t conn, enum closed_reason reason, int64_t now)
{
    (void)conn;
    (void)reason;
    (void)now;
    ((struct dialler *)self)->closed = true;
}

static size_t on_out(void *self, uint64_t conn, struct span *spans, size_t most, int64_t now)
{
    const struct dialler *d = self;
    (void)conn;
    (void)now;
    if (d->out.n == 0 || most == 0) {
        return 0;
    }
    spans[0] = d->out;
    return 1;
}

static void on_sent(void *self, uint64_t conn, size_t n, int64_t now)
{
    (void)now;
    struct dialler *d = self;
    (void)conn;
    d->out = span_skip(d->out, n);
}

static unsigned on_want(void *self, uint64_t conn)
{
    const struct dialler *d = self;
    (void)conn;
    return d->gives_up || d->stopping ? WANT_CLOSE : d->connected ? WANT_READ : 0;
}

static void on_step(void *self, int64_t now, int64_t judged)
{
    (void)judged;
    (void)self;
    (void)now;
}

static int64_t on_next_deadline(void *self)
{
    (void)self;
    return TIME_NEVER;
}

static uint64_t on_next_changed(void *self)
{
    struct dialler *d = self;
    bool changed = d->changed;
    d->changed = false;
    return changed ? CONN : 0;
}

static struct ask on_next_ask(void *self)
{
    struct dialler *d = self;
    struct span address = d->address;
    d->address = span_make(NULL, 0);
    return address.n == 0 ? (struct ask){0}
                          : (struct ask){.kind = ASK_CONNECT, .ticket = CONN, .address = address};
}

static void on_wall(void *self, int64_t offset)
{
    (void)self;
    (void)offset;
}

static void on_resident(void *self, size_t bytes)
{
    (void)self;
    (void)bytes;
}

static void on_stop(void *self, int64_t now)
{
    (void)now;
    ((struct dialler *)self)->stopping = true;
    ((struct dialler *)self)->changed = true;
}

static bool on_stopped(void *self)
{
    const struct dialler *d = self;
    return d->stopping && d->closed;
}

struct world {
    struct dialler dialler;
    struct log_writer log;
    struct tcp_server *server;
    int end[2];
};

static void begin(struct world *w, const char *address)
{
    *w = (struct world){
        .dialler = {.address = span_make(address, strlen(address)), .out = SPAN("hello")},
        .log = {.fd = -1, .prefix = "", .least = LOG_FATAL}};
    assert_int_equal(pipe(w->end), 0);
    const struct tcp_handler handler = {.self = &w->dialler,
                                        .open = on_open,
                                        .connected = on_connected,
                                        .recv = on_recv,
                                        .eof = on_eof,
                                        .closed = on_closed,
                                        .out = on_out,
                                        .sent = on_sent,
                                        .want = on_want,
                                        .step = on_step,
                                        .next_deadline = on_next_deadline,
                                        .next_changed = on_next_changed,
                                        .next_ask = on_next_ask,
                                        .wall = on_wall,
                                        .resident = on_resident,
                                        .stop = on_stop,
                                        .stopped = on_stopped};
    w->server = tcp_server_new(handler, waiter_poll(), &w->log, w->end[0]);
}

static void end(struct world *w)
{
    tcp_server_free(w->server);
    log_writer_free(&w->log);
    close(w->end[0]);
    close(w->end[1]);
}

/* Runs rounds until the result of the connection is known. */
static void run(struct world *w)
{
    for (int i = 0; i < 200 && !w->dialler.connected && !w->dialler.closed; i++) {
        tcp_server_round(w->server, 50 * TIME_MS);
    }
}

static int listen_here(char address[SOCKET_ADDRESS_MAX])
{
    char why[SOCKET_WHY_MAX];
    int fd = socket_listen("127.0.0.1:0", why);
    assert_true(fd >= 0);
    socket_local_address(fd, address);
    return fd;
}

static int accept_one(int listener)
{
    char peer[SOCKET_ADDRESS_MAX];
    int fd = -1;
    for (int i = 0; i < 200 && fd < 0; i++) {
        fd = socket_accept(listener, peer);
        if (fd < 0) {
            poll(NULL, 0, 1);
        }
    }
    assert_true(fd >= 0);
    return fd;
}

/* The connection sends and receives, and ends when the peer ends it. */
static void converse(struct world *w, int listener)
{
    char text[8] = "";
    run(w);
    assert_true(w->dialler.connected);
    int fd = accept_one(listener);
    tcp_server_round(w->server, 0);
    for (int i = 0; i < 200 && recv(fd, text, 5, 0) != 5; i++) {
        poll(NULL, 0, 1);
    }
    assert_string_equal(text, "hello");
    assert_int_equal(send(fd, "answer", 6, 0), 6);
    close(fd);
    for (int i = 0; i < 200 && !w->dialler.closed; i++) {
        tcp_server_round(w->server, 50 * TIME_MS);
    }
    assert_true(w->dialler.closed);
    assert_memory_equal(w->dialler.in, "answer", 6);
}

static void a_number_is_connected_to(void **state)
{
    (void)state;
    struct world w;
    char address[SOCKET_ADDRESS_MAX];
    int listener = listen_here(address);
    begin(&w, address);
    converse(&w, listener);
    end(&w);
    close(listener);
}

/* On many machines the first address of localhost is ::1, where no server listens. Then the next
 * address is tried. */
static void a_name_is_looked_up(void **state)
{
    (void)state;
    struct world w;
    char address[SOCKET_ADDRESS_MAX];
    char name[SOCKET_ADDRESS_MAX + 16];
    int listener = listen_here(address);
    snprintf(name, sizeof name, "localhost%s", strrchr(address, ':'));
    begin(&w, name);
    converse(&w, listener);
    end(&w);
    close(listener);
}

/* The answers of the resolver would never be noticed. */
static void a_name_fails_when_the_resolver_cannot_be_waited_for(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "localhost:1");
    w.server->waiter.add = refusing_add;
    run(&w);
    assert_true(w.dialler.closed);
    assert_string_equal(w.dialler.why, "dial tcp: too many look-ups");
    end(&w);
}

static void who_does_not_listen_refuses(void **state)
{
    (void)state;
    struct world w;
    char address[SOCKET_ADDRESS_MAX];
    char why[SOCKET_WHY_MAX];
    close(listen_here(address));
    snprintf(why, sizeof why, "dial tcp %s: connect: connection refused", address);
    begin(&w, address);
    run(&w);
    assert_false(w.dialler.connected);
    assert_true(w.dialler.closed);
    assert_string_equal(w.dialler.why, why);
    end(&w);
}

static void what_is_no_address_fails(void **state)
{
    (void)state;
    static const char *const bad[] = {"127.0.0.1", "127.0.0.1:99999", "a\tb"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct world w;
        begin(&w, bad[i]);
        run(&w);
        assert_string_equal(w.dialler.why, "dial tcp: invalid address");
        end(&w);
    }
    char text[2000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct world w;
    begin(&w, text);
    run(&w);
    assert_string_equal(w.dialler.why, "dial tcp: invalid address");
    end(&w);
}

/* An address of TEST-NET-1, where nothing answers, and a name whose look-up is not complete. */
static void who_gives_up_does_not_wait(void **state)
{
    (void)state;
    static const char *const slow[] = {"192.0.2.1:80", "name.invalid:80"};
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++) {
        struct world w;
        begin(&w, slow[i]);
        tcp_server_round(w.server, 0);
        if (!w.dialler.closed) { /* a machine without a network refuses at once */
            w.dialler.gives_up = true;
            w.dialler.changed = true;
            tcp_server_round(w.server, 0);
        }
        assert_true(w.dialler.closed);
        end(&w);
    }
}

static void who_wants_it_no_more_is_closed(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "127.0.0.1:1");
    w.dialler.gives_up = true;
    tcp_server_round(w.server, 0);
    assert_true(w.dialler.closed);
    assert_string_equal(w.dialler.why, "");
    end(&w);
}

static void the_end_closes_what_is_not_connected_yet(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "192.0.2.1:80");
    tcp_server_round(w.server, 0);
    assert_int_equal(write(w.end[1], "", 1), 1);
    for (int i = 0; i < 10 && tcp_server_round(w.server, 50 * TIME_MS); i++) {
    }
    assert_true(w.dialler.closed);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_connected_to),
        cmocka_unit_test(a_name_is_looked_up),
        cmocka_unit_test(a_name_fails_when_the_resolver_cannot_be_waited_for),
        cmocka_unit_test(who_does_not_listen_refuses),
        cmocka_unit_test(what_is_no_address_fails),
        cmocka_unit_test(who_gives_up_does_not_wait),
        cmocka_unit_test(who_wants_it_no_more_is_closed),
        cmocka_unit_test(the_end_closes_what_is_not_connected_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
