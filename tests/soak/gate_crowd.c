/* SPDX-License-Identifier: MIT */
/*
 * Plain sockets and one epoll. Must not know: what the bytes mean.
 */
#include "soak/gate_crowd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "bench/process.h"
#include "shell/socket.h"

#define LIMIT_MS 30000
#define EVENTS 64
#define READ_SIZE 262144
#define FRAME_SIZE 4 /* bytes that say how long the rest of a frame is */
#define FRAME_MOST 4096

static void read_exactly(int fd, uint8_t *bytes, size_t n)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    for (size_t got = 0; got < n;) {
        ssize_t more = poll(&wanted, 1, LIMIT_MS) == 1 ? recv(fd, bytes + got, n - got, 0) : -1;
        if (more <= 0) {
            process_die("the server does not answer one of many clients");
        }
        got += (size_t)more;
    }
}

static int open_one(const char *address, struct span bytes)
{
    uint8_t frame[FRAME_MOST];
    int fd = socket_connect(address);
    if (fd < 0 || send(fd, bytes.p, bytes.n, MSG_NOSIGNAL) != (ssize_t)bytes.n) {
        process_die("one of many clients: %s", strerror(errno));
    }
    read_exactly(fd, frame, FRAME_SIZE);
    size_t n = (size_t)frame[2] << 8 | frame[3];
    if (frame[0] != 0 || frame[1] != 0 || n < FRAME_SIZE || n > sizeof frame) {
        process_die("one of many clients is sent an odd frame");
    }
    read_exactly(fd, frame, n);
    if (frame[3] != 0) {
        process_die("one of many clients is answered %.*s", (int)(n - 4), (const char *)frame + 4);
    }
    return fd;
}

/* Ends the connection with RST, which leaves no port in TIME_WAIT. */
static void leave(int fd)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

void crowd_visit(const char *address, struct span bytes)
{
    leave(open_one(address, bytes));
}

static void keep(struct crowd *c, int fd)
{
    if (c->n == 0) {
        c->epoll = epoll_create1(EPOLL_CLOEXEC);
    }
    c->fds = alloc_resize(c->fds, (c->n + 1) * sizeof *c->fds);
    c->fds[c->n++] = fd;
}

void crowd_join(struct crowd *c, const char *address, struct span bytes)
{
    keep(c, open_one(address, bytes));
}

void crowd_add(struct crowd *c, const char *address)
{
    int fd = socket_connect(address);
    if (fd < 0) {
        process_die("one of many clients: %s", strerror(errno));
    }
    keep(c, fd);
}

void crowd_watch(struct crowd *c)
{
    c->heard = alloc_zeroed(c->n * sizeof *c->heard);
    for (size_t i = 0; i < c->n; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data = {.u64 = i}};
        if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->fds[i], &e) != 0) {
            process_die("epoll: %s", strerror(errno));
        }
    }
}

void crowd_say(struct crowd *c, struct span bytes)
{
    for (size_t i = 0; i < c->n; i++) {
        if (send(c->fds[i], bytes.p, bytes.n, MSG_NOSIGNAL) != (ssize_t)bytes.n) {
            c->broken = true;
        }
    }
}

void crowd_turn(struct crowd *c)
{
    static uint8_t bytes[READ_SIZE];
    struct epoll_event events[EVENTS];
    int n = c->n > 0 ? epoll_wait(c->epoll, events, EVENTS, 0) : 0;
    for (int i = 0; i < n; i++) {
        size_t k = events[i].data.u64;
        ssize_t got = recv(c->fds[k], bytes, sizeof bytes, 0);
        if (got > 0) {
            c->bytes += (uint64_t)got;
            c->heard_count += !c->heard[k];
            c->heard[k] = true;
        } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            c->broken = c->broken || !c->may_end;
            c->ended_count++;
            c->heard_count += !c->heard[k];
            c->heard[k] = true;
            epoll_ctl(c->epoll, EPOLL_CTL_DEL, c->fds[k], NULL);
        }
    }
}

void crowd_free(struct crowd *c)
{
    for (size_t i = 0; i < c->n; i++) {
        leave(c->fds[i]);
    }
    if (c->n > 0) {
        close(c->epoll);
    }
    alloc_free(c->fds);
    alloc_free(c->heard);
    *c = (struct crowd){.n = 0};
}
