/* SPDX-License-Identifier: MIT */
/* Nonblocking sockets and poll. Must not know: what a step expects. */
#include "conform/transport_tcp.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "shell/clock.h"
#include "shell/socket.h"

#define READ_SIZE 65536
#define CLOSE_TIMEOUT TIME_SECOND /* how long a close waits for unsent output to leave */

static int64_t on_now(void *self)
{
    (void)self;
    return clock_now();
}

static bool on_connect(void *self, size_t i, enum connect_kind kind)
{
    struct tcp_transport *t = self;
    const char *address = t->addresses[kind];
    t->fds[i] = address == NULL || address[0] == '\0' ? -1 : socket_connect(address);
    return t->fds[i] >= 0;
}

static bool on_accept(void *self, size_t i, unsigned listener)
{
    struct tcp_transport *t = self;
    char peer[SOCKET_ADDRESS_MAX];
    t->fds[i] = socket_accept(t->listeners[listener], peer);
    t->awaited = t->fds[i] < 0 ? t->listeners[listener] : -1;
    return t->fds[i] >= 0;
}

static void ended(struct tcp_transport *t, size_t i, enum end_kind kind)
{
    close(t->fds[i]);
    t->fds[i] = -1;
    t->player->conns[i].ended = kind;
}

static bool would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* Sends as much as the socket takes. A broken connection is noticed when it is read from. */
static void flush(struct tcp_transport *t, size_t i)
{
    while (t->fds[i] >= 0 && t->unsent[i].n > 0) {
        struct span s = buf_span(&t->unsent[i]);
        ssize_t n = send(t->fds[i], s.p, s.n, MSG_NOSIGNAL);
        if (n < 0 && would_block(errno)) {
            return;
        }
        buf_drop(&t->unsent[i], n < 0 ? s.n : (size_t)n);
    }
    if (t->fds[i] >= 0 && t->end[i]) {
        t->end[i] = false;
        shutdown(t->fds[i], SHUT_WR);
    }
}

static void on_send(void *self, size_t i, struct span bytes)
{
    struct tcp_transport *t = self;
    if (t->fds[i] >= 0) {
        buf_append(&t->unsent[i], bytes);
        flush(t, i);
    }
}

static void on_end(void *self, size_t i)
{
    struct tcp_transport *t = self;
    t->end[i] = true;
    flush(t, i);
}

static void on_read(void *self, size_t i, bool on)
{
    struct tcp_transport *t = self;
    t->stopped[i] = !on;
}

/* Closes the connections that the server has opened and that no step has accepted. */
static void refuse_waiting(struct tcp_transport *t)
{
    char peer[SOCKET_ADDRESS_MAX];
    for (size_t i = 0; i < TRANSCRIPT_LISTENERS && t->listeners[i] >= 0; i++) {
        int fd;
        while ((fd = socket_accept(t->listeners[i], peer)) >= 0) {
            close(fd);
        }
    }
}

static bool on_restart(void *self, bool killed, struct span flags, struct buf *why)
{
    struct tcp_transport *t = self;
    bool ended = spawn_end(t->server, killed);
    refuse_waiting(t);
    bool ready = ended && spawn_again(t->server, flags);
    if (!ready) {
        buf_append(why, buf_span(&t->server->why));
    }
    return ready;
}

static void read_input(struct tcp_transport *t, size_t i)
{
    uint8_t bytes[READ_SIZE];
    ssize_t n = recv(t->fds[i], bytes, sizeof bytes, 0);
    if (n > 0) {
        player_arrived(t->player, i, span_make(bytes, (size_t)n));
    } else if (n == 0) {
        ended(t, i, END_FIN);
    } else if (!would_block(errno)) {
        ended(t, i, END_RST);
    }
    if (t->fds[i] >= 0 && t->player->conns[i].flooded) {
        ended(t, i, END_FIN);
    }
}

static void on_wait(void *self, int64_t deadline)
{
    struct tcp_transport *t = self;
    struct pollfd fds[PLAYER_CONNS_MAX + 1]; /* the last one is a listener */
    for (size_t i = 0; i < PLAYER_CONNS_MAX; i++) {
        short output = t->unsent[i].n > 0 ? POLLOUT : 0;
        short input = t->stopped[i] ? 0 : POLLIN;
        /* poll() reports errors also to those who ask for nothing */
        bool asks = (input | output) != 0;
        fds[i] = (struct pollfd){.fd = asks ? t->fds[i] : -1, .events = (short)(input | output)};
    }
    fds[PLAYER_CONNS_MAX] = (struct pollfd){.fd = t->awaited, .events = POLLIN};
    int64_t left = deadline - clock_now();
    int64_t ms = left <= 0 ? 0 : (left + TIME_MS - 1) / TIME_MS;
    if (poll(fds, PLAYER_CONNS_MAX + 1, ms > 60000 ? 60000 : (int)ms) <= 0) {
        return;
    }
    for (size_t i = 0; i < PLAYER_CONNS_MAX; i++) {
        bool input = (fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
        if (fds[i].fd >= 0 && input && !t->stopped[i]) {
            read_input(t, i);
        }
        if (t->fds[i] >= 0 && (fds[i].revents & (POLLOUT | POLLERR)) != 0) {
            flush(t, i);
        }
    }
}

static void on_close(void *self, size_t i)
{
    struct tcp_transport *t = self;
    int64_t deadline = clock_now() + CLOSE_TIMEOUT;
    while (t->fds[i] >= 0 && t->unsent[i].n > 0 && clock_now() < deadline) {
        on_wait(t, deadline);
    }
    if (t->fds[i] >= 0) {
        close(t->fds[i]);
        t->fds[i] = -1;
    }
}

static void on_reset(void *self, size_t i)
{
    struct tcp_transport *t = self;
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (t->fds[i] >= 0) {
        setsockopt(t->fds[i], SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(t->fds[i]);
        t->fds[i] = -1;
    }
}

void tcp_transport_init(struct tcp_transport *t, struct player *player, const char *address)
{
    *t = (struct tcp_transport){.player = player, .addresses = {address}};
    for (size_t i = 0; i < PLAYER_CONNS_MAX; i++) {
        t->fds[i] = -1;
    }
    for (size_t i = 0; i < TRANSCRIPT_LISTENERS; i++) {
        t->listeners[i] = -1;
    }
    t->awaited = -1;
}

void tcp_transport_init_own(struct tcp_transport *t, struct player *player, struct spawn *server)
{
    tcp_transport_init(t, player, server->address);
    t->addresses[CONNECT_HTTP] = server->http_address;
    t->addresses[CONNECT_HTTPS] = server->https_address;
    t->server = server;
}

void tcp_transport_free(struct tcp_transport *t)
{
    for (size_t i = 0; i < PLAYER_CONNS_MAX; i++) {
        if (t->fds[i] >= 0) {
            close(t->fds[i]);
        }
        buf_free(&t->unsent[i]);
    }
}

struct transport tcp_transport_calls(struct tcp_transport *t)
{
    return (struct transport){
        .self = t,
        .now = on_now,
        .connect = on_connect,
        .accept = t->listeners[0] < 0 ? NULL : on_accept,
        .send = on_send,
        .end = on_end,
        .close = on_close,
        .reset = on_reset,
        .read = on_read,
        .restart = t->server == NULL ? NULL : on_restart,
        .wait = on_wait,
    };
}

bool tcp_transport_reachable(const char *address)
{
    int fd = socket_connect(address);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}
