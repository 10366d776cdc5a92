/* SPDX-License-Identifier: MIT */
/*
 * Tests of connections to nsqd as a program: resets, half-closes, clients that do not read, no
 * descriptors left, time. The bounds on processor time and memory are wide: they detect a loop that
 * spins and a buffer that grows without end.
 */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/net.h"
#include "support/program.h"

#define ORDINARY "--log-level=info"
#define RESPONSE 0
#define ERROR 1
#define MESSAGE 2
#define MESSAGE_HEAD 26 /* timestamp, attempts, id */
/* How much nsqd's memory may grow because of a client. ASan keeps freed memory for a while. */
#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
#define GROWTH ((size_t)512 << 20)
#else
#define GROWTH ((size_t)8 << 20)
#endif
#define BUSY_MS 100 /* ms; much less than a loop that spins uses in the measured time */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Connects a client and sends the magic. */
static int join(const struct program *p)
{
    int fd = net_connect(p->port);
    net_send(fd, SPAN("  V2"));
    return fd;
}

static void publish(int fd, const char *topic, struct span body)
{
    net_publish(fd, topic, body);
    net_expect_frame(fd, RESPONSE, SPAN("OK"));
}

/* Waits until the server has noticed the ended connections, which takes a few rounds. */
static void await_descriptors(const struct program *p, int steady, size_t n)
{
    for (int i = 0; i < 1000 && program_descriptors(p) != n; i++) {
        publish(steady, "round-trip", SPAN("x"));
    }
    assert_int_equal(program_descriptors(p), n);
}

/* Checks that the next frame is a message with this body. */
static void expect_message(int fd, struct span body)
{
    struct net_frame frame = net_read_frame(fd);
    if (frame.type != MESSAGE || frame.size != MESSAGE_HEAD + body.n) {
        fail_msg("frame of type %u with %zu bytes", frame.type, frame.size);
    }
    assert_memory_equal(frame.data + MESSAGE_HEAD, body.p, body.n);
    net_frame_free(&frame);
}

/* Fills bytes so that no two pieces are equal. */
static void fill(uint8_t *bytes, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(i ^ i >> 8 ^ i >> 16 ^ seed);
    }
}

/* --- resets ----------------------------------------------------------------------------------- */

static void a_reset_frees_a_connection_in_every_state(void **state)
{
    (void)state;
    static const struct span said[] = {
        SPAN_LITERAL(""),
        SPAN_LITERAL(" "),
        SPAN_LITERAL("  V2"),
        SPAN_LITERAL("  V2NO"),
        SPAN_LITERAL("  V2NOP\n"),
        SPAN_LITERAL("  V2PUB t\n"),
        SPAN_LITERAL("  V2PUB t\n\0\0"),
        SPAN_LITERAL("  V2PUB t\n\0\0\0\5abc"),
        SPAN_LITERAL("  V2PUB t\n\0\0\0\1a"),
        SPAN_LITERAL("  V2MPUB t\n\0\0\0\x0e\0\0\0\2\0\0\0\1a"),
        SPAN_LITERAL("  V2IDENTIFY\n\0\0\0\2{}"),
        SPAN_LITERAL("  V2SUB t c\n"),
        SPAN_LITERAL("  V2SUB t c\nRDY 10\n"),
        SPAN_LITERAL("  V2SUB t d\nRDY 10\nCLS\n"),
        SPAN_LITERAL("  V2BAD\n"),
        SPAN_LITERAL("  V2BAD\nand what follows"),
        SPAN_LITERAL("GET / HTTP/1.1\r\n"),
    };
    struct program *p = program_start(ORDINARY);
    int steady = join(p);
    publish(steady, "t", SPAN("x"));
    size_t descriptors = program_descriptors(p);
    for (int read_first = 0; read_first < 2; read_first++) {
        for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
            int fd = net_connect(p->port);
            net_send(fd, said[i]);
            if (read_first) {
                publish(steady, "t", SPAN("x")); /* by now it is handled */
            }
            net_reset(fd);
        }
    }
    await_descriptors(p, steady, descriptors);
    assert_int_equal(program_end(p, SIGTERM), 0);
    close(steady);
}

/* The commands arrived before the reset, so they are carried out, although nobody receives the
 * replies. */
static void what_was_sent_before_a_reset_counts(void **state)
{
    (void)state;
    struct program *p = program_start(ORDINARY);
    int consumer = join(p);
    net_subscribe(consumer, "t", "c", 10);
    int fd = net_connect(p->port);
    net_send(fd, SPAN("  V2"
                      "PUB t\n\0\0\0\1a"
                      "PUB t\n\0\0\0\1b"
                      "PUB t\n\0\0\0\1c"));
    net_reset(fd);
    expect_message(consumer, SPAN("a"));
    expect_message(consumer, SPAN("b"));
    expect_message(consumer, SPAN("c"));
    close(consumer);
}

