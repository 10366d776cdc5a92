/* SPDX-License-Identifier: MIT */
/*
 * Tests of nsqd as a program: how it starts, what it logs, how it ends. test_program_net.c tests
 * its connections.
 */
#include <assert.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/net.h"
#include "support/program.h"

#define ORDINARY "--log-level=info"

/* Connects a client and sends the magic. */
static int join(const struct program *p)
{
    int fd = net_connect(p->port);
    net_send(fd, SPAN("  V2"));
    return fd;
}

/* A reply proves that everything that arrived before it was handled. */
static void round_trip(const struct program *p)
{
    int fd = join(p);
    net_publish(fd, "round-trip#ephemeral", SPAN("x"));
    net_expect_frame(fd, 0, SPAN("OK"));
    close(fd);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Connections at every point of a conversation. None of them ends by itself. */
static const struct {
    const char *where;
    struct span said;
} unfinished[] = {
#define AT(where, said)                                                                            \
    {                                                                                              \
        where, SPAN_LITERAL(said)                                                                  \
    }
    AT("nothing was said", ""),
    AT("half a magic", "  "),
    AT("a magic", "  V2"),
    AT("half a line", "  V2PUB un"),
    AT("half a size", "  V2PUB unfinished\n\0\0"),
    AT("half a body", "  V2PUB unfinished\n\0\0\0\5ab"),
    AT("half an MPUB", "  V2MPUB unfinished\n\0\0\0\x0e\0\0\0\2\0\0\0\1a\0\0"),
    AT("half an IDENTIFY", "  V2IDENTIFY\n\0\0\0\x10{\"client_id\""),
    AT("waits for messages", "  V2SUB unfinished c\nRDY 5\n"),
    AT("CLS", "  V2SUB unfinished d\nRDY 5\nCLS\n"),
    AT("an error, not taken", "  V2BAD\nand more"),
    AT("a bad magic", "GET / HTTP/1.1\r\n"),
#undef AT
};

static void expect_end_by(int signal)
{
    enum { COUNT = sizeof unfinished / sizeof unfinished[0] };
    static uint8_t much[1 << 20];
    struct program *p = program_start(ORDINARY);
    int fds[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        fds[i] = net_connect(p->port);
        net_send(fds[i], unfinished[i].said);
    }
    int shut = join(p); /* sends nothing more, and waits for nothing */
    net_send(shut, SPAN("SUB unfinished e\n"));
    net_shut(shut);
    int slow =
        net_connect_small(p->port, 1, 0); /* never reads, so its output waits in the server */
    net_send(slow, SPAN("  V2SUB much c\nRDY 2500\n"));
    int publisher = join(p);
    for (int i = 0; i < 4; i++) {
        net_publish(publisher, "much", span_make(much, sizeof much));
        net_expect_frame(publisher, 0, SPAN("OK"));
    }
    round_trip(p);
    assert_int_equal(program_end(p, signal), 0);
    assert_int_equal(program_logged(p, " INFO: NSQ: bye\n"), 1);
    assert_int_equal(program_logged(p, " INFO: TCP: closing 127.0.0.1:"), 1);
    for (size_t i = 0; i < COUNT; i++) {
        net_await_end(fds[i]);
        close(fds[i]);
    }
    net_expect_eof(publisher);
    close(publisher);
    close(slow);
    close(shut);
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

static void what_is_lost_is_reported(void **state)
{
    (void)state;
    struct program *p = program_start(ORDINARY);
    int publisher = join(p);
    int consumer = join(p);
    net_subscribe(consumer, "t", "c", 1);
    for (int i = 0; i < 3; i++) {
        net_publish(publisher, "t", SPAN("x"));
        net_publish(publisher, "nobody", SPAN("x"));
        net_expect_frame(publisher, 0, SPAN("OK"));
        net_expect_frame(publisher, 0, SPAN("OK"));
    }
    net_send(publisher, SPAN("DPUB t 60000\n\0\0\0\1x"));
    net_expect_frame(publisher, 0, SPAN("OK"));
    net_publish(publisher, "once", SPAN("x"));
    net_expect_frame(publisher, 0, SPAN("OK"));
    struct net_frame message = net_read_frame(consumer);
    assert_int_equal(message.type, 2);
    net_frame_free(&message);
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_int_equal(program_logged(p,
                                    " WARNING: CHANNEL(c): losing 2 memory 1 in-flight 1 deferred "
                                    "messages, there is no disk yet\n"),
                     1);
    assert_int_equal(
        program_logged(p,
                       " WARNING: TOPIC(nobody): losing 3 memory messages, there is no disk yet\n"),
        1);
    assert_int_equal(program_logged(p, " WARNING: TOPIC(once): losing 1 memory message"), 1);
    assert_int_equal(program_logged(p, ": losing "), 3);
    close(publisher);
    close(consumer);
}

static void other_signals_are_nsqds(void **state)
{
    (void)state;
    static const int ignored[] = {SIGPIPE, SIGUSR1, SIGUSR2};
    struct program *p = program_start(ORDINARY);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(kill(p->pid, ignored[i]), 0);
        round_trip(p);
    }
    assert_int_equal(program_end(p, SIGHUP), 128 + SIGHUP); /* at once */
    assert_int_equal(program_logged(p, "bye"), 0);
}

/* As nsqd 1.3.0: SIGINT and SIGTERM end it although they were ignored and blocked when it was
 * started. Then SIGHUP does nothing. */
static void signals_that_were_ignored_end_it(void **state)
{
    (void)state;
    static const int ends[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        struct program *p = program_start_with(
            &(struct program_setup){.args = (const char *const[]){ORDINARY, NULL}, .deaf = true});
        assert_int_equal(kill(p->pid, SIGHUP), 0);
        round_trip(p);
        assert_int_equal(program_end(p, ends[i]), 0);
        assert_int_equal(program_logged(p, " INFO: NSQ: bye\n"), 1);
    }
}

/* --- the start -------------------------------------------------------------------------------- */

static void a_data_path_is_used_by_one_at_a_time(void **state)
{
    (void)state;
    char line[2 * PROGRAM_PATH_MAX];
    struct program *p = program_start(ORDINARY);
    snprintf(
        line, sizeof line,
        " FATAL: failed to instantiate nsqd - failed to lock data-path: cannot flock directory "
        "%s - resource temporarily unavailable (possibly in use by another instance of nsqd)\n",
        p->folder);
    program_expect_refusal(&(struct program_setup){.folder = p->folder}, 1, line);
    round_trip(p); /* the first server still works */
    char folder[PROGRAM_PATH_MAX];
    snprintf(folder, sizeof folder, "%s", p->folder);
    assert_int_equal(kill(p->pid, SIGKILL), 0);
    assert_int_equal(program_wait(p), 128 + SIGKILL);
    /* A folder that a killed server has left behind is accepted. */
    assert_int_equal(mkdir(folder, 0700), 0);
    struct program *next = program_start_with(&(struct program_setup){.folder = folder});
    assert_int_equal(program_end(next, SIGTERM), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void a_data_path_must_be_there(void **state)
{
    (void)state;
    program_expect_refusal(&(struct program_setup){.folder = "/tmp/nsqref-test/no/such"}, 1,
                           " FATAL: failed to instantiate nsqd - failed to lock data-path: open "
                           "/tmp/nsqref-test/no/such: no such file or directory\n");
}

/* Wrong command lines; each was seen on nsqd 1.3.0. */
static void a_wrong_command_line_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *arg;
        int code;
        const char *line;
    } rows[] = {
        {"--version", 0, ""}, /* on standard output */
        {"--node-id=1024", 1, " FATAL: failed to instantiate nsqd - --node-id must be [0,1024)\n"},
        {"--config=/tmp/nsqref-test/no/\\\xc3\xa9", 1, /* printed in the user's own bytes */
         " FATAL: failed to load config file /tmp/nsqref-test/no/\\\xc3\xa9 - open "
         "/tmp/nsqref-test/no/\\\xc3\xa9: no such file or directory\n"},
        {"--e2e-processing-latency-percentile=x", 1, "Could not parse: x\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const args[] = {rows[i].arg, NULL};
        program_expect_refusal(&(struct program_setup){.args = args}, rows[i].code, rows[i].line);
    }
    static const char *const tls[] = {"--tls-cert=/tmp/nsqref-test/no/cert", "--tls-key=/dev/null",
                                      NULL};
    program_expect_refusal(&(struct program_setup){.args = tls}, 1,
                           " FATAL: failed to instantiate nsqd - failed to build TLS config - open "
                           "/tmp/nsqref-test/no/cert: no such file or directory\n");
    static const char *const unknown[] = {"--nope", NULL};
    struct program *p = program_spawn(&(struct program_setup){.args = unknown});
    assert_int_equal(program_wait(p), 2);
    assert_int_equal(program_logged(p, "flag provided but not defined: -nope\nUsage of nsqd:\n"),
                     1);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void a_configuration_file_is_read(void **state)
{
    (void)state;
    char folder[] = "/tmp/nsqref-test-XXXXXX";
    char path[64];
    char arg[80];
    char line[256];
    const char *const args[] = {arg, NULL};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/nsqd.cfg", folder);
    snprintf(arg, sizeof arg, "--config=%s", path);
    write_file(path, "# a comment\n\nid = 77\nlog_prefix = '[file] '\nsync_every = 1\n");
    struct program *p = program_start_with(&(struct program_setup){.args = args});
    assert_int_equal(program_logged(p, " INFO: ID: 77\n"), 1);
    assert_int_equal(program_logged(p, " WARNING: --sync-every has no effect yet: messages are not "
                                       "stored on disk\n"),
                     1);
    assert_int_equal(program_end(p, SIGTERM), 0);
    write_file(path, "id = 77\nsnappy = 0\n");
    snprintf(line, sizeof line,
             " FATAL: failed to load config file %s - line 2, column 10: snappy: expected true or "
             "false, found 0\n",
             path);
    program_expect_refusal(&(struct program_setup){.args = args}, 1, line);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* With too few descriptors for itself it says so and ends. It must neither hang nor start
 * partly. */
static void few_descriptors_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        [4] = " FATAL: failed to instantiate nsqd - cannot read random bytes from /dev/urandom\n",
        [5] = " failed - listen tcp 127.0.0.1:0: socket: too many open files\n",
        [6] = " FATAL: failed to instantiate nsqd - no file descriptor is left for signals\n",
        [7] = " FATAL: failed to instantiate nsqd - no file descriptor is left for signals\n",
        [8] = " FATAL: failed to instantiate nsqd - no file descriptor is left for epoll\n",
    };
    char folder[] = "/tmp/nsqref-test-XXXXXX";
    char address[64];
    assert_non_null(mkdtemp(folder));
    snprintf(address, sizeof address, "%s/nsqd.sock", folder);
    const char *const args[] = {"--waiter=epoll", NULL};
    for (unsigned n = 4; n <= 8; n++) {
        program_expect_refusal(
            &(struct program_setup){.address = address, .args = args, .descriptors = n}, 1,
            lines[n]);
        assert_int_equal(access(address, F_OK), -1); /* the socket's file is removed */
    }
    assert_int_equal(rmdir(folder), 0);
}

static void a_port_is_used_by_one_at_a_time(void **state)
{
    (void)state;
    char address[64];
    char line[256];
    struct program *p = program_start(ORDINARY);
    snprintf(address, sizeof address, "127.0.0.1:%u", p->port);
    snprintf(
        line, sizeof line,
        " FATAL: failed to instantiate nsqd - listen (%s) failed - listen tcp %s: bind: address "
        "already in use\n",
        address, address);
    program_expect_refusal(&(struct program_setup){.address = address}, 1, line);
    round_trip(p);
}

static void a_unix_socket_serves_and_goes_with_it(void **state)
{
    (void)state;
    char folder[] = "/tmp/nsqref-test-XXXXXX";
    char address[64];
    char line[256];
    assert_non_null(mkdtemp(folder));
    snprintf(address, sizeof address, "%s/nsqd.sock", folder);
    struct program *p = program_start_with(&(struct program_setup){.address = address});
    snprintf(line, sizeof line, " INFO: TCP: listening on %s\n", address);
    program_await(p, line, 1);
    int fd = net_connect_unix(address);
    net_send(fd, SPAN("  V2"));
    net_publish(fd, "t", SPAN("x"));
    net_expect_frame(fd, 0, SPAN("OK"));
    program_await(p, " INFO: TCP: new client(@)\n", 1);

    snprintf(line, sizeof line,
             " FATAL: failed to instantiate nsqd - listen (%s) failed - listen unix %s: bind: "
             "address already in use\n",
             address, address);
    program_expect_refusal(&(struct program_setup){.address = address}, 1, line);
    assert_int_equal(program_end(p, SIGTERM), 0);
    net_expect_eof(fd);
    close(fd);
    assert_int_equal(access(address, F_OK), -1);

    /* A socket's file that a killed server has left behind is replaced. */
    p = program_start_with(&(struct program_setup){.address = address});
    assert_int_equal(kill(p->pid, SIGKILL), 0);
    program_wait(p);
    assert_int_equal(access(address, F_OK), 0);
    p = program_start_with(&(struct program_setup){.address = address});
    close(net_await_unix(address));
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_int_equal(access(address, F_OK), -1);
    assert_int_equal(rmdir(folder), 0);
}

/* --- what it says ----------------------------------------------------------------------------- */

static void the_level_and_the_prefix_are_the_command_lines(void **state)
{
    (void)state;
    struct program *p = program_start("--log-prefix=<my%prefix>\t");
    struct span log = buf_span(&p->log);
    assert(log.p != NULL); /* for the analyzer */
    assert_int_equal(memcmp(log.p, "<my%prefix>\t2", 13), 0);
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_int_equal(program_logged(p, "\n<my%prefix>\t2"), program_logged(p, "\n") - 1);

    char address[64];
    snprintf(address, sizeof address, "@nsqref-test-level-%d", (int)getpid());
    static const char *const warn[] = {"--log-level=warn", NULL};
    p = program_spawn(&(struct program_setup){.address = address, .args = warn});
    int fd = net_await_unix(address);
    net_send(fd, SPAN("  V2"));
    net_publish(fd, "t", SPAN("x"));
    net_expect_frame(fd, 0, SPAN("OK"));
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_int_equal(program_logged(p, "INFO"), 0);
    assert_true(program_logged(p, " WARNING: TOPIC(t): losing 1 ") > 0);
    close(fd);

    static const char *const fatal[] = {"--log-level=fatal", "--log-prefix=mine", NULL};
    program_expect_refusal(
        &(struct program_setup){.address = "127.0.0.1:99999", .args = fatal}, 1,
        " FATAL: failed to instantiate nsqd - listen (127.0.0.1:99999) failed - listen "
        "tcp: address 99999: invalid port\n");
}

/* Whatever bytes clients send, each log line begins as all do, and nothing in it controls a
 * terminal. */
static void clients_cannot_forge_lines(void **state)
{
    (void)state;
    static const struct span said[] = {
        SPAN_LITERAL("a\n\x1b\xff"),          SPAN_LITERAL("\r\n\r\n"),
        SPAN_LITERAL("  V2PUB a\x1b[31mb\n"), SPAN_LITERAL("  V2SUB t\x00u c\r\n"),
        SPAN_LITERAL("  V2\x9b\x07 x\n"),
    };
    static const char identity[] =
        "{\"client_id\":\"a\\n[nsqd] INFO: b\",\"hostname\":\"\\u001b[31m\","
        "\"user_agent\":\"\\r\xc2\x9b\\u0000\xff\\\\x0a\"}";
    uint8_t size[4];
    struct program *p = program_start("--log-level=debug");
    int client = join(p);
    be32_store(size, sizeof identity - 1);
    net_send(client, SPAN("IDENTIFY\n"));
    net_send(client, span_make(size, sizeof size));
    net_send(client, SPAN(identity));
    net_expect_frame(client, 0, SPAN("OK"));
    close(client);
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        int fd = net_connect(p->port);
        net_send(fd, said[i]);
        struct net_frame frame = net_read_frame(fd);
        net_frame_free(&frame);
        close(fd);
    }
    assert_int_equal(program_end(p, SIGTERM), 0);
    assert_int_equal(program_logged(p, "desired protocol magic 'a\\x0a\\x1b\\xff'\n"), 1);
    assert_int_equal(program_logged(p, "desired protocol magic '\\x0d\\x0a\\x0d\\x0a'\n"), 1);
    assert_int_equal(program_logged(p, "IDENTIFY: {ClientID:a\\x0a[nsqd] INFO: b"), 1);
    assert_int_equal(program_logged(p, "\n[nsqd] 20"), program_logged(p, "\n") - 1);
    struct span log = buf_span(&p->log);
    for (size_t i = 0; i < log.n; i++) {
        if (log.p[i] != '\n' && (log.p[i] < ' ' || log.p[i] > '~')) {
            fail_msg("byte 0x%02x in the log", log.p[i]);
        }
    }
}

/* If nobody reads its log, or there is none, it serves all the same, and no log line reaches a
 * client. */
static void its_log_may_go_nowhere(void **state)
{
    (void)state;
    static const enum program_stderr kinds[] = {PROGRAM_NULL, PROGRAM_BROKEN_PIPE, PROGRAM_CLOSED,
                                                PROGRAM_ALL_CLOSED};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char folder[] = "/tmp/nsqref-test-XXXXXX";
        char address[64];
        assert_non_null(mkdtemp(folder));
        snprintf(address, sizeof address, "%s/nsqd.sock", folder);
        struct program *p =
            program_spawn(&(struct program_setup){.address = address, .err = kinds[i]});
        int fds[4];
        fds[0] = net_await_unix(address);
        for (size_t k = 1; k < 4; k++) {
            fds[k] = net_connect_unix(address);
        }
        assert_true(kinds[i] == PROGRAM_BROKEN_PIPE || program_has_null(p, 2));
        for (size_t k = 0; k < 4; k++) {
            net_send(fds[k], SPAN("  V2"));
            net_publish(fds[k], "t", SPAN("x"));
        }
        for (size_t k = 0; k < 4; k++) {
            net_expect_frame(fds[k], 0, SPAN("OK"));
        }
        assert_int_equal(program_end(p, SIGTERM), 0);
        for (size_t k = 0; k < 4; k++) {
            net_expect_eof(fds[k]);
            close(fds[k]);
        }
        assert_int_equal(rmdir(folder), 0);
    }
}

