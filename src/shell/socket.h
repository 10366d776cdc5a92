/* SPDX-License-Identifier: MIT */
/*
 * Owns: addresses as text, and sockets. Some sockets listen, some were accepted, and some connect
 * to a server.
 *
 * An address is "host:port", "[host]:port" or ":port". The rules are the rules of Go's
 * SplitHostPort, which upstream's nsqd uses. Any other text is the path of a unix socket. "@name"
 * is a unix socket that has a name and no file. A listener without a host, or with the host 0.0.0.0
 * or [::], accepts IPv4 and IPv6.
 */
#ifndef SHELL_SOCKET_H
#define SHELL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

#include <nsq/span.h>

#define SOCKET_ADDRESS_MAX 128 /* bytes of any address as text, NUL included */
#define SOCKET_HOST_MAX 256    /* bytes of a host or a port, NUL included */
#define SOCKET_WHY_MAX 512     /* bytes of a reason, NUL included; longer reasons are cut */
#define SOCKET_ADDRESSES_MAX 8 /* at most this many addresses of one name are tried */

/* Splits "host:port" into two strings. Returns false when the text has another form or is too long.
 */
bool socket_split_address(const char *address, char host[SOCKET_HOST_MAX],
                          char port[SOCKET_HOST_MAX]);

/* Starts to listen. Returns a descriptor that is nonblocking and closed on exec. The caller owns
 * it. Returns -1 on failure. Then `why` is the reason in Go's words, for example "listen tcp
 * 127.0.0.1:4150: bind: address already in use". */
int socket_listen(const char *address, char why[SOCKET_WHY_MAX]);

/* Identifies the file of a unix socket by its device, its inode number and the time of its last
 * change. The time is needed because the system may give the inode number of a removed file to a
 * new file. */
struct socket_file {
    bool exists;
    dev_t device;
    ino_t number;
    struct timespec changed;
};

/* Returns the file of a unix socket. For any other address, the file does not exist. Must be called
 * when socket_listen has returned. */
struct socket_file socket_find_file(const char *address);

/* Removes the file of a unix socket, because the file still exists after its listener was closed.
 * Does nothing when the path now has another file, because another server may use it. */
void socket_clean_up(const char *address, const struct socket_file *file);

/* Connects, and waits until the connection is made or has failed. Returns a descriptor that is
 * nonblocking and closed on exec. The caller owns it. Returns -1 with errno on failure. */
int socket_connect(const char *address);

/* The addresses of a name, in the order in which to try them. */
struct socket_addresses {
    size_t count;
    struct sockaddr_storage address[SOCKET_ADDRESSES_MAX];
    socklen_t size[SOCKET_ADDRESSES_MAX];
};

/* Looks up "host:port" and writes the addresses to `out`. When nothing is found, `out` is empty,
 * and `why` is the reason in Go's words. When `numeric` is true, only an address in digits is
 * accepted, so that the call never blocks. When `numeric` is true and `address` has a name, this is
 * no error: then `out` and `why` are both empty. */
void socket_look_up(const char *address, bool numeric, struct socket_addresses *out,
                    char why[SOCKET_WHY_MAX]);

/* Begins to connect to address number i, without waiting. Returns a descriptor that is nonblocking
 * and closed on exec. The caller owns it. The descriptor becomes writable when the attempt is over.
 * Returns -1 on failure. Then `why` is the reason. */
int socket_start(const struct socket_addresses *addresses, size_t i, char why[SOCKET_WHY_MAX]);

/* Returns true when the attempt that socket_start began has succeeded. Returns false when it has
 * failed. Then `why` is the reason, for example "dial tcp 127.0.0.1:80: connect: connection
 * refused". */
bool socket_started(int fd, const struct socket_addresses *addresses, size_t i,
                    char why[SOCKET_WHY_MAX]);

/* Returns a UDP socket that sends to the first of these addresses to which the machine has a route.
 * An address may be a broadcast address, as in Go. The descriptor is nonblocking and closed on
 * exec. The caller owns it. Returns -1 when there is no such address. Then `why` is the reason. */
int socket_open_udp(const struct socket_addresses *addresses, char why[SOCKET_WHY_MAX]);

/* Writes the address that a listener really has, for example "[::]:4150" or a path. Writes "?" when
 * fd is no socket. */
void socket_local_address(int fd, char text[SOCKET_ADDRESS_MAX]);

/* Accepts one connection. Returns its descriptor, which the caller owns, and writes the peer's
 * address as text to `peer`. Returns -1 with errno on failure. EAGAIN means that no connection
 * waits. */
int socket_accept(int listener, char peer[SOCKET_ADDRESS_MAX]);

/* `error` is the errno with which accept has failed. Returns true when accept may succeed a little
 * later. */
bool socket_accept_is_temporary(int error);

/* Makes a descriptor nonblocking and closed on exec. */
void socket_set_flags(int fd);

#endif
