/* SPDX-License-Identifier: MIT */
/*
 * Opens the listeners in the order of upstream's nsqd: TCP, HTTP, HTTPS. The first one that fails
 * ends the start. Must not print or exit.
 */
#include "nsqd/listeners.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The words in log lines. */
static const char *const names[ENGINE_LISTENERS] = {
    [ENGINE_TCP] = "TCP", [ENGINE_HTTP] = "HTTP", [ENGINE_HTTPS] = "HTTPS"};

/* HTTPS does not use unix sockets, as in upstream's nsqd. */
static int listen_https(const char *address, char why[SOCKET_WHY_MAX])
{
    char host[SOCKET_HOST_MAX];
    char port[SOCKET_HOST_MAX];
    if (socket_split_address(address, host, port)) {
        return socket_listen(address, why);
    }
    snprintf(why, SOCKET_WHY_MAX, "listen tcp: address %.256s: missing port in address", address);
    return -1;
}

static bool open_one(struct listeners *l, enum engine_listener which, const char *address,
                     char why[OPTIONS_LINE_MAX])
{
    char reason[SOCKET_WHY_MAX];
    int fd = which == ENGINE_HTTPS ? listen_https(address, reason) : socket_listen(address, reason);
    if (fd < 0) {
        snprintf(why, OPTIONS_LINE_MAX, "listen (%.256s) failed - %s", address, reason);
        return false;
    }
    l->sockets[which].address = address;
    l->sockets[which].fd = fd;
    l->sockets[which].file = socket_find_file(address);
    return true;
}

bool listeners_open(struct listeners *l, const struct options *o, char why[OPTIONS_LINE_MAX])
{
    for (int i = 0; i < ENGINE_LISTENERS; i++) {
        l->sockets[i].address = NULL;
        l->sockets[i].fd = -1;
    }
    bool http = o->http_address[0] != '\0';
    bool https = options_offer_tls(o) && o->https_address[0] != '\0';
    bool ok = open_one(l, ENGINE_TCP, o->tcp_address, why) &&
              (!http || open_one(l, ENGINE_HTTP, o->http_address, why)) &&
              (!https || open_one(l, ENGINE_HTTPS, o->https_address, why));
    if (!ok) {
        listeners_clean_up(l);
    }
    return ok;
}

int64_t listeners_port(const struct listeners *l, enum engine_listener which)
{
    char text[SOCKET_ADDRESS_MAX];
    char host[SOCKET_HOST_MAX];
    char port[SOCKET_HOST_MAX];
    if (l->sockets[which].fd < 0) {
        return 0;
    }
    socket_local_address(l->sockets[which].fd, text);
    return socket_split_address(text, host, port) ? atoi(port) : -1;
}

bool listeners_hand_over(struct listeners *l, struct tcp_server *server)
{
    for (unsigned i = 0; i < ENGINE_LISTENERS; i++) {
        int fd = l->sockets[i].fd;
        l->sockets[i].fd = -1;
        if (fd >= 0 && !tcp_server_listen(server, fd, i, names[i])) {
            return false;
        }
    }
    return true;
}

void listeners_clean_up(struct listeners *l)
{
    for (int i = 0; i < ENGINE_LISTENERS; i++) {
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
