/* SPDX-License-Identifier: MIT */
/* Tests of conform/spawn.h. The server that it starts is this test program itself. */
#include "conform/spawn.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "conform/transport_tcp.h"

static char self[FILES_PATH_MAX];

/* The server: listens, prints that, and waits until it is killed. */
static int be_server(const char *address)
{
    char why[SOCKET_WHY_MAX];
    char bound[SOCKET_ADDRESS_MAX];
    int fd = socket_listen(address, why);
    if (fd < 0) {
        return 4;
    }
    socket_local_address(fd, bound);
    fprintf(stderr, "[x] INFO: TCP: listening on %s\n", bound);
    pause();
    return 0;
}

static const char *command(const char *arguments)
{
    static char text[FILES_PATH_MAX + 128];
    snprintf(text, sizeof text, "'%s' %s", self, arguments);
    return text;
}

static void words_in_braces_are_replaced(void **state)
{
    (void)state;
    struct buf out = {0};
    const struct spawn_places places = {
        .port = "17", .dir = "/d", .suite = "s/t", .auth = "127.0.0.1:1"};
    spawn_command("x {flags} -p {port} -d {dir} {other}", SPAN("--a={suite}/b --c={auth}"), &places,
                  &out);
    assert_true(
        span_equal(buf_span(&out), SPAN("x --a=s/t/b --c=127.0.0.1:1 -p 17 -d /d {other}")));
    buf_free(&out);
}

static void starts_and_stops(const char *arguments)
{
    struct spawn s;
    spawn_start(&s, command(arguments), SPAN(""), "");
    spawn_wait(&s, 1, NULL);
    if (s.state != SPAWN_READY) {
        fail_msg("%.*s", (int)s.why.n, (const char *)buf_span(&s.why).p);
    }
    assert_true(spawn_runs(&s));
    assert_true(tcp_transport_reachable(s.address));
    assert_true(files_is_folder(s.folder));
    pid_t pid = s.pid;
    spawn_stop(&s, 1);
    assert_int_equal(kill(pid, 0), -1);
    assert_false(files_is_folder(s.folder));
}

static void the_address_is_read_from_the_output(void **state)
{
    (void)state;
    starts_and_stops("--be-server 127.0.0.1:0");
}

static void the_address_may_be_given(void **state)
{
    (void)state;
    starts_and_stops("--be-server 127.0.0.1:{port}");
}

static void a_server_that_ends_is_refused(void **state)
{
    (void)state;
    struct spawn s;
    spawn_start(&s, command("--exit {flags}"), SPAN("7"), "");
    spawn_wait(&s, 1, NULL);
    assert_int_equal(s.state, SPAWN_REFUSED);
    assert_true(span_equal(buf_span(&s.why),
                           SPAN("the server ended by itself, with exit code 7\nwhy it ends\n")));
    spawn_stop(&s, 1);
}

static void a_server_that_ends_later_is_noticed(void **state)
{
    (void)state;
    struct spawn s;
    spawn_start(&s, command("--be-server 127.0.0.1:0"), SPAN(""), "");
    spawn_wait(&s, 1, NULL);
    assert_int_equal(s.state, SPAWN_READY);
    kill(s.pid, SIGKILL);
    while (spawn_runs(&s)) {
    }
    assert_memory_equal(buf_span(&s.why).p, "the server ended by itself, by signal 9\n", 40);
    spawn_stop(&s, 1);
}

static void a_command_that_cannot_run_is_refused(void **state)
{
    (void)state;
    static const char *const commands[] = {"/no/such/program", "", "'unclosed", "$(id)"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct spawn s;
        spawn_start(&s, commands[i], SPAN(""), "");
        spawn_wait(&s, 1, NULL);
        assert_int_equal(s.state, SPAWN_REFUSED);
        assert_true(s.why.n > 0);
        spawn_stop(&s, 1);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_in_braces_are_replaced),
        cmocka_unit_test(the_address_is_read_from_the_output),
        cmocka_unit_test(the_address_may_be_given),
        cmocka_unit_test(a_server_that_ends_is_refused),
        cmocka_unit_test(a_server_that_ends_later_is_noticed),
        cmocka_unit_test(a_command_that_cannot_run_is_refused),
    };
    if (argc > 2 && strcmp(argv[1], "--be-server") == 0) {
        return be_server(argv[2]);
    }
    if (argc > 2 && strcmp(argv[1], "--exit") == 0) {
        fputs("why it ends\n", stderr);
        return atoi(argv[2]);
    }
    snprintf(self, sizeof self, "%s", argv[0]);
    return cmocka_run_group_tests_name("spawn", tests, NULL, NULL);
}