/* --- half-closes ------------------------------------------------------------------------------ */

static void a_reply_comes_after_the_client_has_said_its_last_word(void **state)
{
    (void)state;
    static const struct {
        struct span said;
        uint32_t type;
        struct span reply; /* NULL: no reply */
    } rows[] = {
#define ROW(said, type, reply) {SPAN_LITERAL(said), type, SPAN_LITERAL(reply)}
        ROW("  V2PUB t\n\0\0\0\1a", RESPONSE, "OK"),
        ROW("  V2PUB t\n\0\0\0\5ab", ERROR, "E_BAD_MESSAGE PUB failed to read message body"),
        ROW("  V2PUB t\n\0\0", ERROR, "E_BAD_MESSAGE PUB failed to read message body size"),
        ROW("  V2MPUB t\n\0\0\0\x0e\0\0\0\2\0\0\0\1a", ERROR,
            "E_BAD_MESSAGE MPUB failed to read message(1) body size"),
        ROW("  V2NO", RESPONSE, ""),
        ROW("  V", RESPONSE, ""),
        ROW("", RESPONSE, ""),
#undef ROW
    };
    struct program *p = program_start(ORDINARY);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int fd = net_connect(p->port);
        net_send(fd, rows[i].said);
        net_shut(fd);
        if (rows[i].reply.n > 0) {
            net_expect_frame(fd, rows[i].type, rows[i].reply);
        }
        net_expect_eof(fd);
        close(fd);
    }
}

/* A client has sent more bytes after the command that gets an error. They must not turn the close
 * into a reset, which would destroy the error frame. */
static void an_error_arrives_whatever_else_was_sent(void **state)
{
    (void)state;
    enum { MORE = 60 * 1024 };
    static const uint8_t more[MORE];
    struct program *p = program_start(ORDINARY);
    for (int way = 0; way < 3; way++) {
        int fd = join(p);
        net_send(fd, SPAN("BAD\n"));
        if (way == 1) {
            struct pollfd reply = {.fd = fd, .events = POLLIN};
            assert_int_equal(poll(&reply, 1, NET_PATIENCE_MS),
                             1); /* it has arrived, and is not read yet */
        }
        net_send(fd, span_make(more, MORE));
        if (way == 2) {
            int other = join(p); /* by now all of it is handled */
            publish(other, "t", SPAN("x"));
            close(other);
        }
        net_expect_frame(fd, ERROR, SPAN("E_INVALID invalid command BAD"));
        net_expect_eof(fd);
        close(fd);
    }
}

/* --- those who do not read -------------------------------------------------------------------- */

/* A FIN of a message that is not in flight, and its error; each has a number. */
#define FIN_SIZE 21

static void fin(char line[FIN_SIZE + 1], unsigned i)
{
    snprintf(line, FIN_SIZE + 1, "FIN %016x\n", i);
}

static void expect_fin_error(int fd, unsigned i)
{
    char text[64];
    int n = snprintf(text, sizeof text, "E_FIN_FAILED FIN %016x failed ID not in flight", i);
    net_expect_frame(fd, ERROR, span_make(text, (size_t)n));
}

/* Sends until the server reads no more and has nothing to do. Returns how many bytes were sent. */
static size_t send_until_stopped(const struct program *p, int fd, const uint8_t *input, size_t size)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    size_t sent = 0;
    bool stopped = false;
    while (sent < size && !stopped) {
        int64_t busy = program_cpu_ms(p);
        stopped = poll(&room, 1, 100) == 0 && program_cpu_ms(p) - busy <= 5;
        sent += net_send_some(fd, span_make(input + sent, size - sent));
    }
    return sent;
}

static void a_client_that_does_not_read_is_not_read(void **state)
{
    (void)state;
    enum { COUNT = 400000, SIZE = COUNT * FIN_SIZE };
    static uint8_t input[SIZE + 1];
    for (unsigned i = 0; i < COUNT; i++) {
        fin((char *)input + (size_t)i * FIN_SIZE, i);
    }
    struct program *p = program_start("--output-high-water=65536");
    program_drain(p);
    size_t memory = program_memory(p);
    int fd = net_connect_small(p->port, 65536, 65536);
    net_send(fd, SPAN("  V2"));
    net_subscribe(fd, "t", "c", 1);
    size_t sent = send_until_stopped(p, fd, input, SIZE);
    assert_in_range(sent, 1, SIZE - 1);
    assert_in_range(program_memory(p), 1, memory + GROWTH);

    int other = join(p); /* the other clients are served */
    publish(other, "u", SPAN("x"));
    close(other);

    /* When the client reads, the server continues; every reply arrives, in order. */
    unsigned replies = 0;
    unsigned most = (unsigned)(sent / FIN_SIZE) + 1000;
    while (replies < most) {
        expect_fin_error(fd, replies++);
        size_t wanted = (size_t)most * FIN_SIZE;
        sent += net_send_some(fd, span_make(input + sent, wanted - sent));
    }
    assert_false(net_has_input(fd));
    close(fd);
}

