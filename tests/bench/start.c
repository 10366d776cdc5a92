/* SPDX-License-Identifier: MIT */
/*
 * Prints how long a server takes to start, in ns, as one line of JSON. The time ends at the first
 * answer and not at the first connect, because the kernel connects before a server accepts.
 *
 *     start PORT PROGRAM FLAGS...     the flags make it listen on 127.0.0.1:PORT
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "bench/peer.h"
#include "bench/process.h"
#include "shell/clock.h"

#define LIMIT_NS (10 * TIME_SECOND)
#define NAP_NS 20000 /* between attempts to connect; the result is exact to this */

static bool answered;

static void on_frame(struct peer *p, const struct nsq_frame *frame)
{
    (void)p;
    answered = frame->type == NSQ_FRAME_RESPONSE;
}

static void on_closed(struct peer *p, const char *why)
{
    (void)p;
    process_die("%s", why);
}

static pid_t start_program(char **argv)
{
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
        execv(argv[0], argv);
        _exit(127);
    }
    return pid;
}

int main(int argc, char **argv)
{
    struct peers peers = {.on_frame = on_frame, .on_closed = on_closed};
    struct peer peer;
    char address[32];
    if (argc < 3 || !peers_init(&peers)) {
        process_die("start PORT PROGRAM FLAGS...");
    }
    snprintf(address, sizeof address, "127.0.0.1:%s", argv[1]);
    int64_t start = clock_now();
    pid_t pid = start_program(argv + 2);
    while (!peer_open(&peers, &peer, address, NULL)) {
        const struct timespec nap = {.tv_nsec = NAP_NS};
        nanosleep(&nap, NULL);
        if (clock_now() > start + LIMIT_NS || waitpid(pid, NULL, WNOHANG) != 0) {
            process_die("%s does not listen on port %s", argv[2], argv[1]);
        }
    }
    peer_say_body(&peer, "IDENTIFY\n", SPAN("{}"));
    peer_transmit(&peer);
    while (!answered && clock_now() < start + LIMIT_NS) {
        peers_turn(&peers, 100);
    }
    int64_t took = clock_now() - start;
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    if (!answered) {
        process_die("%s does not answer", argv[2]);
    }
    printf("{\"ns\":%lld}\n", (long long)took);
    return 0;
}
