/* SPDX-License-Identifier: MIT */
/*
 * Owns: addresses as text, listening sockets, accepted sockets.
 *
 * An address is "host:port", "[host]:port" or ":port", else the path of a unix socket, by the rule
 * of Go's SplitHostPort, which nsqd applies. No host, 0.0.0.0 and [::] listen on IPv4 and IPv6 at
 * once. "@name" is a unix socket that has a name and no file.
 */
#ifndef SHELL_SOCKET_H
#define SHELL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include <nsq/span.h>

#define SOCKET_ADDRESS_MAX 128 /* of any address as text, NUL included */
#define SOCKET_HOST_MAX 256    /* of a host or port, NUL included */
#define SOCKET_WHY_MAX 512     /* of a reason, NUL included; longer ones are cut */
#define SOCKET_ADDRESSES_MAX 8 /* of one name that are tried */

/* Splits "host:port" into two strings. False when it is not of that form, or too long. */
bool socket_split_address(const char *address, char host[SOCKET_HOST_MAX],
                          char port[SOCKET_HOST_MAX]);

/* Listens. Returns the descriptor, nonblocking and closed on exec, which the caller owns; -1 with a
 * reason in Go's words, such as "listen tcp 127.0.0.1:4150: bind: address already in use". */
int socket_listen(const char *address, char why[SOCKET_WHY_MAX]);

/* Removes what a listener leaves behind when it is closed: the file of a unix socket. */
void socket_clean_up(const char *address);

/* Connects, and waits until that is done or has failed. Returns the descriptor, nonblocking and
 * closed on exec, which the caller owns; -1 with errno. */
int socket_connect(const char *address);

/* What a name stands for, in the order in which to try. */
struct socket_addresses {
    size_t count;
    struct sockaddr_storage address[SOCKET_ADDRESSES_MAX];
    socklen_t size[SOCKET_ADDRESSES_MAX];
};

/* Looks up "host:port". `numeric`: without asking anybody, and so at once. Finds nothing with a
 * reason in Go's words; with `numeric` a name is no error, but there is nothing either, and no
 * reason. */
void socket_look_up(const char *address, bool numeric, struct socket_addresses *out,
                    char why[SOCKET_WHY_MAX]);

/* Begins to connect to one of them without waiting. Returns the descriptor, nonblocking and closed
 * on exec, which the caller owns and which becomes writable when that is over; -1 with a reason. */
int socket_start(const struct socket_addresses *addresses, size_t i, char why[SOCKET_WHY_MAX]);

/* Whether that has succeeded; if not, with a reason such as
 * "dial tcp 127.0.0.1:80: connect: connection refused". */
bool socket_started(int fd, const struct socket_addresses *addresses, size_t i,
                    char why[SOCKET_WHY_MAX]);

/* The address a listener really has, "[::]:4150" or a path, as a string; "?" if it is no socket. */
void socket_local_address(int fd, char text[SOCKET_ADDRESS_MAX]);

/* Accepts one connection: its descriptor, which the caller owns, and its address as text. -1 with
 * errno; EAGAIN: nobody waits. */
int socket_accept(int listener, char peer[SOCKET_ADDRESS_MAX]);

/* Whether accept may succeed a little later although it failed with this errno. */
bool socket_accept_is_temporary(int error);

/* Makes a descriptor nonblocking and closed on exec. */
void socket_set_flags(int fd);

#endif
