/* SPDX-License-Identifier: MIT */
/*
 * Tests of shell/tcp_server.h with real sockets on loopback and a handler that the tests control.
 * Everything runs in this thread: the test runs the server's rounds. This file replaces the clock,
 * so that tests can let time pass, and accept(), recv() and send(), so that they can fail.
 */
#include "shell/tcp_server.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/time.h"
#include "shell/clock.h"
#include "shell/socket.h"
#include "support/fake_handler.h"
#include "support/net.h"
#include "support/pages.h"
#include "support/refusing_waiter.h"

/* --- the world -------------------------------------------------------------------------------- */

static int64_t skipped;  /* ns that a test has let pass */
static int64_t stopped;  /* not 0: the clock stands still at this time, ns */
static int64_t wall = 1; /* the wall clock's offset */

int64_t clock_now(void)
{
    struct timespec t;
    if (stopped != 0) {
        return stopped + skipped;
    }
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * TIME_SECOND + t.tv_nsec + skipped;
}

int64_t clock_wall_offset(void)
{
    return wall;
}

static int accept_errors[8]; /* errno of the next calls of accept(); 0: they succeed */
static size_t accept_error_count;
static size_t accept_calls;

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);

int accept(int fd, struct sockaddr *address, socklen_t *size)
{
    accept_calls++;
    if (accept_error_count > 0) {
        errno = accept_errors[0];
        accept_error_count--;
        memmove(accept_errors, accept_errors + 1, accept_error_count * sizeof accept_errors[0]);
        return -1;
    }
    return accept4(fd, address, size, 0);
}

/* The next call on this descriptor fails with this error. */
struct failure {
    int fd;
    int error; /* 0: none fails */
};

static struct failure recv_failure;
static size_t
    recv_most; /* recv() returns at most so many bytes, unless it only looks; 0: no limit */
static struct failure send_failure;

static bool fails(struct failure *f, int fd)
{
    if (f->error == 0 || f->fd != fd) {
        return false;
    }
    errno = f->error;
    f->error = 0;
    return true;
}

/* Under another name in this file: with FORTIFY its own is that of an inline function. */
ssize_t failing_recv(int fd, void *p, size_t n, int flags) __asm__("recv");

ssize_t failing_recv(int fd, void *p, size_t n, int flags)
{
    bool less = recv_most > 0 && recv_most < n && !(flags & MSG_PEEK);
    return fails(&recv_failure, fd) ? -1 : recvfrom(fd, p, less ? recv_most : n, flags, NULL, NULL);
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
    return fails(&send_failure, fd) ? -1 : sendto(fd, p, n, flags, NULL, 0);
}

static void fail_accept(int error)
{
    accept_errors[accept_error_count++] = error;
}

static struct waiter (*make_waiter)(void) = waiter_poll;

struct world {
    struct fake_handler fake;
    struct tcp_server *server;
    struct log_writer log;
    int log_fd;      /* the reading end of its log */
    char text[8192]; /* all lines so far */
    size_t text_size;
    int end_write; /* a byte written here asks the server to end */
    int end_read;
    unsigned port;
    bool over; /* the last round was the last */
};

/* Runs one round that does not wait. The clock stands still meanwhile: otherwise the round would
 * end early when other processes use the processor. */
static void turn(void *context)
{
    struct world *w = context;
    int64_t before = stopped;
    if (stopped == 0) {
        stopped = clock_now() - skipped;
    }
    if (!w->over) {
        w->over = !tcp_server_round(w->server, 0);
    }
    stopped = before;
}

/* Runs enough rounds to handle everything: loopback delivers at once. */
static void settle(struct world *w)
{
    for (int i = 0; i < 8; i++) {
        turn(w);
    }
}

static unsigned add_listener(struct world *w, unsigned number, const char *name)
{
    char why[SOCKET_WHY_MAX];
    char address[SOCKET_ADDRESS_MAX];
    int fd = socket_listen("127.0.0.1:0", why);
    assert_true(fd >= 0);
    socket_local_address(fd, address);
    assert_true(tcp_server_listen(w->server, fd, number, name));
    return (unsigned)atoi(strchr(address, ':') + 1);
}

static int open_world(void **state)
{
    int log[2];
    int end[2];
    if (pipe(log) != 0 || pipe(end) != 0) {
        return -1;
    }
    struct world *w = alloc_zeroed(sizeof *w);
    fcntl(log[0], F_SETFL, O_NONBLOCK);
    fake_handler_init(&w->fake);
    w->log = (struct log_writer){.fd = log[1], .prefix = "", .least = LOG_INFO};
    w->log_fd = log[0];
    w->end_read = end[0];
    w->end_write = end[1];
    w->server = tcp_server_new(fake_handler(&w->fake), make_waiter(), &w->log, end[0]);
    w->port = add_listener(w, 0, "TCP");
    accept_calls = accept_error_count = 0;
    recv_most = 0;
    stopped = 0;
    net_turn = turn;
    net_turn_context = w;
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    struct world *w = *state;
    net_turn = NULL;
    if (w->server != NULL) {
        tcp_server_free(w->server);
    }
    fake_handler_free(&w->fake);
    log_writer_free(&w->log);
    close(w->log.fd);
    close(w->log_fd);
    close(w->end_read);
    close(w->end_write);
    alloc_free(w);
    return 0;
}

/* Connects a client; *conn is the handler's side of it. */
static int join(struct world *w, struct fake_conn **conn)
{
    int fd = net_connect(w->port);
    settle(w);
    if (conn != NULL) {
        *conn = fake_last(&w->fake);
    }
    return fd;
}

/* The server's descriptor for a connection. */
static int server_fd(struct world *w, const struct fake_conn *conn)
{
    return w->server->sockets[(uint32_t)conn->id].fd;
}

static void expect_in(const struct fake_conn *conn, const char *wanted)
{
    struct span in = buf_span(&conn->in);
    if (!span_equal(in, log_text(wanted))) {
        fail_msg("'%.*s', not '%s'", (int)in.n, (const char *)in.p, wanted);
    }
}

/* Checks that the next wait lasts as long as it may: nothing is left to do, and nothing wakes the
 * loop. */
static void expect_idle(struct world *w)
{
    settle(w);
    int64_t start = clock_now();
    size_t steps = w->fake.steps;
    assert_false(w->over);
    w->over = !tcp_server_round(w->server, 10 * TIME_MS);
    assert_int_equal(w->fake.steps, steps + 1);
    if (clock_now() - start < 10 * TIME_MS) {
        fail_msg("the loop was woken after %lld ns", (long long)(clock_now() - start));
    }
}

/* Makes the kernel's send buffer as small as possible. */
static void shrink(struct world *w, const struct fake_conn *conn)
{
    int least = 1;
    assert_int_equal(setsockopt(server_fd(w, conn), SOL_SOCKET, SO_SNDBUF, &least, sizeof least),
                     0);
}

/* Whether a line with this text was logged so far. */
static bool logged(struct world *w, const char *text)
{
    ssize_t n = read(w->log_fd, w->text + w->text_size, sizeof w->text - 1 - w->text_size);
    w->text_size += n > 0 ? (size_t)n : 0;
    w->text[w->text_size] = '\0';
    return strstr(w->text, text) != NULL;
}

static size_t open_descriptors(void)
{
    size_t n = 0;
    for (int fd = 0; fd < 1024; fd++) {
        n += fcntl(fd, F_GETFD) >= 0;
    }
    return n;
}

