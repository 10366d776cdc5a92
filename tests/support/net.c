/* SPDX-License-Identifier: MIT */
/*
 * The client's end of a socket for tests of programs and of the shell. Every wait ends after
 * NET_PATIENCE_MS with a failure.
 */
#include "support/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define TURN_MS 1

void (*net_turn)(void *context);
void *net_turn_context;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until the descriptor is ready for `events`, or has hung up. */
static void await(int fd, short events, const char *what)
{
    int64_t end = now_ms() + NET_PATIENCE_MS;
    struct pollfd p = {.fd = fd, .events = events};
    while (poll(&p, 1, net_turn != NULL ? TURN_MS : NET_PATIENCE_MS) <= 0) {
        if (now_ms() > end) {
            fail_msg("%s: nothing in %d ms", what, NET_PATIENCE_MS);
        }
        if (net_turn != NULL) {
            net_turn(net_turn_context);
        }
    }
}

/* --- connecting ------------------------------------------------------------------------------- */

static void set_size(int fd, int name, int size)
{
    if (size > 0) {
        assert_int_equal(setsockopt(fd, SOL_SOCKET, name, &size, sizeof size), 0);
    }
}

/* Does not wait: the kernel completes the connection before the server accepts it. Returns -1 with
 * errno on an error. */
static int try_to_connect(const struct sockaddr *address, socklen_t size, int receive_buffer,
                          int send_buffer)
{
    int fd = socket(address->sa_family, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    set_size(fd, SO_RCVBUF, receive_buffer);
    set_size(fd, SO_SNDBUF, send_buffer);
    if (connect(fd, address, size) != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    int at_once =
        1; /* pieces that a test sends must leave at once, without waiting for each other */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once); /* fails on a unix socket */
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

int net_connect_small(unsigned port, int receive_buffer, int send_buffer)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = try_to_connect((const struct sockaddr *)&a, sizeof a, receive_buffer, send_buffer);
    if (fd < 0) {
        fail_msg("connect to port %u: %s", port, strerror(errno));
    }
    return fd;
}

int net_connect(unsigned port)
{
    return net_connect_small(port, 0, 0);
}

static int try_to_connect_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof a.sun_path);
    memcpy(a.sun_path, path, strlen(path));
    socklen_t size = sizeof a;
    if (path[0] == '@') { /* an abstract name, not a file */
        a.sun_path[0] = '\0';
        size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    }
    return try_to_connect((const struct sockaddr *)&a, size, 0, 0);
}

int net_connect_unix(const char *path)
{
    int fd = try_to_connect_unix(path);
    if (fd < 0) {
        fail_msg("connect to %s: %s", path, strerror(errno));
    }
    return fd;
}

/* Polls, because nothing signals that a socket begins to listen. */
int net_await_unix(const char *path)
{
    int64_t end = now_ms() + NET_PATIENCE_MS;
    int fd;
    while ((fd = try_to_connect_unix(path)) < 0 && now_ms() < end) {
        poll(NULL, 0, TURN_MS);
    }
    assert_true(fd >= 0);
    return fd;
}

/* --- sending ---------------------------------------------------------------------------------- */

size_t net_send_some(int fd, struct span bytes)
{
    ssize_t n = bytes.n == 0 ? 0 : send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) {
        fail_msg("send: %s", strerror(errno));
    }
    return n < 0 ? 0 : (size_t)n;
}

void net_send(int fd, struct span bytes)
{
    for (;;) {
        bytes = span_skip(bytes, net_send_some(fd, bytes));
        if (bytes.n == 0) {
            return;
        }
        await(fd, POLLOUT, "send");
    }
}

void net_shut(int fd)
{
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
}

void net_reset(int fd)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(fd);
}

/* --- receiving -------------------------------------------------------------------------------- */

/* Waits for input and returns its size. 0: a FIN. -1: a reset. */
static ssize_t read_some(int fd, void *p, size_t n)
{
    for (;;) {
        ssize_t got = recv(fd, p, n, 0);
        if (got >= 0) {
            return got;
        }
        if (errno == EAGAIN) {
            await(fd, POLLIN, "receive");
        } else if (errno != EINTR) {
            return -1;
        }
    }
}

void net_read(int fd, void *p, size_t n)
{
    for (size_t have = 0; have < n;) {
        ssize_t got = read_some(fd, (uint8_t *)p + have, n - have);
        if (got <= 0) {
            fail_msg("%s after %zu of %zu bytes", got == 0 ? "FIN" : strerror(errno), have, n);
        }
        have += (size_t)got;
    }
}

void net_expect(int fd, struct span bytes)
{
    uint8_t *got = malloc(bytes.n + 1);
    assert_non_null(got);
    net_read(fd, got, bytes.n);
    assert_memory_equal(got, bytes.p, bytes.n);
    free(got);
}

void net_expect_eof(int fd)
{
    uint8_t byte;
    ssize_t got = read_some(fd, &byte, 1);
    if (got != 0) {
        fail_msg("expected a FIN: %s", got < 0 ? strerror(errno) : "there is more input");
    }
}

void net_await_end(int fd)
{
    uint8_t bytes[4096];
    while (read_some(fd, bytes, sizeof bytes) > 0) {
    }
}

bool net_has_input(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

/* --- frames ----------------------------------------------------------------------------------- */

struct net_frame net_read_frame(int fd)
{
    uint8_t header[8];
    net_read(fd, header, sizeof header);
    size_t size = be32_load(header);
    assert_in_range(size, 4, NET_FRAME_MAX);
    struct net_frame frame = {.type = be32_load(header + 4), .size = size - 4};
    frame.data = malloc(frame.size + 1);
    assert_non_null(frame.data);
    net_read(fd, frame.data, frame.size);
    frame.data[frame.size] = '\0';
    return frame;
}

void net_frame_free(struct net_frame *frame)
{
    free(frame->data);
    *frame = (struct net_frame){0};
}

void net_expect_frame(int fd, uint32_t type, struct span data)
{
    struct net_frame frame = net_read_frame(fd);
    if (frame.type != type || !span_equal(span_make(frame.data, frame.size), data)) {
        fail_msg("frame %u '%.200s'", frame.type, (const char *)frame.data);
    }
    net_frame_free(&frame);
}

/* --- commands --------------------------------------------------------------------------------- */

void net_publish(int fd, const char *topic, struct span body)
{
    char line[128];
    uint8_t size[4];
    int n = snprintf(line, sizeof line, "PUB %s\n", topic);
    be32_store(size, (uint32_t)body.n);
    net_send(fd, span_make(line, (size_t)n));
    net_send(fd, span_make(size, sizeof size));
    net_send(fd, body);
}

void net_subscribe(int fd, const char *topic, const char *channel, unsigned ready)
{
    char line[256];
    int n = snprintf(line, sizeof line, "SUB %s %s\n", topic, channel);
    net_send(fd, span_make(line, (size_t)n));
    net_expect_frame(fd, 0, SPAN("OK"));
    n = snprintf(line, sizeof line, "RDY %u\n", ready);
    net_send(fd, span_make(line, (size_t)n));
}
