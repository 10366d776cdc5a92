/* SPDX-License-Identifier: MIT */
/*
 * Starts and ends a server as a process of its own, with a temporary data path. Must not know: the
 * load.
 */
#include "soak/server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "bench/peer.h"
#include "bench/process.h"
#include "shell/clock.h"

#define FLAGS_MAX 16
#define LIMIT_NS (10 * TIME_SECOND) /* the longest wait for a start, an answer, an exit */
#define NAP_NS TIME_MS

static struct server *running; /* NULL: none. Its folder is removed when this process ends */

static void nap(int64_t ns)
{
    const struct timespec t = {.tv_nsec = ns};
    nanosleep(&t, NULL);
}

/* Removes the data path. The server creates files in it, and no folders. */
static void remove_data(const char *path)
{
    DIR *entries = opendir(path);
    for (struct dirent *e = entries != NULL ? readdir(entries) : NULL; e != NULL;
         e = readdir(entries)) {
        unlinkat(dirfd(entries), e->d_name, 0);
    }
    if (entries != NULL) {
        closedir(entries);
    }
    rmdir(path);
}

/* Runs when process_die ends this process. */
static void clean_up(void)
{
    if (running != NULL && server_lives(running)) {
        kill(running->pid, SIGKILL);
        waitpid(running->pid, NULL, 0);
    }
    if (running != NULL) {
        remove_data(running->data);
    }
}

static void watch(struct server *s)
{
    static bool watching;
    if (!watching) {
        watching = true;
        atexit(clean_up);
    }
    running = s;
}

/* --- start ------------------------------------------------------------------------------------ */

/* A port that is free now. The server gets it, unless another process takes it within a few ms. */
static unsigned free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) != 0) {
        process_die("there is no free port: %s", strerror(errno));
    }
    close(fd);
    return ntohs(a.sin_port);
}

static _Noreturn void become(char **argv, unsigned descriptors)
{
    const struct rlimit limit = {.rlim_cur = descriptors, .rlim_max = descriptors};
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDERR_FILENO);
    close(null);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (descriptors == 0 || setrlimit(RLIMIT_NOFILE, &limit) == 0) {
        execv(argv[0], argv);
    }
    _exit(127);
}

void server_start(struct server *s, const char *program, const char *const *flags,
                  unsigned descriptors)
{
    char address[64];
    char data[64];
    char http[64];
    char https[] = "--https-address=127.0.0.1:0";
    char *argv[FLAGS_MAX + 6] = {(char *)(uintptr_t)program, address, http, https, data};
    size_t n = 5;
    for (; flags != NULL && *flags != NULL && n < FLAGS_MAX + 5; flags++) {
        argv[n++] = (char *)(uintptr_t)*flags;
    }
    strcpy(s->data, "/tmp/soak-XXXXXX");
    if (mkdtemp(s->data) == NULL) {
        process_die("%s: %s", s->data, strerror(errno));
    }
    s->pid = -1; /* not started */
    watch(s);
    snprintf(s->address, sizeof s->address, "127.0.0.1:%u", free_port());
    snprintf(s->http, sizeof s->http, "127.0.0.1:%u", free_port());
    snprintf(address, sizeof address, "--tcp-address=%s", s->address);
    snprintf(http, sizeof http, "--http-address=%s", s->http);
    snprintf(data, sizeof data, "--data-path=%s", s->data);
    s->pid = fork();
    if (s->pid == 0) {
        become(argv, descriptors);
    }
    int64_t end = clock_now() + LIMIT_NS;
    while (!server_answers(s)) {
        nap(NAP_NS);
        if (clock_now() > end || waitpid(s->pid, NULL, WNOHANG) != 0) {
            process_die("%s does not start", program);
        }
    }
    nap(50 * TIME_MS); /* gives the server time to notice that the client has left */
    s->descriptors = process_descriptors(s->pid);
}

/* --- questions -------------------------------------------------------------------------------- */

static void on_frame(struct peer *p, const struct nsq_frame *frame)
{
    bool *answered = p->user;
    *answered = frame->type == NSQ_FRAME_RESPONSE;
}

static void on_closed(struct peer *p, const char *why)
{
    (void)p;
    (void)why;
}

bool server_lives(const struct server *s)
{
    siginfo_t ended = {.si_pid = 0};
    return waitid(P_PID, (id_t)s->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           ended.si_pid == 0;
}

bool server_answers(const struct server *s)
{
    struct peers peers = {.on_frame = on_frame, .on_closed = on_closed};
    struct peer peer;
    bool answered = false;
    if (!peers_init(&peers)) {
        process_die("epoll: %s", strerror(errno));
    }
    if (peer_open(&peers, &peer, s->address, &answered)) {
        int64_t end = clock_now() + LIMIT_NS;
        peer_say_body(&peer, "IDENTIFY\n", SPAN("{}"));
        peer_transmit(&peer);
        while (!answered && peer.fd >= 0 && clock_now() < end) {
            peers_turn(&peers, 100);
        }
        peer_close(&peer);
    }
    close(peers.epoll);
    return answered;
}

bool server_is_left(const struct server *s)
{
    int64_t end = clock_now() + LIMIT_NS;
    while (process_descriptors(s->pid) != s->descriptors) {
        if (clock_now() > end) {
            return false;
        }
        nap(10 * NAP_NS);
    }
    return true;
}

/* --- end -------------------------------------------------------------------------------------- */

bool server_end(struct server *s)
{
    int status = 0;
    pid_t ended = 0;
    int64_t end = clock_now() + LIMIT_NS;
    kill(s->pid, SIGTERM);
    while ((ended = waitpid(s->pid, &status, WNOHANG)) == 0 && clock_now() < end) {
        nap(NAP_NS);
    }
    if (ended == 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    remove_data(s->data);
    running = NULL;
    return ended == s->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
