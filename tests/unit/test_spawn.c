/* SPDX-License-Identifier: MIT */
/* Tests of conform/spawn.h. The server that it starts is this test program itself. */
#define _XOPEN_SOURCE 700 /* realpath */ /* NOLINT(bugprone-reserved-identifier) */

#include "conform/spawn.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "conform/listener.h"
#include "conform/player.h"
#include "conform/ports.h"
#include "conform/transport_tcp.h"

static char self[FILES_PATH_MAX];

/* The server: listens, prints that, and waits until it is killed. It also prints an address for
 * HTTP. Otherwise spawn_wait would wait for this line for a second at each start. */
static int be_server(const char *address)
{
    char why[SOCKET_WHY_MAX];
    char bound[SOCKET_ADDRESS_MAX];
    int fd = socket_listen(address, why);
    if (fd < 0) {
        return 4;
    }
    socket_local_address(fd, bound);
    fprintf(stderr, "[x] INFO: TCP: listening on %s\n[x] INFO: HTTP: listening on %s\n", bound,
            bound);
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
    const struct spawn_places places = {.port = "17",
                                        .http_port = "18",
                                        .https_port = "19",
                                        .dir = "/d",
                                        .suite = "s/t",
                                        .auth = "127.0.0.1:1",
                                        .lookupd = "127.0.0.1:2",
                                        .lookupd2 = "127.0.0.1:3"};
    spawn_command("x {flags} -p {port},{http-port},{https-port} -d {dir} {other}",
                  SPAN("--a={suite}/b --c={auth} {lookupd}{lookupd2}"), &places, &out);
    assert_true(span_equal(buf_span(&out), SPAN("x --a=s/t/b --c=127.0.0.1:1 127.0.0.1:2127.0.0.1:3"
                                                " -p 17,18,19 -d /d {other}")));
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

/* Also when the folder of the cases has a name with a meaning for a shell. */
static void the_folder_of_the_cases_is_absolute(void **state)
{
    (void)state;
    struct spawn s;
    char folder[] = "/tmp/test_spawn-XXXXXX";
    char here[FILES_PATH_MAX];
    assert_non_null(mkdtemp(folder));
    assert_non_null(getcwd(here, sizeof here));
    char *program = realpath(self, NULL);
    assert_non_null(program);
    snprintf(self, sizeof self, "%s", program);
    free(program);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(mkdir("a & $(b) 'c", 0700), 0);
    spawn_start(&s, command("--say {flags}"), SPAN("{suite}/tls"), "a & $(b) 'c");
    spawn_wait(&s, 1, NULL);
    assert_int_equal(chdir(here), 0);
    assert_int_equal(s.state, SPAWN_REFUSED);
    char want[256];
    snprintf(want, sizeof want,
             "the server ended by itself, with exit code 0\n%s/a & $(b) 'c/tls\n", folder);
    assert_true(span_equal(buf_span(&s.why), span_make(want, strlen(want))));
    spawn_stop(&s, 1);
    files_remove(folder);
}

static void the_address_may_be_given(void **state)
{
    (void)state;
    starts_and_stops("--be-server 127.0.0.1:{port}");
}

/* The process that listens is a child of the command, or its parent has ended already. */
static void a_script_may_start_the_server(void **state)
{
    (void)state;
    static const char *const scripts[] = {"'%s' --be-server 127.0.0.1:{port} & wait",
                                          "('%s' --be-server 127.0.0.1:{port} &) ; sleep 60",
                                          "exec '%s' --be-server 127.0.0.1:{port}"};
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        char script[FILES_PATH_MAX + 128];
        char text[FILES_PATH_MAX + 256];
        snprintf(script, sizeof script, scripts[i], self); /* NOLINT: the formats are above */
        snprintf(text, sizeof text, "sh -c \"%s\"", script);
        struct spawn s;
        spawn_start(&s, text, SPAN(""), "");
        spawn_wait(&s, 1, NULL);
        if (s.state != SPAWN_READY) {
            fail_msg("%s: %.*s", text, (int)s.why.n, (const char *)buf_span(&s.why).p);
        }
        char address[SOCKET_ADDRESS_MAX];
        memcpy(address, s.address, sizeof address);
        spawn_stop(&s, 1);
        assert_false(tcp_transport_reachable(address));
    }
}

