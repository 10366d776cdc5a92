/* SPDX-License-Identifier: MIT */
/*
 * Owns: addresses as text, listening sockets, accepted sockets.
 *
 * An address is "host:port", "[host]:port" or ":port", else the path of a unix socket, by the rule
 * of Go's SplitHostPort, which nsqd applies. No host, 0.0.0.0 and [::] listen on IPv4 and IPv6 at
 * once.
 */
#ifndef SHELL_SOCKET_H
#define SHELL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

#include <nsq/span.h>

#define SOCKET_ADDRESS_MAX 128 /* of any address as text, NUL included */
#define SOCKET_HOST_MAX 256    /* of a host or port, NUL included */

/* Splits "host:port" into two strings. False when it is not of that form, or too long. */
bool socket_split_address(const char *address, char host[SOCKET_HOST_MAX],
                          char port[SOCKET_HOST_MAX]);

/* Listens. Returns the descriptor, nonblocking and closed on exec, which the caller owns; -1 with a
 * one-line reason (static, or borrowed until the next call). */
int socket_listen(const char *address, const char **why);

/* The address a listener really has, "[::]:4150" or a path, as a string. */
void socket_local_address(int fd, char text[SOCKET_ADDRESS_MAX]);

/* Accepts one connection: its descriptor, which the caller owns, and its address as text. -1 with
 * errno; EAGAIN: nobody waits. */
int socket_accept(int listener, char peer[SOCKET_ADDRESS_MAX]);

/* Whether accept may succeed a little later although it failed with this errno. */
bool socket_accept_is_temporary(int error);

/* Makes a descriptor nonblocking and closed on exec. */
void socket_set_flags(int fd);

#endif
