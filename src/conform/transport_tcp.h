/* SPDX-License-Identifier: MIT */
/*
 * Owns: playing a case over TCP, or over a unix socket, against any server in real time. Must not
 * know: what a step expects.
 */
#ifndef CONFORM_TRANSPORT_TCP_H
#define CONFORM_TRANSPORT_TCP_H

#include "conform/player.h"

struct tcp_transport {
    struct player *player;     /* receives the input */
    const char *address;       /* "host:port", or the path of a unix socket; borrowed */
    int fds[PLAYER_CONNS_MAX]; /* -1: closed */
    struct buf unsent[PLAYER_CONNS_MAX];
    bool end[PLAYER_CONNS_MAX]; /* the output must be closed when all bytes are sent */
};

void tcp_transport_init(struct tcp_transport *t, struct player *player, const char *address);
void tcp_transport_free(struct tcp_transport *t);

/* Returns the functions for the player, which borrows `t`. */
struct transport tcp_transport_calls(struct tcp_transport *t);

/* Returns true if a server accepts connections at the address. */
bool tcp_transport_reachable(const char *address);

#endif
