/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the files of the TCP server tell each other. Nobody else includes this.
 *
 * tcp_server.c has the loop and the listeners, tcp_server_sockets.c the bytes and ends of
 * connections, tcp_server_dial.c the connections that the handler asks for.
 */
#ifndef SHELL_TCP_SERVER_PARTS_H
#define SHELL_TCP_SERVER_PARTS_H

#include "shell/tcp_server.h"

#define TCP_RESOLVER_TOKEN (UINT32_MAX - 1) /* the waiter's token of the resolver's descriptor */

/* --- tcp_server_sockets.c --------------------------------------------------------------------- */

/* The socket of a connection; NULL: there is none (any more). */
struct tcp_socket *tcp_find_socket(struct tcp_server *server, uint64_t conn);

/* Adds a socket. fd -1: LOOKING_UP. Otherwise OPEN, and nothing is waited for yet; a descriptor
 * that the system will not watch is closed, and the handler is told. */
struct tcp_socket *tcp_add_socket(struct tcp_server *server, uint64_t conn, int fd, int64_t now);

/* Closes the descriptor, if there is one; frees the socket; also tells the handler why. */
void tcp_release_fd(struct tcp_server *server, struct tcp_socket *s);
void tcp_free_socket(struct tcp_server *server, struct tcp_socket *s);
void tcp_close_socket(struct tcp_server *server, struct tcp_socket *s, enum closed_reason reason,
                      int64_t now);

/* Reads once, or notes that the socket broke, as the waiter's bits say; sends what it can. */
void tcp_socket_event(struct tcp_server *server, struct tcp_socket *s, unsigned bits, int64_t now);

/* Does what a connection that has changed wants. */
void tcp_settle_socket(struct tcp_server *server, struct tcp_socket *s, int64_t now);

/* Offers the input that was left over to connections that want to read again. */
void tcp_offer_rests(struct tcp_server *server, int64_t now);

/* Tells the handler of ends: a bounded number of them. */
void tcp_tell_ends(struct tcp_server *server, int64_t now);

/* Whether a failed call has to be repeated later. */
bool tcp_would_block(int error);

/* --- tcp_server_dial.c ------------------------------------------------------------------------ */

/* Begins the connection that the handler asks for. */
void tcp_start_dial(struct tcp_server *server, const struct ask *ask, int64_t now);

/* The socket of a connection that is being made is ready. */
void tcp_dial_event(struct tcp_server *server, struct tcp_socket *s, int64_t now);

/* Takes what the resolver has found. */
void tcp_take_addresses(struct tcp_server *server, int64_t now);

#endif