static void a_slow_consumer_disturbs_nobody(void **state)
{
    (void)state;
    enum { SIZE = 256 * 1024, COUNT = 40 };
    static uint8_t body[SIZE];
    struct program *p = program_start(ORDINARY);
    int slow = net_connect_small(p->port, 4096, 0);
    net_send(slow, SPAN("  V2"));
    net_subscribe(slow, "t", "slow", 2500);
    int fast = join(p);
    int publisher = join(p);
    net_subscribe(fast, "t", "fast", 2500);
    for (unsigned i = 0; i < COUNT; i++) {
        fill(body, SIZE, i);
        publish(publisher, "t", span_make(body, SIZE));
        expect_message(fast, span_make(body, SIZE));
    }
    fill(body, SIZE, 0);
    expect_message(slow, span_make(body, SIZE)); /* it gets its messages when it reads */
    fill(body, SIZE, 1);
    expect_message(slow, span_make(body, SIZE));
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_true(program_logged(p, "CHANNEL(slow): losing ") == 1);
    assert_true(program_logged(p, "CHANNEL(slow): losing 0 memory") ==
                0); /* not all messages are in its output */
    close(slow);
    close(fast);
    close(publisher);
}

/* A large message through a small buffer takes many writes, and arrives as one message. */
static void a_large_message_passes_in_pieces(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    static uint8_t body[SIZE];
    struct program *p = program_start(ORDINARY);
    int publisher = join(p);
    int consumer = net_connect_small(p->port, 4096, 0);
    net_send(consumer, SPAN("  V2"));
    net_subscribe(consumer, "t", "c", 10);
    for (unsigned i = 0; i < 2; i++) {
        fill(body, SIZE, i);
        publish(publisher, "t", span_make(body, SIZE));
    }
    for (unsigned i = 0; i < 2; i++) {
        fill(body, SIZE, i);
        expect_message(consumer, span_make(body, SIZE));
    }
    close(publisher);
    close(consumer);
}

/* --- many ------------------------------------------------------------------------------------- */

static void two_hundred_clients_at_once(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    int fds[COUNT];
    struct program *p = program_start(ORDINARY);
    for (int i = 0; i < COUNT; i++) {
        fds[i] = net_connect(p->port);
    }
    program_await(p, "TCP: new client(",
                  COUNT);             /* reads the log, which makes room for more lines */
    for (int i = 0; i < COUNT; i++) { /* two commands and one channel each */
        char line[64];
        int n = snprintf(line, sizeof line, "  V2SUB t c%d#ephemeral\nRDY 5\n", i);
        net_send(fds[i], span_make(line, (size_t)n));
    }
    for (int i = 0; i < COUNT; i++) {
        net_expect_frame(fds[i], RESPONSE, SPAN("OK"));
    }
    program_await(p, "desired protocol magic", COUNT);
    int publisher = join(p);
    publish(publisher, "t", SPAN("to all"));
    for (int i = 0; i < COUNT; i++) {
        expect_message(fds[i], SPAN("to all"));
    }
    for (int i = 0; i < COUNT; i++) {
        net_publish(fds[i], "u", span_make(&i, sizeof i));
    }
    for (int i = 0; i < COUNT; i++) {
        net_expect_frame(fds[i], RESPONSE, SPAN("OK"));
        close(fds[i]);
    }
    publish(publisher, "t", SPAN("x"));
    program_await(p, "exiting ioloop", COUNT); /* so that the last lines find room in the pipe */
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_int_equal(program_logged(p, "TOPIC(u): losing 200 memory messages"), 1);
    close(publisher);
}

static void another_waiter_serves_as_well(void **state)
{
    (void)state;
    struct program *p = program_start("--waiter=epoll");
    int a = join(p);
    publish(a, "t", SPAN("x"));
    assert_int_equal(program_end(p, SIGTERM), 0);
    close(a);
}

static void there_are_at_most_as_many_as_said(void **state)
{
    (void)state;
    struct program *p = program_start("--max-connections=2");
    int a = join(p);
    int b = join(p);
    publish(a, "t", SPAN("x"));
    publish(b, "t", SPAN("x"));
    int c = net_connect(p->port);
    net_expect_eof(c);
    close(c);
    close(a);
    publish(b, "t", SPAN("x")); /* by now the server knows that the first client has left */
    c = join(p);
    publish(c, "t", SPAN("x"));
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_int_equal(program_logged(p, " WARNING: TCP: refusing client(127.0.0.1:"), 1);
    close(b);
    close(c);
}