/* nsqd 1.3.0 hangs in this case and can only be killed. */
static void a_log_that_is_not_read_stops_nothing(void **state)
{
    (void)state;
    static const char *const args[] = {"--log-level=debug", NULL};
    char address[64];
    snprintf(address, sizeof address, "@nsqref-test-unread-%d", (int)getpid());
    struct program *p = program_spawn(
        &(struct program_setup){.address = address, .err = PROGRAM_UNREAD_PIPE, .args = args});
    int fd = net_await_unix(address);
    net_send(fd, SPAN("  V2"));
    for (int i = 0; i < 3000; i++) { /* each makes a log line; together more than any pipe holds */
        net_publish(fd, "t#ephemeral", SPAN("x"));
        net_expect_frame(fd, 0, SPAN("OK"));
    }
    assert_int_equal(program_end(p, SIGTERM), 0);
    close(fd);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_teardown(name, program_clean_up)
    const struct CMUnitTest tests[] = {
        TEST(term_ends_it_whatever_its_clients_do),
        TEST(int_ends_it_whatever_its_clients_do),
        TEST(what_is_lost_is_reported),
        TEST(other_signals_are_nsqds),
        TEST(signals_that_were_ignored_end_it),
        TEST(a_data_path_is_used_by_one_at_a_time),
        TEST(a_data_path_must_be_there),
        TEST(a_wrong_command_line_is_refused),
        TEST(a_configuration_file_is_read),
        TEST(few_descriptors_are_refused),
        TEST(a_port_is_used_by_one_at_a_time),
        TEST(a_unix_socket_serves_and_goes_with_it),
        TEST(the_level_and_the_prefix_are_the_command_lines),
        TEST(clients_cannot_forge_lines),
        TEST(its_log_may_go_nowhere),
        TEST(a_log_that_is_not_read_stops_nothing),
    };
    (void)argc;
    program_locate(argv[0]);
    alarm(250);
    return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
