/* SPDX-License-Identifier: MIT */
/*
 * Owns: playing a case over TCP, or over a unix socket, against any server in real time. Must not
 * know: what a step expects.
 */
#ifndef CONFORM_TRANSPORT_TCP_H
#define CONFORM_TRANSPORT_TCP_H

#include "conform/player.h"
#include "conform/spawn.h"

struct tcp_transport {
    struct player *player; /* receives the input */
    /* One address for each kind of connection: "host:port" or the path of a unix socket. NULL or
     * empty: the server has no such address. Borrowed. */
    const char *addresses[CONNECT_KINDS];
    int fds[PLAYER_CONNS_MAX]; /* -1: closed */
    struct buf unsent[PLAYER_CONNS_MAX];
    int listeners[TRANSCRIPT_LISTENERS]; /* of the scripted nsqlookupds; -1: there are none.
                                               Borrowed */
    int awaited; /* the listener whose next connection the player waits for; -1: none */
    bool stopped[PLAYER_CONNS_MAX]; /* the client reads nothing */
    struct spawn *server;           /* a server that can be restarted; borrowed; NULL: none */
    bool end[PLAYER_CONNS_MAX];     /* the output must be closed when all bytes are sent */
};

/* `address` is that of NSQ's own protocol. The caller may set the other addresses afterwards. */
void tcp_transport_init(struct tcp_transport *t, struct player *player, const char *address);
void tcp_transport_free(struct tcp_transport *t);

/* Does the same as tcp_transport_init, for a server that this process has started and may
 * restart. */
void tcp_transport_init_own(struct tcp_transport *t, struct player *player, struct spawn *server);

/* Returns the functions for the player, which borrows `t`. */
struct transport tcp_transport_calls(struct tcp_transport *t);

/* Returns true if a server accepts connections at the address. */
bool tcp_transport_reachable(const char *address);

#endif