/* The first time, a process that is no child of the command takes the port. */
static void a_server_that_loses_its_port_gets_another(void **state)
{
    (void)state;
    char text[4 * FILES_PATH_MAX];
    char mark[] = "/tmp/nsqref-test-XXXXXX";
    assert_non_null(mkdtemp(mark));
    snprintf(text, sizeof text,
             "sh -c \"if mkdir %s/once 2>/dev/null; then "
             "(setsid '%s' --be-thief 127.0.0.1:{port} &); exec '%s' --pause; fi; "
             "exec '%s' --be-server 127.0.0.1:{port}\"",
             mark, self, self, self);
    struct spawn s;
    spawn_start(&s, text, SPAN(""), "");
    spawn_wait(&s, 1, NULL);
    if (s.state != SPAWN_READY) {
        fail_msg("%.*s", (int)s.why.n, (const char *)buf_span(&s.why).p);
    }
    assert_int_equal(s.tries, 2);
    spawn_stop(&s, 1);
    files_remove(mark);
}

/* Another process has each port that the server is given. */
static void a_server_that_never_gets_its_port_fails(void **state)
{
    (void)state;
    char text[4 * FILES_PATH_MAX];
    snprintf(text, sizeof text,
             "sh -c \"(setsid '%s' --be-thief 127.0.0.1:{port} &); exec '%s' --pause\"", self,
             self);
    struct spawn s;
    spawn_start(&s, text, SPAN(""), "");
    spawn_wait(&s, 1, NULL);
    assert_int_equal(s.state, SPAWN_FAILED);
    assert_int_equal(s.tries, SPAWN_TRIES_MAX);
    assert_memory_equal(buf_span(&s.why).p, "process ", 8);
    spawn_stop(&s, 1);
}

static void ports_are_below_those_that_the_system_gives(void **state)
{
    (void)state;
    static const struct {
        const char *kernel;
        unsigned first;
        unsigned last;
    } rows[] = {{"", 10240, 32767},
                {"32768\t60999\n", 10240, 32767},
                {"15000 65535\n", 10240, 14999},
                {"1024\t60999\n", 61000, 65535},
                {"1024\t65535\n", 10240, 65535},
                {"nonsense", 10240, 32767}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct port_range r = port_range(span_make(rows[i].kernel, strlen(rows[i].kernel)));
        assert_int_equal(r.first, rows[i].first);
        assert_int_equal(r.last, rows[i].last);
    }
}

static void a_port_is_taken_once(void **state)
{
    (void)state;
    enum { N = 64 };
    struct port ports[N];
    for (size_t i = 0; i < N; i++) {
        assert_true(port_take(&ports[i]));
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(ports[i].number, ports[k].number);
        }
    }
    for (size_t i = 0; i < N; i++) {
        port_release(&ports[i]);
        assert_int_equal(ports[i].number, 0);
    }
}

static void a_table_of_sockets_shows_who_listens(void **state)
{
    (void)state;
    static char table[] =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
        "timeout inode\n"
        "   0: 0100007F:1036 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        "
        "0 4711 1 0 100 0 0 10 0\n"
        "   1: 0100007F:1036 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        "
        "0 4712 1 0 100 0 0 10 0\n"
        "   2: 00000000000000000000000000000000:1036 00000000000000000000000000000000:0000 0A "
        "00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0\n"
        "   3: 0100007F:1037 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        "
        "0 4714 1 0 100 0 0 10 0\n";
    unsigned long inodes[LISTENER_SOCKETS_MAX] = {1};
    FILE *file = fmemopen(table, sizeof table - 1, "r");
    assert_non_null(file);
    assert_int_equal(listener_inodes(file, 4150, inodes, 1), 3);
    assert_int_equal(inodes[1], 4711);
    assert_int_equal(inodes[2], 4713);
    fclose(file);
}

