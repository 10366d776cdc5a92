/* SPDX-License-Identifier: MIT */
/* Tests of tests/support/dispositions.c: test programs end well with any signals that were ignored
 * or blocked when they were started. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH_SIZE 512
#define PATIENCE "20" /* seconds; without load a program needs less than one */

static char folder[PATH_SIZE - 32];

static int exit_code(pid_t pid)
{
    int status = 0;
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* In a child: ends by becoming the program, without output. It ends the program when it takes too
 * long. */
static _Noreturn void become(char *const *args)
{
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    execvp(args[0], args);
    _exit(127);
}

static void locate(char path[PATH_SIZE], const char *name)
{
    snprintf(path, PATH_SIZE, "%s%s", folder, name);
}

/* Runs another test program; `signals` ends with 0. Returns its exit code. */
static int run_with(const char *name, const int *signals, int effect)
{
    char path[PATH_SIZE];
    char *args[] = {"timeout", "-s", "KILL", PATIENCE, path, NULL};
    locate(path, name);
    pid_t pid = fork();
    if (pid == 0) {
        struct sigaction act = {.sa_handler = SIG_IGN};
        sigset_t blocked;
        sigemptyset(&act.sa_mask);
        sigfillset(&blocked);
        for (; *signals != 0; signals++) {
            sigaction(*signals, &act, NULL);
        }
        if (effect == SIG_BLOCK) {
            sigprocmask(SIG_SETMASK, &blocked, NULL);
        }
        become(args);
    }
    return exit_code(pid);
}

/* The programs that start other programs or wait for signals. */
static const char *const programs[] = {"test_signals", "test_spawn", "test_machine",
                                       "test_auth_server"};

static const int every[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGALRM, SIGCHLD, 0};

static void ignored_signals_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        assert_int_equal(run_with(programs[i], every, 0), 0);
    }
    assert_int_equal(run_with("test_program", every, 0), 0);
}

static void blocked_signals_change_nothing(void **state)
{
    (void)state;
    static const int none[] = {0};
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        assert_int_equal(run_with(programs[i], none, SIG_BLOCK), 0);
    }
    assert_int_equal(run_with("test_program", none, SIG_BLOCK), 0);
}

/* A plain shell without job control starts background jobs with SIGINT and SIGQUIT ignored. */
static void a_background_job_of_a_plain_shell_ends(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    static char script[] = "timeout -s KILL " PATIENCE " \"$0\" & wait $!";
    char *args[] = {"sh", "-c", script, path, NULL};
    locate(path, "test_program");
    pid_t pid = fork();
    if (pid == 0) {
        become(args);
    }
    assert_int_equal(exit_code(pid), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ignored_signals_change_nothing),
        cmocka_unit_test(blocked_signals_change_nothing),
        cmocka_unit_test(a_background_job_of_a_plain_shell_ends),
    };
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 0 : (int)(slash - argv[0]) + 1,
             argv[0]);
    return cmocka_run_group_tests_name("dispositions", tests, NULL, NULL);
}
