/* SPDX-License-Identifier: MIT */
/* Tests of shell/signals.h. Signal handlers belong to the process, so the tests share one
 * descriptor. */
#include "shell/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static int end_fd;

/* What the process that starts this one may leave behind: signals that are ignored or blocked. */
static int inherit(void **state)
{
    static const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGCHLD};
    struct sigaction act = {.sa_handler = SIG_IGN};
    (void)state;
    sigfillset(&act.sa_mask);
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        sigaction(ignored[i], &act, NULL);
    }
    return sigprocmask(SIG_SETMASK, &act.sa_mask, NULL);
}

static bool asked_to_end(void)
{
    struct pollfd p = {.fd = end_fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void drain(void)
{
    char bytes[4096];
    while (read(end_fd, bytes, sizeof bytes) > 0) {
    }
}

/* Must run first. If no descriptor can be had, no handlers are installed, so signals stay as they
 * were. */
static void without_descriptors_nothing_is_installed(void **state)
{
    (void)state;
    struct rlimit limit;
    struct sigaction act;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int fd = signals_open();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(fd, -1);
    assert_int_equal(sigaction(SIGTERM, NULL, &act), 0);
    assert_true(act.sa_handler == SIG_IGN);
}

static void the_descriptor_is_for_the_loop(void **state)
{
    (void)state;
    end_fd = signals_open();
    assert_true(end_fd >= 0);
    assert_true(fcntl(end_fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(end_fd, F_GETFD) & FD_CLOEXEC);
    assert_false(asked_to_end());
}

static void int_and_term_ask_for_the_end(void **state)
{
    (void)state;
    static const int signals[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        raise(signals[i]);
        assert_true(asked_to_end());
        drain();
        assert_false(asked_to_end());
    }
}

/* Except for a SIGHUP that is ignored, as in nsqd. */
static void what_was_inherited_has_no_effect(void **state)
{
    (void)state;
    static const int all[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGALRM, SIGCHLD};
    struct sigaction act;
    sigset_t blocked;
    assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &blocked), 0);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_int_equal(sigismember(&blocked, all[i]), 0);
    }
    assert_int_equal(sigaction(SIGCHLD, NULL, &act), 0);
    assert_true(act.sa_handler == SIG_DFL);
    assert_int_equal(sigaction(SIGHUP, NULL, &act), 0);
    assert_true(act.sa_handler == SIG_IGN);
}

static void others_do_nothing(void **state)
{
    (void)state;
    static const int signals[] = {SIGPIPE, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < 3; i++) {
        raise(signals[i]);
        assert_false(asked_to_end());
    }
}

/* More signals than the pipe has room for: the handler does not wait, and errno stays unchanged. */
static void a_flood_of_signals_is_taken(void **state)
{
    (void)state;
    for (int i = 0; i < 70000; i++) {
        errno = ENOTTY;
        raise(SIGTERM);
        assert_int_equal(errno, ENOTTY);
    }
    assert_true(asked_to_end());
    drain();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_descriptors_nothing_is_installed),
        cmocka_unit_test(the_descriptor_is_for_the_loop),
        cmocka_unit_test(what_was_inherited_has_no_effect),
        cmocka_unit_test(int_and_term_ask_for_the_end),
        cmocka_unit_test(others_do_nothing),
        cmocka_unit_test(a_flood_of_signals_is_taken),
    };
    alarm(250);
    return cmocka_run_group_tests_name("signals", tests, inherit, NULL);
}
