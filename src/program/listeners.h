/* SPDX-License-Identifier: MIT */
/*
 * Owns: the sockets at which a server listens. Each listener has a number, which the server's
 * handler knows. Must not know: the protocols, or how the server waits.
 *
 * The order of calls is:
 *
 *     listeners_init -> listeners_open for each listener -> listeners_port for each port
 *                    -> listeners_hand_over -> (the server runs) -> listeners_clean_up
 */
#ifndef PROGRAM_LISTENERS_H
#define PROGRAM_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>

#include "program/start.h"
#include "shell/socket.h"
#include "shell/tcp_server.h"

struct listeners {
    struct {
        const char *name;        /* in log lines; borrowed */
        const char *address;     /* borrowed; NULL: this listener is not used */
        int fd;                  /* -1: this listener is not used, or the server has it */
        struct socket_file file; /* of a unix socket */
    } sockets[TCP_SERVER_LISTENERS_MAX];
};

/* Makes a struct in which no listener is used. */
void listeners_init(struct listeners *l);

enum listeners_kind {
    LISTENERS_ANY, /* "host:port", or the path of a unix socket */
    LISTENERS_TCP, /* only "host:port" */
};

/* Starts to listen at an address. `name` is "TCP", for example. Returns false when the listener
 * cannot be opened. Then all listeners are closed, and `why` is the reason in the words of
 * upstream's nsqd.
 */
bool listeners_open(struct listeners *l, unsigned number, const char *name, const char *address,
                    enum listeners_kind kind, char why[START_LINE_MAX]);

/* Returns the port of a listener that is open; -1 for a unix socket; 0 when it is not used. */
int64_t listeners_port(const struct listeners *l, unsigned number);

/* Gives the sockets to the server, which owns them afterwards. Returns false, with errno, when the
 * server cannot wait for one of them. */
bool listeners_hand_over(struct listeners *l, struct tcp_server *server);

/* Closes the sockets that the server does not have, and removes the files of unix sockets. */
void listeners_clean_up(struct listeners *l);

#endif