static void it_goes_on_when_descriptors_run_out(void **state)
{
    (void)state;
    enum { LIMIT = 20 };
    static const char temporary[] = " WARNING: temporary Accept() failure - too many open files\n";
    static const char *const args[] = {"--max-connections=1000", NULL};
    struct program *p =
        program_start_with(&(struct program_setup){.args = args, .descriptors = LIMIT});
    int fds[LIMIT];
    for (size_t i = 0; i < LIMIT; i++) {
        fds[i] = join(p); /* the kernel accepts all of them; the server does not */
    }
    program_await(p, temporary, 1);
    int64_t busy = program_cpu_ms(p);
    int64_t start = now_ms();
    program_await(p, temporary, 4); /* it tries again from time to time */
    assert_true(now_ms() - start >= 200);
    assert_in_range(program_cpu_ms(p) - busy, 0, BUSY_MS);
    assert_int_equal(program_descriptors(p), LIMIT);
    publish(fds[0], "t", SPAN("x")); /* the connected clients are served */
    size_t accepted = program_logged(p, "TCP: new client(");
    assert_in_range(accepted, 1, LIMIT - 1);
    for (size_t i = 0; i < LIMIT - accepted; i++) {
        close(fds[i]); /* as many as wait to be accepted */
    }
    for (size_t i = accepted; i < LIMIT; i++) {
        publish(fds[i], "t", SPAN("x"));
    }
    assert_int_equal(program_end(p, SIGTERM), 0);
    for (size_t i = LIMIT - accepted; i < LIMIT; i++) {
        close(fds[i]);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

/* Two waits of one second at the same time. A message that is not finished is delivered again after
 * its timeout: never early, and not much later. A client that has received a fatal error and does
 * not close is closed after one second. Meanwhile the server sleeps. */
static void time_passes(void **state)
{
    (void)state;
    struct program *p = program_start(ORDINARY);
    int consumer = join(p);
    net_send(consumer, SPAN("IDENTIFY\n\0\0\0\x14{\"msg_timeout\":1000}"));
    net_expect_frame(consumer, RESPONSE, SPAN("OK"));
    net_subscribe(consumer, "t", "c", 1);
    int publisher = join(p);
    publish(publisher, "round-trip", SPAN("x"));
    int full = net_connect_small(p->port, 4096,
                                 0); /* never reads, so its output waits in the server, .. */
    net_send(full, SPAN("  V2SUB much full\nRDY 2500\n"));
    int none = join(p); /* .. and this one has RDY 0: messages wait for both */
    net_subscribe(none, "much", "none", 0);
    static const uint8_t much[1 << 20];
    for (int i = 0; i < 8; i++) {
        publish(publisher, "much", span_make(much, sizeof much));
    }
    net_send(publisher,
             SPAN("DPUB much 60000\n\0\0\0\1x")); /* and this message waits for its time */
    net_expect_frame(publisher, RESPONSE, SPAN("OK"));
    size_t descriptors = program_descriptors(p);
    int stays = join(p);
    net_send(stays, SPAN("BAD\n"));
    net_expect_frame(stays, ERROR, SPAN("E_INVALID invalid command BAD"));
    net_expect_eof(stays);

    int64_t before = now_ms(); /* the timeout begins between this .. */
    publish(publisher, "t", SPAN("x"));
    expect_message(consumer, SPAN("x"));
    int64_t begun = now_ms(); /* .. and this */
    int64_t busy = program_cpu_ms(p);
    expect_message(consumer, SPAN("x"));
    assert_true(now_ms() - before >= 1000);
    assert_in_range(now_ms() - begun, 0, 1300);
    assert_in_range(program_cpu_ms(p) - busy, 0, BUSY_MS / 2);
    await_descriptors(p, publisher, descriptors); /* without the client that did not close */
    close(consumer);
    close(publisher);
    close(stays);
    close(full);
    close(none);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_teardown(name, program_clean_up)
    const struct CMUnitTest tests[] = {
        TEST(a_reset_frees_a_connection_in_every_state),
        TEST(what_was_sent_before_a_reset_counts),
        TEST(a_reply_comes_after_the_client_has_said_its_last_word),
        TEST(an_error_arrives_whatever_else_was_sent),
        TEST(a_client_that_does_not_read_is_not_read),
        TEST(a_slow_consumer_disturbs_nobody),
        TEST(a_large_message_passes_in_pieces),
        TEST(two_hundred_clients_at_once),
        TEST(another_waiter_serves_as_well),
        TEST(there_are_at_most_as_many_as_said),
        TEST(it_goes_on_when_descriptors_run_out),
        TEST(time_passes),
    };
    (void)argc;
    program_locate(argv[0]);
    alarm(250);
    return cmocka_run_group_tests_name("program_net", tests, NULL, NULL);
}