static bool restart(struct spawn *s, bool killed, struct span flags)
{
    return spawn_end(s, killed) && spawn_again(s, flags);
}

static void restarts(const char *arguments, bool killed, bool same_port)
{
    struct spawn s;
    char before[SOCKET_ADDRESS_MAX];
    char folder[FILES_PATH_MAX];
    spawn_start(&s, command(arguments), SPAN(""), "");
    spawn_wait(&s, 1, NULL);
    assert_int_equal(s.state, SPAWN_READY);
    pid_t pid = s.pid;
    snprintf(before, sizeof before, "%s", s.address);
    snprintf(folder, sizeof folder, "%s", s.folder);
    assert_true(restart(&s, killed, SPAN("")));
    assert_true(s.pid != pid && tcp_transport_reachable(s.address));
    assert_string_equal(s.folder, folder);
    if (same_port) {
        assert_string_equal(s.address, before);
    }
    spawn_stop(&s, 1);
}

static void a_server_is_restarted(void **state)
{
    (void)state;
    restarts("--be-server 127.0.0.1:{port}", false, true);
    restarts("--be-server 127.0.0.1:{port}", true, true);
    restarts("--be-server 127.0.0.1:0", false, false);
    restarts("--be-server 127.0.0.1:0", true, false);
}

/* A connection that the server has opened before a restart does not show that it connects again. */
static void a_restart_forgets_waiting_connections(void **state)
{
    (void)state;
    struct spawn s;
    struct tcp_transport t;
    struct player *player = alloc_zeroed(sizeof *player);
    char why[SOCKET_WHY_MAX];
    char address[SOCKET_ADDRESS_MAX];
    struct buf reason = {0};
    spawn_start(&s, command("--be-server 127.0.0.1:{port}"), SPAN(""), "");
    spawn_wait(&s, 1, NULL);
    tcp_transport_init_own(&t, player, &s);
    t.listeners[0] = socket_listen("127.0.0.1:0", why);
    assert_true(t.listeners[0] >= 0);
    socket_local_address(t.listeners[0], address);
    struct transport calls = tcp_transport_calls(&t);
    int waiting = socket_connect(address);
    struct pollfd row = {.fd = t.listeners[0], .events = POLLIN};
    assert_int_equal(poll(&row, 1, 30000), 1);
    assert_true(calls.restart(calls.self, false, SPAN(""), &reason));
    assert_false(calls.accept(calls.self, 0, 0));
    close(waiting);
    close(t.listeners[0]);
    tcp_transport_free(&t);
    alloc_free(player);
    buf_free(&reason);
    spawn_stop(&s, 1);
}

static void a_restart_may_have_other_flags(void **state)
{
    (void)state;
    struct spawn s;
    spawn_start(&s, command("--{flags}"), SPAN("be-server 127.0.0.1:0"), "");
    spawn_wait(&s, 1, NULL);
    assert_int_equal(s.state, SPAWN_READY);
    assert_false(restart(&s, false, SPAN("exit 7")));
    assert_int_equal(s.state, SPAWN_REFUSED);
    spawn_stop(&s, 1);
}

/* Nothing is left of a server that was killed, also when a script has started it. */
static void a_script_is_killed_with_its_server(void **state)
{
    (void)state;
    struct spawn s;
    char text[FILES_PATH_MAX + 128];
    snprintf(text, sizeof text, "sh -c '\"%s\" --be-server 127.0.0.1:{port}; true'", self);
    spawn_start(&s, text, SPAN(""), "");
    spawn_wait(&s, 1, NULL);
    assert_int_equal(s.state, SPAWN_READY);
    assert_true(restart(&s, true, SPAN("")));
    spawn_stop(&s, 1);
}

