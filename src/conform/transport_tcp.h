/* SPDX-License-Identifier: MIT */
/*
 * Owns: playing a case over TCP (or a unix socket) against any server, on real time.
 */
#ifndef CONFORM_TRANSPORT_TCP_H
#define CONFORM_TRANSPORT_TCP_H

#include "conform/player.h"

struct tcp_transport {
    struct player *player;     /* whose connections it fills */
    const char *address;       /* "host:port" or a path; borrowed */
    int fds[PLAYER_CONNS_MAX]; /* -1: closed */
    struct buf unsent[PLAYER_CONNS_MAX];
    bool end[PLAYER_CONNS_MAX]; /* shut down when all is sent */
};

void tcp_transport_init(struct tcp_transport *t, struct player *player, const char *address);
void tcp_transport_free(struct tcp_transport *t);

/* What the player drives; borrowed. */
struct transport tcp_transport_calls(struct tcp_transport *t);

/* Whether somebody listens at the address. */
bool tcp_transport_reachable(const char *address);

#endif
