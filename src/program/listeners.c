/* SPDX-License-Identifier: MIT */
/*
 * Opens listeners and closes them. The first one that fails ends the start. Must not print or exit.
 */
#include "program/listeners.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void listeners_init(struct listeners *l)
{
    for (unsigned i = 0; i < TCP_SERVER_LISTENERS_MAX; i++) {
        l->sockets[i].address = NULL;
        l->sockets[i].fd = -1;
    }
}

/* Returns a descriptor that listens at "host:port", or -1 with the reason. */
static int listen_tcp(const char *address, char why[SOCKET_WHY_MAX])
{
    char host[SOCKET_HOST_MAX];
    char port[SOCKET_HOST_MAX];
    if (socket_split_address(address, host, port)) {
        return socket_listen(address, why);
    }
    snprintf(why, SOCKET_WHY_MAX, "listen tcp: address %.256s: missing port in address", address);
    return -1;
}

bool listeners_open(struct listeners *l, unsigned number, const char *name, const char *address,
                    enum listeners_kind kind, char why[START_LINE_MAX])
{
    char reason[SOCKET_WHY_MAX];
    assert(number < TCP_SERVER_LISTENERS_MAX && l->sockets[number].address == NULL);
    int fd = kind == LISTENERS_TCP ? listen_tcp(address, reason) : socket_listen(address, reason);
    if (fd < 0) {
        snprintf(why, START_LINE_MAX, "listen (%.256s) failed - %s", address, reason);
        listeners_clean_up(l);
        return false;
    }
    l->sockets[number].name = name;
    l->sockets[number].address = address;
    l->sockets[number].fd = fd;
    l->sockets[number].file = socket_find_file(address);
    return true;
}

int64_t listeners_port(const struct listeners *l, unsigned number)
{
    char text[SOCKET_ADDRESS_MAX];
    char host[SOCKET_HOST_MAX];
    char port[SOCKET_HOST_MAX];
    if (l->sockets[number].fd < 0) {
        return 0;
    }
    socket_local_address(l->sockets[number].fd, text);
    return socket_split_address(text, host, port) ? atoi(port) : -1;
}

bool listeners_hand_over(struct listeners *l, struct tcp_server *server)
{
    for (unsigned i = 0; i < TCP_SERVER_LISTENERS_MAX; i++) {
        int fd = l->sockets[i].fd;
        l->sockets[i].fd = -1;
        if (fd >= 0 && !tcp_server_listen(server, fd, i, l->sockets[i].name)) {
            return false;
        }
    }
    return true;
}

void listeners_clean_up(struct listeners *l)
{
    for (unsigned i = 0; i < TCP_SERVER_LISTENERS_MAX; i++) {
        if (l->sockets[i].fd >= 0) {
            close(l->sockets[i].fd);
            l->sockets[i].fd = -1;
        }
        if (l->sockets[i].address != NULL) {
            socket_clean_up(l->sockets[i].address, &l->sockets[i].file);
            l->sockets[i].address = NULL;
        }
    }
}
