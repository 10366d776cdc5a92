/* SPDX-License-Identifier: MIT */
/*
 * Owns: addresses as text, and sockets: listening, accepted, connecting.
 *
 * An address is "host:port", "[host]:port" or ":port", by the rule of Go's SplitHostPort, which
 * nsqd applies; any other text is the path of a unix socket. Without a host, or with 0.0.0.0 or
 * [::], a listener accepts IPv4 and IPv6. "@name" is a unix socket that has a name and no file.
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

/* Splits "host:port" into two strings. False: the text has another form, or is too long. */
bool socket_split_address(const char *address, char host[SOCKET_HOST_MAX],
                          char port[SOCKET_HOST_MAX]);

/* Starts to listen. Returns the descriptor, nonblocking and closed on exec, which the caller owns;
 * -1 with a reason in Go's words, such as "listen tcp 127.0.0.1:4150: bind: address already in
 * use". */
int socket_listen(const char *address, char why[SOCKET_WHY_MAX]);

/* Removes the file of a unix socket, which stays behind when its listener is closed. */
void socket_clean_up(const char *address);

/* Connects, and waits until the connection is made or has failed. Returns the descriptor,
 * nonblocking and closed on exec, which the caller owns; -1 with errno. */
int socket_connect(const char *address);

/* The addresses of a name, in the order in which to try them. */
struct socket_addresses {
    size_t count;
    struct sockaddr_storage address[SOCKET_ADDRESSES_MAX];
    socklen_t size[SOCKET_ADDRESSES_MAX];
};

/* Looks up "host:port". `numeric`: only addresses in digits, so that it never blocks. When nothing
 * is found, `out` is empty and `why` is the reason in Go's words. With `numeric`, a name that is
 * not in digits is no error: `out` and `why` are both empty. */
void socket_look_up(const char *address, bool numeric, struct socket_addresses *out,
                    char why[SOCKET_WHY_MAX]);

/* Begins to connect to address i without waiting. Returns the descriptor, nonblocking and closed on
 * exec, which the caller owns; it becomes writable when the attempt is over. -1 with a reason. */
int socket_start(const struct socket_addresses *addresses, size_t i, char why[SOCKET_WHY_MAX]);

/* Whether the attempt has succeeded; if not, with a reason such as
 * "dial tcp 127.0.0.1:80: connect: connection refused". */
bool socket_started(int fd, const struct socket_addresses *addresses, size_t i,
                    char why[SOCKET_WHY_MAX]);

/* The address that a listener really has, "[::]:4150" or a path; "?" if fd is no socket. */
void socket_local_address(int fd, char text[SOCKET_ADDRESS_MAX]);

/* Accepts one connection: its descriptor, which the caller owns, and its address as text. -1 with
 * errno; EAGAIN: no connection waits. */
int socket_accept(int listener, char peer[SOCKET_ADDRESS_MAX]);

/* Whether accept, after it failed with this errno, may succeed a little later. */
bool socket_accept_is_temporary(int error);

/* Makes a descriptor nonblocking and closed on exec. */
void socket_set_flags(int fd);

#endif
