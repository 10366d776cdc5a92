/* SPDX-License-Identifier: MIT */
/*
 * Opens listeners and closes them. The first one that fails ends the start. Must not print or exit.
 */
#include "program/listeners.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void listeners_init(struct listeners *l)
{
    for (unsigned i = 0; i < TCP_SERVER_LISTENERS_MAX; i++) {
        l->sockets[i].address = NULL;
        l->sockets[i].fd = -1;
    }
}

/* Returns the reason for which socket_split_address refuses an address, in the words of Go's
 * SplitHostPort. */
static const char *why_not_split(const char *address)
{
    const char *colon = strrchr(address, ':');
    const char *opened = address; /* from here on, '[' is unexpected */
    const char *closed = address; /* from here on, ']' is unexpected */
    if (colon == NULL) {
        return "missing port in address";
    }
    if (address[0] == '[') {
        const char *end = strchr(address, ']');
        if (end == NULL) {
            return "missing ']' in address";
        }
        if (end + 1 != colon) {
            return end[1] == ':' ? "too many colons in address" : "missing port in address";
        }
        opened = address + 1;
        closed = colon;
    } else if (strchr(address, ':') != colon) {
        return "too many colons in address";
    }
    return strchr(opened, '[') != NULL   ? "unexpected '[' in address"
           : strchr(closed, ']') != NULL ? "unexpected ']' in address"
                                         : "host or port is too long";
}

/* Returns a descriptor that listens at "host:port", or -1 with the reason. */
static int listen_tcp(const char *address, char why[SOCKET_WHY_MAX])
{
    char host[SOCKET_HOST_MAX];
    char port[SOCKET_HOST_MAX];
    if (socket_split_address(address, host, port)) {
        return socket_listen(address, why);
    }
    snprintf(why, SOCKET_WHY_MAX, "listen tcp: address %.256s: %s", address,
             why_not_split(address));
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
