/* SPDX-License-Identifier: MIT */
/*
 * Owns: the functions that the files of the TCP server share with each other. No other file
 * of src includes this one.
 *
 * tcp_server.c has the loop and the listeners. tcp_server_sockets.c moves the bytes of connections
 * and closes them. tcp_server_dial.c makes the connections that the handler asks for, and
 * tcp_server_udp.c sends its datagrams.
 */
#ifndef SHELL_TCP_SERVER_PARTS_H
#define SHELL_TCP_SERVER_PARTS_H

#include "shell/tcp_server.h"

/* The ticket of the look-up for the UDP socket. Every other look-up has the number of a connection,
 * which is larger than 2^32. */
#define TCP_UDP_TICKET 1
#define TCP_RESOLVER_TOKEN                                                                         \
    (UINT32_MAX - 1) /* the token of the resolver's descriptor in the waiter */

/* --- tcp_server_sockets.c --------------------------------------------------------------------- */

/* Returns the socket of a connection, or NULL when the connection has no socket or its socket was
 * freed. */
struct tcp_socket *tcp_find_socket(struct tcp_server *server, uint64_t conn);

/* Adds a socket for a connection. When fd is -1, the socket's state is LOOKING_UP. Otherwise its
 * state is OPEN, and the waiter does not wait for any event of it yet. When the system cannot watch
 * the descriptor, the descriptor is closed, and the handler's `closed` is called. */
struct tcp_socket *tcp_add_socket(struct tcp_server *server, uint64_t conn, int fd, int64_t now);

/* Closes the descriptor of a socket, if it has one. */
void tcp_release_fd(struct tcp_server *server, struct tcp_socket *s);

/* Closes the descriptor and frees the socket. The handler is told nothing. */
void tcp_free_socket(struct tcp_server *server, struct tcp_socket *s);

/* Closes the descriptor, frees the socket, and calls the handler's `closed` with `reason`. */
void tcp_close_socket(struct tcp_server *server, struct tcp_socket *s, enum closed_reason reason,
                      int64_t now);

/* Handles an event of the waiter: reads once, or notes that the socket broke. If the socket is
 * writable, adds it to server->sends. */
void tcp_socket_event(struct tcp_server *server, struct tcp_socket *s, unsigned bits, int64_t now);

/* Must be called after the state of a connection has changed. Sends the connection's output, and
 * does what the connection wants (enum want). */
void tcp_settle_socket(struct tcp_server *server, struct tcp_socket *s, int64_t now);

/* Sends more output of the sockets in server->sends, at most once for each of them. Stops when the
 * slice (tcp_server.h) is over. Each pass has a slice for only this work. So output to thousands of
 * peers does not delay the input, or the small outputs of other peers. */
void tcp_send_more(struct tcp_server *server, int64_t now);

/* Calls recv with input that the handler has not consumed before, at most once for each connection
 * that wants READ now. Stops when the slice is over. */
void tcp_offer_rests(struct tcp_server *server, int64_t now);

/* Tells the handler which sockets have no more input or had an error. One call handles a limited
 * number of sockets. */
void tcp_tell_ends(struct tcp_server *server, int64_t now);

/* Returns true when the slice of the running part of this pass is over. The rest of its work must
 * wait for the next pass, so that no peer waits long for the work of another peer. Each part of a
 * pass does at least one piece of work, so all work is done after some passes. */
bool tcp_slice_is_over(const struct tcp_server *server);

/* Returns true when a call that failed with this errno must be repeated later. */
bool tcp_would_block(int error);

/* --- tcp_server_dial.c ------------------------------------------------------------------------ */

/* Begins to make the connection that the handler asks for. */
void tcp_start_dial(struct tcp_server *server, const struct ask *ask, int64_t now);

/* Handles an event of a socket that is connecting. */
void tcp_dial_event(struct tcp_server *server, struct tcp_socket *s, int64_t now);

/* Fetches the resolver's answers, and passes the addresses to those who need them. */
void tcp_take_addresses(struct tcp_server *server, int64_t now);

/* Asks the resolver to look up an address. Returns false when it cannot. */
bool tcp_look_up(struct tcp_server *server, uint64_t ticket, const char *address);

/* Copies an address into a C string. Returns false when it is too long or contains a NUL. */
#define TCP_ADDRESS_MAX (2 * SOCKET_HOST_MAX)
bool tcp_copy_address(char to[TCP_ADDRESS_MAX], struct span address);

/* --- tcp_server_udp.c ------------------------------------------------------------------------- */

/* Begins to open the UDP socket that the handler asks for (ASK_UDP_OPEN). */
void tcp_open_udp(struct tcp_server *server, const struct ask *ask, int64_t now);

/* Continues when the resolver has answered to TCP_UDP_TICKET. */
void tcp_udp_looked_up(struct tcp_server *server, const struct resolver_answer *answer,
                       int64_t now);

/* Sends a datagram (ASK_UDP_SEND). */
void tcp_send_udp(const struct tcp_server *server, struct span bytes);

/* Closes the UDP socket, if there is one, and cancels the look-up for it (ASK_UDP_CLOSE). */
void tcp_close_udp(struct tcp_server *server);

#endif
