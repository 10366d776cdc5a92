/* SPDX-License-Identifier: MIT */
/*
 * Gives each test program the signals' default effects before main runs. Whoever starts the tests
 * may have ignored or blocked signals; a plain shell, for example, ignores SIGINT in its background
 * jobs. The programs that a test starts inherit what is set here.
 */
#include <signal.h>
#include <stddef.h>

/* The signals that tests, or the programs that they start, send, wait for or handle. Others stay as
 * they are: sanitizers have installed handlers. */
static const int used[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGPIPE, SIGALRM,
                           SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD};

__attribute__((constructor)) static void set_signals(void)
{
    struct sigaction act = {.sa_handler = SIG_DFL};
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++) {
        sigaction(used[i], &act, NULL);
    }
    sigprocmask(SIG_SETMASK, &act.sa_mask, NULL);
}