static void a_server_that_does_not_start_again_says_why(void **state)
{
    (void)state;
    struct spawn s;
    spawn_start(&s, command("--be-server 127.0.0.1:{port}"), SPAN(""), "");
    spawn_wait(&s, 1, NULL);
    assert_int_equal(s.state, SPAWN_READY);
    s.command = "false";
    assert_false(restart(&s, false, SPAN("")));
    assert_true(s.why.n > 0);
    assert_false(restart(&s, false, SPAN("")));
    spawn_stop(&s, 1);
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

/* The program says what it was given, and ends. */
static void says(const struct spawn *s, const char *text)
{
    char why[256];
    snprintf(why, sizeof why, "%.*s", (int)s->why.n, (const char *)buf_span(&s->why).p);
    assert_non_null(strstr(why, text));
}

static void scripted_nsqlookupds_have_addresses(void **state)
{
    (void)state;
    static const char *const lookupds[2] = {"h:1", "h:2"};
    struct spawn s;
    spawn_start_scripted(&s, command("--say {flags}"), SPAN("{lookupd},{lookupd2}"), "", lookupds);
    spawn_wait(&s, 1, NULL);
    says(&s, "h:1,h:2\n");
    spawn_stop(&s, 1);
    spawn_start(&s, command("--say {flags}"), SPAN("{lookupd2}"), "");
    spawn_wait(&s, 1, NULL);
    says(&s, SPAWN_NO_LOOKUPD "\n");
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
        assert_int_equal(s.state, SPAWN_FAILED);
        assert_true(s.why.n > 0);
        spawn_stop(&s, 1);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_in_braces_are_replaced),
        cmocka_unit_test(the_address_is_read_from_the_output),
        cmocka_unit_test(the_folder_of_the_cases_is_absolute),
        cmocka_unit_test(the_address_may_be_given),
        cmocka_unit_test(a_script_may_start_the_server),
        cmocka_unit_test(a_server_that_loses_its_port_gets_another),
        cmocka_unit_test(a_server_that_never_gets_its_port_fails),
        cmocka_unit_test(ports_are_below_those_that_the_system_gives),
        cmocka_unit_test(a_port_is_taken_once),
        cmocka_unit_test(a_table_of_sockets_shows_who_listens),
        cmocka_unit_test(a_server_is_restarted),
        cmocka_unit_test(a_restart_forgets_waiting_connections),
        cmocka_unit_test(a_restart_may_have_other_flags),
        cmocka_unit_test(a_script_is_killed_with_its_server),
        cmocka_unit_test(a_server_that_does_not_start_again_says_why),
        cmocka_unit_test(a_server_that_ends_is_refused),
        cmocka_unit_test(a_server_that_ends_later_is_noticed),
        cmocka_unit_test(scripted_nsqlookupds_have_addresses),
        cmocka_unit_test(a_command_that_cannot_run_is_refused),
    };
    if (argc > 2 && strcmp(argv[1], "--be-server") == 0) {
        return be_server(argv[2]);
    }
    if (argc > 2 && strcmp(argv[1], "--be-thief") == 0) {
        alarm(10); /* nobody stops it */
        return be_server(argv[2]);
    }
    if (argc > 1 && strcmp(argv[1], "--pause") == 0) {
        return pause();
    }
    if (argc > 2 && strcmp(argv[1], "--say") == 0) {
        fprintf(stderr, "%s\n", argv[2]);
        return 0;
    }
    if (argc > 2 && strcmp(argv[1], "--exit") == 0) {
        fputs("why it ends\n", stderr);
        return atoi(argv[2]);
    }
    if (argc > 1) {
        return 2; /* a command with a mistake must not run the tests, which start more commands */
    }
    snprintf(self, sizeof self, "%s", argv[0]);
    return cmocka_run_group_tests_name("spawn", tests, NULL, NULL);
}