/* A pattern in which no two pieces are equal. */
static void fill(uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(i ^ i >> 8 ^ i >> 16);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

/* Runs rounds after enough time that the wall clock is checked again. */
static void settle_later(struct world *w)
{
    skipped += 10 * TIME_MS;
    settle(w);
}

static void the_wall_clock_is_told_first_and_when_it_changes(void **state)
{
    struct world *w = *state;
    assert_true(w->fake.wall_first);
    assert_int_equal(w->fake.walls, 1);
    assert_true(w->fake.wall_offset == wall);
    settle_later(w);
    assert_int_equal(w->fake.walls, 1);
    int64_t told = wall;
    wall = told + TIME_MS; /* noise */
    settle_later(w);
    assert_int_equal(w->fake.walls, 1);
    wall = told - TIME_MS;
    settle_later(w);
    assert_int_equal(w->fake.walls, 1);
    wall = told + TIME_MS + 1; /* many small steps are a change too */
    settle_later(w);
    assert_int_equal(w->fake.walls, 2);
    assert_true(w->fake.wall_offset == wall);
    wall = told - 3600 * TIME_SECOND;
    settle_later(w);
    assert_int_equal(w->fake.walls, 3);
    assert_true(w->fake.wall_offset == wall);
}

static void the_memory_of_the_process_is_told_once_a_second(void **state)
{
    struct world *w = *state;
    skipped += TIME_SECOND;
    settle(w);
    size_t before = w->fake.residents;
    assert_true(before > 0);
    assert_true(w->fake.resident > 100000 && w->fake.resident % 4096 == 0);
    settle(w); /* much less than a second later */
    assert_int_equal(w->fake.residents, before);
    skipped += TIME_SECOND;
    settle(w);
    assert_int_equal(w->fake.residents, before + 1);
}

/* The kernel gives the pages at once, before the next input is stored there. */
static void memory_that_input_needs_is_there_in_time(void **state)
{
    struct world *w = *state;
    static const uint8_t bytes[TCP_SERVER_READ_SIZE / 4];
    int fd = join(w, NULL);
    for (int i = 0; i < 200 && w->server->heap.input < ALLOCATOR_GROWTH / 2; i++) {
        net_send(fd, span_make(bytes, sizeof bytes));
        turn(w);
    }
    assert_in_range(w->server->heap.input, ALLOCATOR_GROWTH / 2, ALLOCATOR_GROWTH);
    uint8_t *end = pages_grow_heap((intptr_t)ALLOCATOR_GROWTH) + ALLOCATOR_GROWTH;
    turn(w);
    assert_int_equal(pages_there(end - (uintptr_t)end % PAGE - PAGE, 1), pages_at_once(1));
    assert_int_equal(w->server->heap.input, 0);
    close(fd);
}

/* Also on a machine whose wall clock starts at 0 when it is switched on. */
static void a_wall_clock_without_offset_is_told(void **state)
{
    struct world *w = *state;
    int64_t before = wall;
    struct fake_handler *fake = calloc(1, sizeof *fake);
    assert_non_null(fake);
    fake_handler_init(fake);
    wall = 0;
    struct tcp_server *server = tcp_server_new(fake_handler(fake), make_waiter(), &w->log, -1);
    wall = before;
    assert_int_equal(fake->walls, 1);
    tcp_server_free(server);
    free(fake);
}

static void a_deadline_ends_the_wait(void **state)
{
    struct world *w = *state;
    settle(w);
    int64_t start = clock_now();
    w->fake.deadline = start + 5 * TIME_MS;
    size_t steps = w->fake.steps;
    assert_true(tcp_server_round(w->server, -1));
    assert_int_equal(w->fake.steps, steps + 1); /* neither early nor in two waits */
    assert_true(w->fake.deadline == TIME_NEVER);
    assert_true(clock_now() - start >= 5 * TIME_MS);
    w->fake.deadline = 0; /* long ago */
    assert_true(tcp_server_round(w->server, -1));
    assert_true(w->fake.deadline == TIME_NEVER);
    w->fake.deadline = clock_now() + 3600 * TIME_SECOND;
    expect_idle(w);
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* A waiter that only counts its calls and lets time pass. */
static struct {
    int64_t lasts;   /* ns of a wait, if its timeout is not shorter */
    size_t count;    /* number of waits */
    int64_t timeout; /* of the last wait; ns */
} waits;

static size_t told_wait(void *self, int64_t timeout, struct waiter_event *events, size_t room)
{
    (void)self;
    (void)events;
    assert_true(room > 0);
    waits.count++;
    waits.timeout = timeout;
    skipped += timeout >= 0 && timeout < waits.lasts ? timeout : waits.lasts;
    return 0;
}

/* Each round waits once, and sleeps as long as it may. Short waits before it change nothing: a
 * server that looks again and again instead of sleeping uses the processor for nothing. */
static void a_round_waits_once_and_sleeps(void **state)
{
    struct world *w = *state;
    settle(w);
    stopped = clock_now();
    waits.lasts = TIME_MS / 100;
    w->server->waiter.wait = told_wait;
    for (size_t i = 1; i <= 100; i++) {
        waits.count = 0;
        assert_true(tcp_server_round(w->server, -1));
        assert_int_equal(waits.count, 1);
        assert_true(waits.timeout < 0);
    }
    waits.lasts = TIME_SECOND;
    w->fake.deadline = clock_now() + TIME_MS;
    assert_true(tcp_server_round(w->server, -1));
    assert_true(waits.timeout == TIME_MS);
    assert_true(w->fake.deadline == TIME_NEVER);
    w->fake.deadline = 0; /* long ago */
    assert_true(tcp_server_round(w->server, -1));
    assert_true(waits.timeout == 0);
    assert_int_equal(waits.count, 3);
}

/* --- opening ---------------------------------------------------------------------------------- */

static void a_connection_is_opened_with_its_listener_and_peer(void **state)
{
    struct world *w = *state;
    unsigned second = add_listener(w, 7, "second");
    char address[SOCKET_ADDRESS_MAX];
    assert_true(logged(w, ""));
    log_writer_flush(&w->log);
    snprintf(address, sizeof address, "INFO: second: listening on 127.0.0.1:%u\n", second);
    assert_true(logged(w, address));

    struct fake_conn *conn;
    int a = join(w, &conn);
    socket_local_address(a, address);
    assert_int_equal(conn->listener, 0);
    assert_string_equal(conn->peer, address);
    int b = net_connect(second);
    settle(w);
    conn = fake_last(&w->fake);
    socket_local_address(b, address);
    assert_int_equal(conn->listener, 7);
    assert_string_equal(conn->peer, address);
    assert_int_equal(w->fake.opens, 2);
    expect_idle(w);
    close(a);
    close(b);
}

static void a_refused_connection_is_closed(void **state)
{
    struct world *w = *state;
    size_t descriptors = open_descriptors();
    w->fake.refuse = true;
    int a = net_connect(w->port);
    net_expect_eof(a);
    close(a);
    expect_idle(w);
    assert_int_equal(w->fake.refusals, 1);
    assert_int_equal(open_descriptors(), descriptors);
    w->fake.refuse = false;
    close(join(w, NULL));
    assert_int_equal(w->fake.opens, 1);
}

static void who_cannot_be_waited_for_is_closed(void **state)
{
    struct world *w = *state;
    bool (*add)(void *, int, uint64_t, unsigned) = w->server->waiter.add;
    w->server->waiter.add = refusing_add;
    int fd = net_connect(w->port);
    net_expect_eof(fd);
    close(fd);
    w->server->waiter.add = add;
    assert_int_equal(w->fake.opens, 1);
    assert_int_equal(w->fake.closed_by_error, 1);
    close(join(w, NULL));
}

/* A server that would accept nobody, or would not end, must not run. */
static void a_server_that_cannot_wait_does_not_start(void **state)
{
    struct world *w = *state;
    char why[SOCKET_WHY_MAX];
    size_t descriptors = open_descriptors();
    struct waiter waiter = make_waiter();
    bool (*add)(void *, int, uint64_t, unsigned) = waiter.add;
    waiter.add = refusing_add;
    assert_null(tcp_server_new(fake_handler(&w->fake), waiter, &w->log, w->end_read));
    waiter = make_waiter();
    struct tcp_server *server = tcp_server_new(fake_handler(&w->fake), waiter, &w->log, -1);
    assert_non_null(server);
    server->waiter.add = refusing_add;
    assert_false(tcp_server_listen(server, socket_listen("127.0.0.1:0", why), 0, "none"));
    assert_false(logged(w, "none: listening"));
    server->waiter.add = add;
    assert_true(tcp_server_listen(server, socket_listen("127.0.0.1:0", why), 0, "good"));
    log_writer_flush(&w->log);
    assert_true(logged(w, "good: listening"));
    tcp_server_free(server);
    assert_int_equal(open_descriptors(), descriptors);
}

static void hundreds_come_at_once(void **state)
{
    struct world *w = *state;
    enum { COUNT = 300 };
    static int fds[COUNT];
    size_t descriptors = open_descriptors();
    w->fake.echo = true;
    for (size_t i = 0; i < COUNT; i++) {
        fds[i] = net_connect(w->port);
        net_send(fds[i], span_make(&i, sizeof i));
    }
    turn(w);
    assert_in_range(w->fake.opens, 1, COUNT - 1); /* existing connections get their turn too */
    for (size_t i = 0; i < COUNT; i++) {
        net_expect(fds[i], span_make(&i, sizeof i));
    }
    for (size_t i = 0; i < COUNT; i++) {
        net_reset(fds[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        turn(w);
    }
    assert_int_equal(w->fake.opens, COUNT);
    assert_int_equal(w->fake.closed_by_error, COUNT);
    assert_int_equal(open_descriptors(), descriptors);
    expect_idle(w);
}

/* Slots and descriptors are reused within one round; no event reaches the wrong connection. */
static void one_goes_as_another_comes(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    int old = join(w, &conn);
    for (int i = 0; i < 50; i++) {
        char text[16];
        int n = snprintf(text, sizeof text, "%d", i);
        uint64_t gone = conn->id;
        int fd = -1;
        if (i % 2 == 0) {
            fd = net_connect(w->port);
        }
        net_send(old, SPAN("late"));
        net_reset(old);
        if (i % 3 == 0) {
            turn(w);
        }
        if (fd < 0) {
            fd = net_connect(w->port);
        }
        net_send(fd, span_make(text, (size_t)n));
        settle(w);
        assert_true(w->fake.last_closed == gone);
        assert_int_equal(w->fake.open_count, 1);
        conn = fake_last(&w->fake);
        expect_in(conn, text);
        old = fd;
    }
    close(old);
}

/* --- input ------------------------------------------------------------------------------------ */

static void what_is_not_consumed_is_kept_and_offered_again(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    int fd = join(w, &conn);
    conn->appetite = 3;
    net_send(fd, SPAN("abcdef"));
    settle(w);
    net_send(fd, SPAN("ghi"));
    net_shut(fd);
    expect_idle(w); /* it is neither read nor offered, because READ is not wanted */
    expect_in(conn, "abc");
    assert_int_equal(conn->recvs, 1);

    fake_want(conn, WANT_READ);
    turn(w); /* the rest is due to be offered again .. */
    fake_want(conn, 0);
    expect_idle(w); /* .. but is not wanted any more */
    assert_int_equal(conn->recvs, 1);

    conn->appetite = 2;
    fake_want(conn, WANT_READ);
    turn(w);
    int64_t start = clock_now();
    assert_true(tcp_server_round(w->server, 5 * TIME_SECOND)); /* it does not wait */
    assert_true(clock_now() - start < 4 * TIME_SECOND);
    expect_in(conn, "abcde");
    expect_idle(w);
    expect_in(conn, "abcde");
    assert_int_equal(conn->offered, 3); /* exactly "def" */
    assert_int_equal(conn->eofs, 0);

    conn->appetite = SIZE_MAX;
    fake_want(conn, WANT_READ);
    settle(w);
    expect_in(conn, "abcdefghi");
    assert_int_equal(conn->eofs, 1);
    assert_int_equal(conn->in_at_eof, 9);
    expect_idle(w);
    close(fd);
}

/* A handler that keeps wanting READ has no change to report. It still gets the rest, and before any
 * new input. */
static void the_rest_is_offered_before_new_input(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    int fd = join(w, &conn);
    w->fake.quiet = true;
    conn->bite = 2;
    net_send(fd, SPAN("abcdef"));
    turn(w);
    net_send(fd, SPAN("ghi"));
    settle(w);
    net_send(fd, SPAN("jkl"));
    settle(w);
    expect_in(conn, "abcdefghijkl");
    net_send(fd, SPAN("mno"));
    net_shut(fd);
    settle(w);
    expect_in(conn, "abcdefghijklmno");
    assert_int_equal(conn->eofs, 1);
    assert_int_equal(conn->in_at_eof, 15);
    expect_idle(w);
    close(fd);
}

/* Whatever the handler still wants, the end of input is reported once and then wakes the loop no
 * more. */
static void the_end_of_input_is_told_once(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 2; i++) {
        struct fake_conn *conn;
        int fd = join(w, &conn);
        w->fake.quiet = i == 1;
        net_send(fd, SPAN("x"));
        net_shut(fd);
        expect_idle(w);
        assert_int_equal(conn->eofs, 1);
        assert_int_equal(conn->in_at_eof, 1);
        fake_want(conn, WANT_READ);
        expect_idle(w);
        assert_int_equal(conn->eofs, 1);
        fake_send(conn, SPAN("bye")); /* the other direction still works */
        fake_want(conn, WANT_CLOSE);
        net_expect(fd, SPAN("bye"));
        net_expect_eof(fd);
        close(fd);
    }
}

static void who_wants_nothing_is_not_read(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    int fd = join(w, &conn);
    fake_want(conn, 0);
    settle(w);
    net_send(fd, SPAN("x"));
    net_shut(fd);
    expect_idle(w);
    assert_int_equal(conn->recvs, 0);
    fake_want(conn, WANT_READ);
    settle(w);
    expect_in(conn, "x");
    assert_int_equal(conn->eofs, 1);
    close(fd);
}

/* The handler is told, so that it does no work for a client that is gone. */
static void the_end_of_a_peer_that_is_not_read_is_told(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 3; i++) {
        struct fake_conn *conn;
        int fd = join(w, &conn);
        if (i == 1) {
            net_send(fd, SPAN("x"));
            settle(w);
        }
        fake_want(conn, i == 2 ? WANT_SHUT_WR : 0);
        settle(w);
        assert_int_equal(conn->eofs, 0);
        net_shut(fd);
        expect_idle(w);
        assert_int_equal(conn->eofs, i < 2);
        assert_int_equal(w->fake.closed_by_error, i == 2); /* both directions are shut */
        close(fd);
    }
}

/* Input in front of the end counts: it is read before the end is told. The loop is not woken for
 * the end meanwhile. */
static void the_end_of_a_peer_waits_for_the_input_in_front(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    int fd = join(w, &conn);
    for (int i = 0; i < 2; i++) {
        fake_want(conn, 0);
        settle(w);
        if (i == 0) {
            net_send(fd, SPAN("last"));
            net_shut(fd);
        }
        expect_idle(w);
        assert_int_equal(conn->eofs, 0);
    }
    fake_want(conn, WANT_READ);
    settle(w);
    expect_in(conn, "last");
    assert_int_equal(conn->eofs, 1);
    assert_int_equal(conn->in_at_eof, 4);
    close(fd);
}

/* A few last bytes may be for a codec only. The handler is asked, and told the end when it has
 * consumed them. Otherwise they are input, which it reads before the end. */
static void the_last_bytes_of_a_peer_may_be_for_a_codec(void **state)
{
    struct world *w = *state;
    static const struct {
        size_t sent, for_codec, offered;
        bool ends;
    } rows[] = {
        {1, 1, 1, true},
        {HANDLER_LAST_MAX, SIZE_MAX, HANDLER_LAST_MAX, true},
        {HANDLER_LAST_MAX + 1, SIZE_MAX, 0, false},
        {10, 0, 10, false},
        {10, 4, 10, false},
    };
    static uint8_t bytes[HANDLER_LAST_MAX + 1];
    fill(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake_conn *conn;
        int fd = join(w, &conn);
        fake_want(conn, 0);
        conn->for_codec = rows[i].for_codec;
        settle(w);
        net_send(fd, span_make(bytes, rows[i].sent));
        net_shut(fd);
        expect_idle(w);
        assert_int_equal(conn->lasts, rows[i].offered > 0);
        assert_int_equal(conn->last_size, rows[i].offered);
        assert_int_equal(conn->eofs, rows[i].ends);
        assert_int_equal(conn->recvs, 0);
        fake_want(conn, WANT_READ);
        expect_idle(w);
        assert_int_equal(conn->eofs, 1);
        size_t used = rows[i].offered < rows[i].for_codec ? rows[i].offered : rows[i].for_codec;
        assert_int_equal(conn->in.n, rows[i].sent - used);
        assert_memory_equal(buf_span(&conn->in).p, bytes + used, conn->in.n);
        close(fd);
    }
}

/* When the read of the last bytes fails or finds only some of them, the others are still read. */
static void the_last_bytes_of_a_peer_may_come_in_pieces(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    int fd = join(w, &conn);
    fake_want(conn, 0);
    conn->for_codec = SIZE_MAX;
    settle(w);
    recv_most = 3;
    net_send(fd, SPAN("last"));
    net_shut(fd);
    expect_idle(w);
    assert_int_equal(conn->last_size, 3);
    assert_int_equal(conn->eofs, 0);
    recv_most = 0;
    fake_want(conn, WANT_READ);
    expect_idle(w);
    expect_in(conn, "t");
    assert_int_equal(conn->eofs, 1);
    close(fd);
}

/* The end was not told because of the input in front of it. When that input was read, and the
 * connection is not read again, the end is told. */
static void the_end_of_a_peer_is_looked_for_again(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    int fd = join(w, &conn);
    fake_want(conn, 0);
    settle(w);
    net_send(fd, SPAN("last"));
    net_shut(fd);
    expect_idle(w);
    assert_int_equal(conn->eofs, 0);
    conn->appetite = 4; /* it reads this, and then wants READ no more */
    fake_want(conn, WANT_READ);
    settle(w);
    expect_in(conn, "last");
    assert_int_equal(conn->eofs, 1);
    close(fd);
}

/* poll() reports an event, but the call finds nothing. */
static void a_call_that_would_wait_is_made_again(void **state)
{
    struct world *w = *state;
    static const int errors[] = {EAGAIN, EINTR};
    struct fake_conn *conn;
    int fd = join(w, &conn);
    conn->echo = true;
    for (size_t i = 0; i < 2; i++) {
        recv_failure = (struct failure){server_fd(w, conn), errors[i]};
        net_send(fd, SPAN("ping"));
        settle(w);
        assert_int_equal(recv_failure.error, 0);
        net_expect(fd, SPAN("ping"));
        send_failure = (struct failure){server_fd(w, conn), errors[i]};
        net_send(fd, SPAN("ping"));
        settle(w);
        assert_int_equal(send_failure.error, 0);
        net_expect(fd, SPAN("ping"));
    }
    assert_int_equal(w->fake.open_count, 1);
    assert_int_equal(conn->eofs, 0);
    expect_idle(w);
    close(fd);
}

static void any_other_error_closes(void **state)
{
    struct world *w = *state;
    static const int errors[] = {ETIMEDOUT, EHOSTUNREACH, ENOBUFS};
    for (size_t i = 0; i < 3; i++) {
        struct fake_conn *conn;
        int fd = join(w, &conn);
        recv_failure = (struct failure){server_fd(w, conn), errors[i]};
        net_send(fd, SPAN("x"));
        settle(w);
        assert_int_equal(w->fake.closed_by_error, 2 * i + 1);
        net_await_end(fd);
        close(fd);
        fd = join(w, &conn);
        send_failure = (struct failure){server_fd(w, conn), errors[i]};
        fake_send(conn, SPAN("x"));
        settle(w);
        assert_int_equal(w->fake.closed_by_error, 2 * i + 2);
        net_await_end(fd);
        close(fd);
    }
}

/* A connection that always has input delays neither other connections nor the listener. */
static void a_flood_leaves_the_others_their_turn(void **state)
{
    struct world *w = *state;
    static uint8_t flood[1 << 20];
    struct fake_conn *conn;
    struct fake_conn *other;
    int fd = join(w, &conn);
    int quiet = join(w, &other);
    for (int i = 0; i < 5; i++) {
        net_send_some(fd, span_make(flood, sizeof flood));
        net_send(quiet, SPAN("x"));
        size_t recvs = conn->recvs;
        int third = net_connect(w->port);
        size_t opens = w->fake.opens;
        turn(w);
        assert_int_equal(conn->recvs, recvs + 1);
        assert_in_range(conn->offered, 1, TCP_SERVER_READ_SIZE);
        assert_int_equal(other->in.n, i + 1);
        assert_int_equal(w->fake.opens, opens + 1);
        close(third);
    }
    close(fd);
    close(quiet);
}

/* How many connections' ends were reported to the handler. */
static size_t told_ends(const struct world *w)
{
    size_t n = w->fake.closed_by_error;
    for (size_t i = 0; i < FAKE_CONNS_MAX; i++) {
        n += w->fake.conns[i].id != 0 && w->fake.conns[i].eofs > 0;
    }
    return n;
}

/* Many clients leave at once, some with a reset. A client that stays has its turn in each round
 * until all ends are reported, and no new event is needed for that. */
static void who_stays_does_not_wait_for_all_who_leave(void **state)
{
    struct world *w = *state;
    enum { COUNT = 100, FEW = 20 };
    int fds[COUNT];
    struct fake_conn *stays;
    int quiet = join(w, &stays);
    for (size_t i = 0; i < COUNT; i++) {
        fds[i] = join(w, NULL);
    }
    for (size_t i = 0; i < COUNT; i++) {
        if (i % 2 == 0) {
            close(fds[i]);
        } else {
            net_reset(fds[i]);
        }
    }
    for (size_t i = 1; i <= COUNT / FEW; i++) {
        net_send(quiet, SPAN("x"));
        turn(w);
        assert_int_equal(stays->in.n, i);
        assert_in_range(told_ends(w), 1, FEW * i);
    }
    while (told_ends(w) < COUNT) {
        w->over = !tcp_server_round(w->server, -1);
    }
    assert_int_equal(w->fake.closed_by_error, COUNT / 2);
    assert_int_equal(w->fake.open_count, COUNT / 2 + 1);
    expect_idle(w);
    close(quiet);
}

/* --- turns ------------------------------------------------------------------------------------ */

enum { CROWD = 100 };

/* Many connections, for whose handler each call of recv and out takes 1 ms. The clock stands still
 * otherwise. */
static void gather(struct world *w, int fds[CROWD])
{
    for (size_t i = 0; i < CROWD; i++) {
        fds[i] = join(w, NULL);
    }
    settle(w);
    stopped = clock_now();
    w->fake.clock = &skipped;
    w->fake.takes = TIME_MS;
}

static size_t total_recvs(const struct world *w)
{
    size_t n = 0;
    for (size_t i = 0; i < FAKE_CONNS_MAX; i++) {
        n += w->fake.conns[i].id != 0 ? w->fake.conns[i].recvs : 0;
    }
    return n;
}

static size_t most_recvs(const struct world *w)
{
    size_t most = 0;
    for (size_t i = 0; i < FAKE_CONNS_MAX; i++) {
        const struct fake_conn *conn = &w->fake.conns[i];
        most = conn->id != 0 && conn->recvs > most ? conn->recvs : most;
    }
    return most;
}

/* A round handles dear input for 2 ms. The rest of the events is kept, and nobody is read twice
 * before all were read once, also when they have sent more. */
static void a_round_is_bounded_in_time(void **state)
{
    struct world *w = *state;
    int fds[CROWD];
    gather(w, fds);
    for (size_t i = 0; i < CROWD; i++) {
        net_send(fds[i], SPAN("x"));
    }
    for (size_t round = 1; round <= CROWD / 2; round++) {
        for (size_t i = 0; i < 4; i++) {
            net_send(fds[i], SPAN("x"));
        }
        int64_t start = clock_now();
        w->over = !tcp_server_round(w->server, TIME_SECOND); /* it does not wait */
        assert_true(clock_now() - start <= 4 * TIME_MS);
        assert_int_equal(total_recvs(w), 2 * round);
        assert_int_equal(most_recvs(w), 1);
    }
    for (size_t i = 0; i < CROWD; i++) {
        close(fds[i]);
    }
}

/* The same for input that is offered again. */
static void offers_are_bounded_in_time(void **state)
{
    struct world *w = *state;
    int fds[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        fds[i] = join(w, NULL);
        fake_last(&w->fake)->bite = 1;
        net_send(fds[i], SPAN("xyz"));
        turn(w);
    }
    settle(w);
    for (size_t i = 0; i < CROWD; i++) {
        net_send(fds[i], SPAN("xyz"));
    }
    turn(w); /* reads all */
    size_t before = total_recvs(w);
    stopped = clock_now();
    w->fake.clock = &skipped;
    w->fake.takes = TIME_MS;
    for (size_t round = 1; round <= CROWD; round++) {
        w->over = !tcp_server_round(w->server, TIME_SECOND);
        assert_int_equal(total_recvs(w), before + round);
        assert_in_range(most_recvs(w), before / CROWD, before / CROWD + 1);
    }
    for (size_t i = 0; i < CROWD; i++) {
        close(fds[i]);
    }
}

/* The same for connections that have changed. Those left over have their turn without an event. */
static void output_is_bounded_in_time(void **state)
{
    struct world *w = *state;
    int fds[CROWD];
    gather(w, fds);
    for (size_t i = 0; i < FAKE_CONNS_MAX; i++) {
        if (w->fake.conns[i].id != 0) {
            fake_send(&w->fake.conns[i], SPAN("x"));
        }
    }
    size_t sent = 0;
    for (size_t round = 1; sent < CROWD; round++) {
        int64_t start = clock_now();
        w->over = !tcp_server_round(w->server, TIME_SECOND);
        assert_true(clock_now() - start <= 4 * TIME_MS);
        sent = 0;
        for (size_t i = 0; i < CROWD; i++) {
            sent += net_has_input(fds[i]);
        }
        assert_true(sent >= round);
    }
    for (size_t i = 0; i < CROWD; i++) {
        close(fds[i]);
    }
}

/* A peer that reads fast, and much output: others have their turn after so many bytes. */
static void one_send_is_bounded(void **state)
{
    struct world *w = *state;
    enum { SIZE = 4 << 20 };
    static uint8_t bytes[SIZE];
    fill(bytes, SIZE);
    static const size_t span_sizes[] = {0, 100000};
    for (size_t k = 0; k < 2; k++) {
        struct fake_conn *conn;
        int fd = join(w, &conn);
        int much = SIZE;
        setsockopt(server_fd(w, conn), SOL_SOCKET, SO_SNDBUF, &much, sizeof much);
        conn->span_size = span_sizes[k];
        fake_send(conn, span_make(bytes, SIZE));
        for (size_t left = SIZE; conn->out.n > 0;) {
            turn(w);
            assert_in_range(left - conn->out.n, 0, TCP_SERVER_SEND_SIZE);
            left = conn->out.n;
            static uint8_t got[SIZE];
            (void)!recv(fd, got, sizeof got, 0);
        }
        close(fd);
        settle(w);
    }
}

/* Gives a megabyte of output to each connection of the crowd. */
static void send_much_to_all(struct world *w)
{
    static const uint8_t bytes[1 << 20];
    for (size_t i = 0; i < FAKE_CONNS_MAX; i++) {
        if (w->fake.conns[i].id != 0) {
            fake_send(&w->fake.conns[i], span_make(bytes, sizeof bytes));
        }
    }
}

/* While connections with new output wait for their turn, each of them gets a small part. So the
 * last one does not wait for all of the others' output. */
static void a_crowd_sends_little_at_first(void **state)
{
    struct world *w = *state;
    size_t left[FAKE_CONNS_MAX] = {0};
    size_t begun = 0;
    int fds[CROWD];
    gather(w, fds);
    send_much_to_all(w);
    for (size_t round = 1; begun < CROWD && round <= CROWD; round++) {
        begun = 0;
        turn(w);
        for (size_t i = 0; i < FAKE_CONNS_MAX; i++) {
            const struct fake_conn *conn = &w->fake.conns[i];
            size_t sent = conn->id != 0 ? (1 << 20) - conn->out.n : 0;
            if (round > 1 && left[i] == 0) {
                assert_in_range(sent, 0, TCP_SERVER_SEND_CROWDED);
            }
            left[i] = sent;
            begun += sent > 0;
        }
    }
    assert_int_equal(begun, CROWD);
    for (size_t i = 0; i < CROWD; i++) {
        close(fds[i]);
    }
}

/* All sockets are writable, and their output takes long. Input is still read at once. */
static void input_does_not_wait_for_output(void **state)
{
    struct world *w = *state;
    int fds[CROWD];
    gather(w, fds);
    send_much_to_all(w);
    for (size_t i = 0; i < CROWD; i++) {
        int64_t start = clock_now();
        turn(w);
        assert_true(clock_now() - start <= 6 * TIME_MS);
    }
    for (size_t i = 0; i < CROWD; i += 10) {
        size_t before = total_recvs(w);
        net_send(fds[i], SPAN("x"));
        turn(w);
        turn(w); /* the first one may have had events left */
        assert_int_equal(total_recvs(w), before + 1);
    }
    for (size_t i = 0; i < CROWD; i++) {
        close(fds[i]);
    }
}

/* --- what deadlines wait for ------------------------------------------------------------------ */

/* The process was stopped. More connections have sent in time than one wait reports. */
static void deadlines_wait_until_everybody_was_read(void **state)
{
    struct world *w = *state;
    enum { COUNT = 300 };
    static int fds[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        fds[i] = join(w, NULL);
    }
    settle(w);
    w->fake.deadline = clock_now() + TIME_SECOND;
    for (size_t i = 0; i < COUNT; i++) {
        net_send(fds[i], SPAN("x"));
    }
    skipped += 5 * TIME_SECOND / 2;
    int64_t deadline = w->fake.deadline;
    stopped = clock_now() - skipped; /* a sweep has an end in time too */
    turn(w);
    while (w->fake.deadline == deadline) {
        assert_in_range(total_recvs(w), 1, COUNT - 1);
        w->over = !tcp_server_round(w->server, -1);
    }
    assert_int_equal(total_recvs(w), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        close(fds[i]);
    }
}

/* One turn is too short to read all that one wait has reported. */
static void deadlines_wait_for_events_that_are_kept(void **state)
{
    struct world *w = *state;
    int fds[CROWD];
    gather(w, fds);
    for (size_t i = 0; i < 20; i++) {
        net_send(fds[i], SPAN("x"));
    }
    int64_t deadline = clock_now();
    w->fake.deadline = deadline;
    turn(w);
    while (w->fake.deadline == deadline) {
        assert_in_range(total_recvs(w), 1, 19);
        turn(w);
    }
    assert_int_equal(total_recvs(w), 20);
    for (size_t i = 0; i < CROWD; i++) {
        close(fds[i]);
    }
}

/* The handler is told how many connections have input, also when one turn cannot read them all. */
static void the_handler_is_told_of_a_crowd(void **state)
{
    struct world *w = *state;
    int fds[CROWD];
    gather(w, fds);
    settle(w);
    assert_int_equal(w->fake.crowd, 0);
    for (size_t i = 0; i < 20; i++) {
        net_send(fds[i], SPAN("x"));
    }
    turn(w);
    assert_int_equal(w->fake.crowd, 20);
    settle(w);
    for (size_t i = 0; i < CROWD; i++) {
        close(fds[i]);
    }
}

static size_t (*real_wait)(void *, int64_t, struct waiter_event *, size_t);
static int late_client;

/* The process is stopped when the system has looked at the descriptors, and a client sends. */
static size_t stopped_wait(void *self, int64_t timeout, struct waiter_event *events, size_t room)
{
    size_t n = real_wait(self, timeout, events, room);
    net_send(late_client, SPAN("in time"));
    skipped += 5 * TIME_SECOND / 2;
    return n;
}

static void a_stop_at_the_end_of_a_wait_makes_nobody_late(void **state)
{
    struct world *w = *state;
    struct fake_conn *late;
    late_client = join(w, &late);
    int other = join(w, NULL);
    settle(w);
    real_wait = w->server->waiter.wait;
    int64_t deadline = clock_now() + TIME_SECOND;
    w->fake.deadline = deadline;
    net_send(other, SPAN("x"));
    w->server->waiter.wait = stopped_wait;
    w->over = !tcp_server_round(w->server, -1);
    w->server->waiter.wait = real_wait;
    assert_int_equal(late->in.n, 0);
    assert_true(w->fake.deadline == deadline);
    w->over = !tcp_server_round(w->server, -1);
    expect_in(late, "in time");
    assert_true(w->fake.deadline == TIME_NEVER);
    close(late_client);
    close(other);
}

static size_t full_wait(void *self, int64_t timeout, struct waiter_event *events, size_t room)
{
    (void)self;
    (void)timeout;
    for (size_t i = 0; i < room; i++) {
        events[i] = (struct waiter_event){.token = UINT64_MAX}; /* a token of no connection */
    }
    skipped += 10 * TIME_MS;
    return room;
}

/* Each wait reports as much as it may, so there may always be unread input. */
static void a_flood_puts_deadlines_off_for_a_bounded_time(void **state)
{
    struct world *w = *state;
    settle(w);
    stopped = clock_now();
    w->server->waiter.wait = full_wait;
    for (int i = 0; i < 10; i++) {
        w->fake.deadline = clock_now() + TIME_MS;
        int64_t deadline = w->fake.deadline;
        while (w->fake.deadline == deadline) {
            assert_true(clock_now() - deadline <= 100 * TIME_MS);
            turn(w);
        }
        assert_true(clock_now() - deadline >= 50 * TIME_MS);
        assert_true(w->fake.judged >= deadline);
    }
}

/* --- hanging up ------------------------------------------------------------------------------- */

/* A reset ends a connection once, whatever the connection waits for. */
static void a_reset_closes_in_every_state(void **state)
{
    struct world *w = *state;
    static const unsigned wants[] = {WANT_READ, 0, WANT_SHUT_WR, WANT_SHUT_WR | WANT_READ};
    static uint8_t much[1 << 20];
    size_t descriptors = open_descriptors();
    size_t closed = 0;
    for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
        for (int with_output = 0; with_output < 2; with_output++) {
            struct fake_conn *conn;
            int fd = join(w, &conn);
            if (with_output) {
                shrink(w, conn);
                fake_send(conn, span_make(much, sizeof much));
            }
            fake_want(conn, wants[i]);
            settle(w);
            assert_int_equal(conn->out.n > 0, with_output);
            net_reset(fd);
            settle(w);
            assert_int_equal(w->fake.closed_by_error, ++closed);
            assert_int_equal(conn->eofs, 0); /* a reset is not an end of input */
            assert_int_equal(w->fake.open_count, 0);
            assert_int_equal(open_descriptors(), descriptors);
        }
    }
    assert_int_equal(w->fake.closed_as_wanted, 0);
    expect_idle(w);
}

static void a_reset_during_the_handshake_is_a_connection_lost(void **state)
{
    struct world *w = *state;
    net_reset(net_connect(w->port));
    settle(w);
    assert_int_equal(w->fake.open_count, 0);
    assert_int_equal(w->fake.closed_by_error, w->fake.opens);
    expect_idle(w);
}

/* A hang-up is reported together with unread input. The input is read first. */
static void input_before_a_reset_is_read(void **state)
{
    struct world *w = *state;
    static const uint8_t
        much[30000]; /* fits the other end's buffer: a reset drops what is unsent */
    struct fake_conn *conn;
    int fd = join(w, &conn);
    net_send(fd, span_make(much, sizeof much));
    net_reset(fd);
    turn(w);
    assert_int_equal(w->fake.open_count, 1);
    assert_int_equal(conn->in.n, sizeof much);
    settle(w);
    assert_int_equal(w->fake.closed_by_error, 1);
}

static void input_left_over_is_offered_before_a_reset_is_told(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    int fd = join(w, &conn);
    conn->appetite = 1;
    net_send(fd, SPAN("abc"));
    settle(w);
    conn->appetite = SIZE_MAX;
    fake_want(conn, WANT_READ);
    turn(w); /* from here on the rest is due to be offered */
    net_reset(fd);
    turn(w);
    assert_int_equal(w->fake.open_count, 1);
    expect_in(conn, "abc");
    settle(w);
    assert_int_equal(w->fake.closed_by_error, 1);
}

/* A unix socket hangs up when the other end closes, while its input and its end are still unread.
 */
static void a_unix_socket_that_closes_is_read_to_the_end(void **state)
{
    struct world *w = *state;
    char name[64];
    char why[SOCKET_WHY_MAX];
    snprintf(name, sizeof name, "@nsqref-test-server-%d", (int)getpid());
    int listener = socket_listen(name, why);
    assert_true(listener >= 0);
    assert_true(tcp_server_listen(w->server, listener, 7, "unix"));
    static const uint8_t much[3 * TCP_SERVER_READ_SIZE / 2];
    int fd = net_connect_unix(name);
    net_send(fd, span_make(much, sizeof much));
    close(fd);
    turn(w);
    struct fake_conn *conn = fake_last(&w->fake);
    assert_int_equal(conn->listener, 7);
    assert_string_equal(conn->peer, "@");
    turn(w);
    turn(w);
    assert_int_equal(conn->in.n, sizeof much);
    assert_int_equal(conn->eofs, 0);
    turn(w);
    assert_int_equal(conn->eofs, 1);
    settle(w); /* now no client is left that could receive an answer */
    assert_int_equal(w->fake.closed_by_error, 1);
    expect_idle(w);
}

/* --- output ----------------------------------------------------------------------------------- */

/* Sends through the kernel's smallest buffers. The handler gives its output in spans of span_size
 * bytes; 0: in one span. */
static void send_through_small_buffers(struct world *w, size_t span_size)
{
    enum { SIZE = 1 << 20, LEAST = 1 };
    static uint8_t bytes[SIZE];
    static uint8_t got[SIZE];
    fill(bytes, SIZE);
    int fd = net_connect_small(w->port, LEAST, 0);
    settle(w);
    struct fake_conn *conn = fake_last(&w->fake);
    shrink(w, conn);
    conn->span_size = span_size;
    fake_send(conn, span_make(bytes, SIZE));
    expect_idle(w); /* the socket is full */
    assert_in_range(conn->out.n, 1, SIZE - 1);
    for (size_t have = 0; have < SIZE;) {
        ssize_t n = recv(fd, got + have, SIZE - have, 0);
        have += n > 0 ? (size_t)n : 0;
        turn(w);
    }
    assert_memory_equal(got, bytes, SIZE);
    assert_true(conn->sents > 10);
    assert_int_equal(conn->out.n, 0);
    expect_idle(w);
    close(fd);
}

static void output_leaves_in_pieces(void **state)
{
    send_through_small_buffers(*state, 0);
}

static void spans_leave_in_one_gathered_write(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    int fd = join(w, &conn);
    conn->span_size = 2;
    fake_send(conn, SPAN("abcdefghi"));
    settle(w);
    assert_int_equal(conn->sents, 1);
    net_expect(fd, SPAN("abcdefghi"));
    close(fd);
    send_through_small_buffers(w, 1000);
    send_through_small_buffers(w, 3);
}

static void who_does_not_read_disturbs_nobody(void **state)
{
    struct world *w = *state;
    static uint8_t much[1 << 20];
    struct fake_conn *slow;
    struct fake_conn *conn;
    int fd = net_connect_small(w->port, 1, 0);
    settle(w);
    slow = fake_last(&w->fake);
    for (int i = 0; i < 8; i++) {
        fake_send(slow, span_make(much, sizeof much));
    }
    settle(w);
    assert_true(slow->out.n > 0);
    int other = join(w, &conn);
    conn->echo = true;
    for (int i = 0; i < 10; i++) {
        net_send(other, SPAN("ping"));
        net_expect(other, SPAN("ping"));
    }
    expect_idle(w);
    close(other);
    close(fd);
}

static void shutting_down_leaves_the_other_direction_open(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    int fd = join(w, &conn);
    fake_send(conn, SPAN("last"));
    fake_want(conn, WANT_SHUT_WR | WANT_READ);
    net_expect(fd, SPAN("last"));
    net_expect_eof(fd);
    net_send(fd, SPAN("more"));
    settle(w);
    expect_in(conn, "more");
    assert_int_equal(w->fake.open_count, 1);
    expect_idle(w);
    net_shut(fd); /* now both directions are closed, which is a hang-up */
    expect_idle(w);
    assert_int_equal(conn->eofs, 1);
    close(fd);
}

/* SHUT_WR is wanted while there is output: the output is sent first. */
static void shutting_down_waits_for_the_output(void **state)
{
    struct world *w = *state;
    enum { SIZE = 1 << 18 };
    static uint8_t bytes[SIZE];
    fill(bytes, SIZE);
    int fd = net_connect_small(w->port, 4096, 0);
    settle(w);
    struct fake_conn *conn = fake_last(&w->fake);
    shrink(w, conn);
    fake_send(conn, span_make(bytes, SIZE));
    fake_want(conn, WANT_SHUT_WR);
    net_expect(fd, span_make(bytes, SIZE));
    net_expect_eof(fd);
    close(fd);
}

static void closing_sends_what_fits(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    size_t descriptors = open_descriptors();
    int fd = join(w, &conn);
    fake_send(conn, SPAN("bye"));
    fake_want(conn, WANT_CLOSE);
    net_expect(fd, SPAN("bye"));
    net_expect_eof(fd);
    assert_int_equal(w->fake.closed_as_wanted, 1);
    assert_int_equal(w->fake.closed_by_error, 0);
    close(fd);
    assert_int_equal(open_descriptors(), descriptors);
    /* If input is unread, closing sends a reset. */
    fd = join(w, &conn);
    fake_want(conn, 0);
    settle(w);
    net_send(fd, SPAN("unread"));
    fake_want(conn, WANT_CLOSE);
    net_await_end(fd);
    assert_int_equal(w->fake.closed_as_wanted, 2);
    close(fd);
}

/* Sending to a closed connection gives an error, no signal, and is reported once. */
static void sending_to_nobody_closes(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    struct sigaction act;
    assert_int_equal(sigaction(SIGPIPE, NULL, &act), 0);
    assert_true(act.sa_handler == SIG_DFL);
    int fd = join(w, &conn);
    fake_want(conn, WANT_SHUT_WR);
    settle(w);
    fake_send(conn, SPAN("x")); /* the handler's fault, and EPIPE */
    settle(w);
    assert_int_equal(w->fake.closed_by_error, 1);
    assert_int_equal(w->fake.open_count, 0);
    close(fd);
}

/* --- asks ------------------------------------------------------------------------------------- */

static void asks_are_logged_and_answered(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    int fd = join(w, &conn);
    fake_ask_log(&w->fake, LOG_WARNING, "about [%]", SPAN("x\ny"));
    fake_ask_append(&w->fake, 77);
    fake_ask_log(&w->fake, LOG_DEBUG, "not wanted", SPAN(""));
    fake_ask_log(&w->fake, LOG_INFO, "behind", SPAN(""));
    w->fake.append_conn = conn->id;
    w->fake.append_out = SPAN("OK");
    turn(w);
    assert_int_equal(w->fake.answers, 1);
    assert_true(logged(w, "WARNING: about [x\\x0ay]\n"));
    assert_true(logged(w, "INFO: behind\n"));
    assert_false(logged(w, "not wanted"));
    assert_true(
        net_has_input(fd)); /* output that the answer made possible is sent in the same round */
    net_expect(fd, SPAN("OK"));
    w->fake.append_conn = 0;
    expect_idle(w);
    close(fd);
}

/* If nobody reads the log, the loop still serves. It tries to write again from time to time,
 * without being woken for it. */
static void a_log_that_takes_no_lines_stops_nobody(void **state)
{
    struct world *w = *state;
    static const uint8_t filling[4096];
    uint8_t bytes[4096];
    fcntl(w->log.fd, F_SETFL, O_NONBLOCK);
    while (write(w->log.fd, filling, sizeof filling) > 0) {
    }
    fcntl(w->log.fd, F_SETFL, 0);
    w->fake.echo = true;
    int fd = join(w, NULL);
    fake_ask_log(&w->fake, LOG_INFO, "kept", SPAN(""));
    net_send(fd, SPAN("served on"));
    net_expect(fd, SPAN("served on"));
    expect_idle(w); /* and it does not spin */
    while (read(w->log_fd, bytes, sizeof bytes) > 0) {
    }
    assert_true(tcp_server_round(w->server, -1));
    assert_true(logged(w, "INFO: kept\n"));
    expect_idle(w);
    close(fd);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void ask_for_the_end(struct world *w)
{
    assert_int_equal(write(w->end_write, "x", 1), 1);
}

static void an_end_that_is_asked_for_ends_everything(void **state)
{
    struct world *w = *state;
    size_t descriptors = open_descriptors();
    struct fake_conn *conn;
    int a = join(w, NULL);
    int b = join(w, &conn);
    conn->appetite = 1;
    net_send(b, SPAN("unread"));
    settle(w);
    ask_for_the_end(w);
    assert_true(tcp_server_run(w->server));
    assert_int_equal(w->fake.stops, 1);
    assert_int_equal(w->fake.closed_as_wanted, 2);
    assert_true(logged(w, "INFO: TCP: closing 127.0.0.1:"));
    net_turn = NULL;
    net_expect_eof(a);
    net_await_end(b);
    close(a);
    close(b);
    assert_int_equal(open_descriptors(), descriptors - 1); /* the listener's */
}

/* A client connects while the server is ending: the listener is closed before it accepts. */
static void nobody_is_accepted_at_the_end(void **state)
{
    struct world *w = *state;
    ask_for_the_end(w);
    int fd = net_connect(w->port);
    assert_true(tcp_server_run(w->server));
    assert_false(logged(w, "FATAL"));
    net_turn = NULL;
    net_await_end(fd);
    close(fd);
}

static void ending_may_take_a_while(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    int fd = join(w, &conn);
    w->fake.slow_stop = true;
    ask_for_the_end(w);
    ask_for_the_end(w); /* twice */
    expect_idle(w);
    assert_int_equal(w->fake.stops, 1);
    int late = socket_connect("127.0.0.1:1"); /* no server has ever listened there */
    assert_int_equal(late, -1);
    char address[SOCKET_ADDRESS_MAX];
    snprintf(address, sizeof address, "127.0.0.1:%u", w->port);
    assert_int_equal(socket_connect(address), -1); /* and here the listener is closed */
    assert_int_equal(errno, ECONNREFUSED);
    fake_send(conn, SPAN("bye"));
    fake_want(conn, WANT_CLOSE);
    net_expect(fd, SPAN("bye"));
    net_expect_eof(fd);
    assert_true(w->over);
    close(fd);
}

static void what_is_open_is_closed_with_the_server(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    size_t descriptors = open_descriptors();
    int fd = join(w, &conn);
    conn->appetite = 1;
    net_send(fd, SPAN("left over"));
    settle(w);
    tcp_server_free(w->server);
    w->server = NULL;
    net_turn = NULL;
    net_expect_eof(fd);
    close(fd);
    size_t waiters = make_waiter == waiter_epoll; /* epoll has a descriptor of its own */
    assert_int_equal(open_descriptors(), descriptors - 1 - waiters);
}

/* --- errors of accept ------------------------------------------------------------------------- */

/* Nothing is accepted for a while, and the loop does not spin; then it accepts again. */
static void expect_pause(struct world *w, int error)
{
    struct fake_conn *conn;
    int old = join(w, &conn);
    conn->echo = true;
    size_t opens = w->fake.opens;
    fail_accept(error);
    int fd = net_connect(w->port);
    turn(w);
    size_t calls = accept_calls;
    expect_idle(w);
    net_send(old, SPAN("served on"));
    net_expect(old, SPAN("served on"));
    assert_int_equal(accept_calls, calls);
    assert_int_equal(w->fake.opens, opens);
    skipped += 100 * TIME_MS;
    settle(w);
    assert_int_equal(w->fake.opens, opens + 1);
    expect_idle(w);
    close(old);
    close(fd);
    settle(w);
}

static void a_temporary_error_of_accept_makes_a_pause(void **state)
{
    struct world *w = *state;
    static const struct {
        int error;
        const char *line;
    } rows[] = {
        {EMFILE, "WARNING: temporary Accept() failure - too many open files\n"},
        {ENFILE, "WARNING: temporary Accept() failure - too many open files in system\n"},
        {ENOBUFS, "WARNING: temporary Accept() failure - no buffer space available\n"},
        {ENOMEM, "WARNING: temporary Accept() failure - cannot allocate memory\n"},
        {EPROTO, "WARNING: temporary Accept() failure - protocol error\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_pause(w, rows[i].error);
        if (!logged(w, rows[i].line)) {
            fail_msg("no line '%s'", rows[i].line);
        }
    }
}

/* The pause ends by itself: the loop wakes for it. */
static void the_pause_is_a_tenth_of_a_second(void **state)
{
    struct world *w = *state;
    fail_accept(EMFILE);
    int fd = net_connect(w->port);
    turn(w);
    int64_t start = clock_now();
    while (w->fake.opens == 0) {
        assert_true(tcp_server_round(w->server, -1));
    }
    assert_in_range(clock_now() - start, 90 * TIME_MS, 1000 * TIME_MS);
    assert_in_range(w->fake.steps, 2, 5);
    close(fd);
}

/* The connection is gone, but accept() works, so the next connection does not wait. */
static void an_aborted_connection_delays_nobody(void **state)
{
    struct world *w = *state;
    static const int errors[] = {ECONNABORTED, EINTR};
    for (size_t i = 0; i < 2; i++) {
        fail_accept(errors[i]);
        fail_accept(errors[i]);
        int fd = net_connect(w->port);
        turn(w);
        assert_int_equal(w->fake.opens, i + 1);
        close(fd);
        settle(w);
    }
    fail_accept(EAGAIN); /* a client connected and left */
    int fd = net_connect(w->port);
    turn(w);
    assert_int_equal(w->fake.opens, 2);
    turn(w);
    assert_int_equal(w->fake.opens, 3);
    close(fd);
    assert_false(logged(w, "Accept"));
}

static void a_pause_does_not_delay_the_end(void **state)
{
    struct world *w = *state;
    fail_accept(EMFILE);
    int fd = net_connect(w->port);
    turn(w);
    ask_for_the_end(w);
    turn(w);
    assert_true(w->over);
    assert_int_equal(w->fake.opens, 0);
    close(fd);
}

static void a_pause_may_last_longer_than_the_listeners(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    int old = join(w, &conn);
    w->fake.slow_stop = true;
    fail_accept(EMFILE);
    int fd = net_connect(w->port);
    turn(w);
    ask_for_the_end(w);
    settle(w);
    skipped += 100 * TIME_MS;
    expect_idle(w);
    fake_want(conn, WANT_CLOSE);
    settle(w);
    assert_true(w->over);
    close(old);
    close(fd);
}

/* All listeners share the limit of descriptors. */
static void a_pause_is_for_all_listeners(void **state)
{
    struct world *w = *state;
    unsigned second = add_listener(w, 7, "second");
    fail_accept(EMFILE);
    int a = net_connect(w->port);
    turn(w);
    int b = net_connect(second);
    size_t calls = accept_calls;
    expect_idle(w);
    assert_int_equal(accept_calls, calls);
    skipped += 100 * TIME_MS;
    settle(w);
    assert_int_equal(w->fake.opens, 2);
    close(a);
    close(b);
}

static void any_other_error_of_accept_ends_the_server(void **state)
{
    struct world *w = *state;
    struct fake_conn *conn;
    int fd = join(w, &conn);
    w->fake.slow_stop = true;
    fail_accept(EBADF);
    close(net_connect(w->port));
    settle(w);
    ask_for_the_end(w); /* it is already ending */
    settle(w);
    fake_want(conn, WANT_CLOSE);
    w->fake.deadline = 0;
    assert_false(tcp_server_run(w->server));
    assert_true(logged(w, "FATAL: listener.Accept() error - bad file descriptor\n"));
    assert_int_equal(w->fake.stops, 1);
    assert_int_equal(w->fake.closed_as_wanted, 1);
    close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(the_wall_clock_is_told_first_and_when_it_changes),
        TEST(a_wall_clock_without_offset_is_told),
        TEST(the_memory_of_the_process_is_told_once_a_second),
        TEST(memory_that_input_needs_is_there_in_time),
        TEST(a_deadline_ends_the_wait),
        TEST(a_round_waits_once_and_sleeps),
        TEST(a_connection_is_opened_with_its_listener_and_peer),
        TEST(a_refused_connection_is_closed),
        TEST(who_cannot_be_waited_for_is_closed),
        TEST(a_server_that_cannot_wait_does_not_start),
        TEST(hundreds_come_at_once),
        TEST(one_goes_as_another_comes),
        TEST(what_is_not_consumed_is_kept_and_offered_again),
        TEST(the_rest_is_offered_before_new_input),
        TEST(the_end_of_input_is_told_once),
        TEST(who_wants_nothing_is_not_read),
        TEST(the_end_of_a_peer_that_is_not_read_is_told),
        TEST(the_end_of_a_peer_waits_for_the_input_in_front),
        TEST(the_last_bytes_of_a_peer_may_be_for_a_codec),
        TEST(the_last_bytes_of_a_peer_may_come_in_pieces),
        TEST(the_end_of_a_peer_is_looked_for_again),
        TEST(a_call_that_would_wait_is_made_again),
        TEST(any_other_error_closes),
        TEST(a_flood_leaves_the_others_their_turn),
        TEST(who_stays_does_not_wait_for_all_who_leave),
        TEST(a_round_is_bounded_in_time),
        TEST(offers_are_bounded_in_time),
        TEST(output_is_bounded_in_time),
        TEST(one_send_is_bounded),
        TEST(a_crowd_sends_little_at_first),
        TEST(input_does_not_wait_for_output),
        TEST(deadlines_wait_until_everybody_was_read),
        TEST(deadlines_wait_for_events_that_are_kept),
        TEST(the_handler_is_told_of_a_crowd),
        TEST(a_stop_at_the_end_of_a_wait_makes_nobody_late),
        TEST(a_flood_puts_deadlines_off_for_a_bounded_time),
        TEST(a_reset_closes_in_every_state),
        TEST(a_reset_during_the_handshake_is_a_connection_lost),
        TEST(input_before_a_reset_is_read),
        TEST(input_left_over_is_offered_before_a_reset_is_told),
        TEST(a_unix_socket_that_closes_is_read_to_the_end),
        TEST(output_leaves_in_pieces),
        TEST(spans_leave_in_one_gathered_write),
        TEST(who_does_not_read_disturbs_nobody),
        TEST(shutting_down_leaves_the_other_direction_open),
        TEST(shutting_down_waits_for_the_output),
        TEST(closing_sends_what_fits),
        TEST(sending_to_nobody_closes),
        TEST(asks_are_logged_and_answered),
        TEST(a_log_that_takes_no_lines_stops_nobody),
        TEST(an_end_that_is_asked_for_ends_everything),
        TEST(nobody_is_accepted_at_the_end),
        TEST(ending_may_take_a_while),
        TEST(what_is_open_is_closed_with_the_server),
        TEST(a_temporary_error_of_accept_makes_a_pause),
        TEST(the_pause_is_a_tenth_of_a_second),
        TEST(an_aborted_connection_delays_nobody),
        TEST(a_pause_does_not_delay_the_end),
        TEST(a_pause_may_last_longer_than_the_listeners),
        TEST(a_pause_is_for_all_listeners),
        TEST(any_other_error_of_accept_ends_the_server),
    };
    alarm(250);
    int failed = cmocka_run_group_tests_name("tcp_server", tests, NULL, NULL);
    make_waiter = waiter_epoll;
    return failed + cmocka_run_group_tests_name("tcp_server, epoll", tests, NULL, NULL);
}
