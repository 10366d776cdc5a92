/* SPDX-License-Identifier: MIT */
/*
 * Owns: the sockets at which nsqd listens: for V2 clients, for HTTP and for HTTPS. Must not know:
 * the protocols, or how the server waits.
 *
 * The order of calls is:
 *
 *     listeners_open -> listeners_port for each port -> listeners_hand_over -> (the server runs)
 *                    -> listeners_clean_up
 */
#ifndef NSQD_LISTENERS_H
#define NSQD_LISTENERS_H

#include "engine/engine.h"
#include "nsqd/options.h"
#include "shell/socket.h"
#include "shell/tcp_server.h"

struct listeners {
    struct {
        const char *address;     /* borrowed from the options */
        int fd;                  /* -1: this listener is not used, or the server has it */
        struct socket_file file; /* of a unix socket */
    } sockets[ENGINE_LISTENERS];
};

/* Starts to listen at the addresses of the options. HTTP is not served when --http-address is
 * empty. HTTPS is served only when the server has a certificate and --https-address is not empty.
 * The options are borrowed. Returns false when a listener cannot be opened; then nothing is open,
 * and `why` is the reason in the words of upstream's nsqd. */
bool listeners_open(struct listeners *l, const struct options *o, char why[OPTIONS_LINE_MAX]);

/* Returns the port of a listener that is open; -1 for a unix socket; 0 when it is not used. */
int64_t listeners_port(const struct listeners *l, enum engine_listener which);

/* Gives the sockets to the server, which owns them afterwards. Returns false, with errno, when the
 * server cannot wait for one of them. */
bool listeners_hand_over(struct listeners *l, struct tcp_server *server);

/* Closes the sockets that the server does not have, and removes the files of unix sockets. */
void listeners_clean_up(struct listeners *l);

#endif
