/* SPDX-License-Identifier: MIT */
/*
 * Signal handlers that write to a pipe. Must not know what the program does when a signal arrives.
 */
#include "shell/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "shell/socket.h"

/* This is a global variable, because a signal handler gets no argument from this program. */
static volatile sig_atomic_t end_fd = -1;

static void on_end(int signal)
{
    (void)signal;
    int saved = errno;
    /* A full pipe is no error: the descriptor is readable already. */
    ssize_t written = write(end_fd, "x", 1);
    (void)written;
    errno = saved;
}

int signals_open(void)
{
    int fds[2];
    if (pipe(fds) != 0) {
        return -1;
    }
    socket_set_flags(fds[0]);
    socket_set_flags(fds[1]);
    end_fd = fds[1];
    struct sigaction act = {.sa_handler = on_end, .sa_flags = SA_RESTART};
    sigemptyset(&act.sa_mask);
    sigprocmask(SIG_SETMASK, &act.sa_mask, NULL);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    act.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &act, NULL);
    sigaction(SIGUSR1, &act, NULL);
    sigaction(SIGUSR2, &act, NULL);
    act.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &act, NULL);
    return fds[0];
}
