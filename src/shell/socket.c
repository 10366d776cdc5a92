/* SPDX-License-Identifier: MIT */
/*
 * Sockets of the C library, with the forms of addresses and the error texts of Go, as in upstream's
 * nsqd. Must not know who listens or connects, and must not read or write a byte.
 */
#include "shell/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "shell/machine.h"

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
    struct sockaddr_storage room;
};

/* --- text ------------------------------------------------------------------------------------- */

static bool copy_part(char out[SOCKET_HOST_MAX], const char *from, size_t n)
{
    if (n >= SOCKET_HOST_MAX) {
        return false;
    }
    memcpy(out, from, n);
    out[n] = '\0';
    return true;
}

bool socket_split_address(const char *address, char host[SOCKET_HOST_MAX],
                          char port[SOCKET_HOST_MAX])
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL) {
        return false;
    }
    const char *begin = address;
    const char *end = colon;
    if (*begin == '[') {
        const char *bracket = strchr(address, ']');
        if (bracket == NULL || bracket + 1 != colon) {
            return false;
        }
        begin++;
        end = bracket;
    } else if (memchr(begin, ':', (size_t)(end - begin)) != NULL) {
        return false; /* an IPv6 address needs brackets */
    }
    if (strpbrk(colon, "[]") != NULL || memchr(begin, '[', (size_t)(end - begin)) != NULL ||
        memchr(begin, ']', (size_t)(end - begin)) != NULL) {
        return false;
    }
    return copy_part(host, begin, (size_t)(end - begin)) &&
           copy_part(port, colon + 1, strlen(colon + 1));
}

/* Writes an address as text. The form is "host:port". An IPv6 host is written in brackets. An IPv4
 * peer of an IPv6 socket is written as IPv4. For a unix socket, the text is its path, or "@" and
 * its name when it has no path. Bytes that the kernel did not fill in are zero. */
static void address_text(const union address *a, char text[SOCKET_ADDRESS_MAX])
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (a->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof host);
        snprintf(text, SOCKET_ADDRESS_MAX, "%s:%u", host, ntohs(a->v4.sin_port));
    } else if (a->any.sa_family == AF_INET6) {
        unsigned port = ntohs(a->v6.sin6_port);
        const uint8_t *bytes = a->v6.sin6_addr.s6_addr;
        if (IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr)) {
            inet_ntop(AF_INET, bytes + 12, host, sizeof host);
            snprintf(text, SOCKET_ADDRESS_MAX, "%s:%u", host, port);
        } else {
            inet_ntop(AF_INET6, bytes, host, sizeof host);
            snprintf(text, SOCKET_ADDRESS_MAX, "[%s]:%u", host, port);
        }
    } else if (a->any.sa_family == AF_UNIX && a->local.sun_path[0] != '\0') {
        snprintf(text, SOCKET_ADDRESS_MAX, "%s", a->local.sun_path);
    } else if (a->any.sa_family == AF_UNIX) {
        snprintf(text, SOCKET_ADDRESS_MAX, "@%s", a->local.sun_path + 1);
    } else {
        snprintf(text, SOCKET_ADDRESS_MAX, "?");
    }
}

/* Makes the address of a unix socket. Returns its size, or 0 when the path is too long. A path ends
 * with a NUL. A name after "@" does not. When the name is empty, the kernel chooses one. */
static socklen_t unix_address(union address *a, const char *path)
{
    size_t n = strlen(path);
    bool is_path = n > 0 && path[0] != '@';
    *a = (union address){.local = {.sun_family = AF_UNIX}};
    if (n + is_path > sizeof a->local.sun_path) {
        return 0;
    }
    memcpy(a->local.sun_path, path, n);
    if (!is_path) {
        a->local.sun_path[0] = '\0';
    }
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + is_path);
}

void socket_local_address(int fd, char text[SOCKET_ADDRESS_MAX])
{
    union address a = {0};
    socklen_t size = sizeof a;
    getsockname(fd, &a.any, &size); /* on failure the text is "?" */
    address_text(&a, text);
}

/* --- listening -------------------------------------------------------------------------------- */

void socket_set_flags(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

/* Writes to `why`, in Go's words, the reason why it cannot listen. Returns -1. */
static int refuse(char why[SOCKET_WHY_MAX], const char *net, const char *address, int error)
{
    char reason[MACHINE_REASON_MAX];
    machine_reason(error, reason);
    const char *call = error == EMFILE || error == ENFILE ? "socket" : "bind";
    snprintf(why, SOCKET_WHY_MAX, "listen %s %s: %s: %s", net, address, call, reason);
    return -1;
}

/* Binds and listens. Returns -1 with errno on failure. When `dual` is true, an IPv6 socket accepts
 * IPv4 too. */
static int listen_on(const struct sockaddr *address, socklen_t size, bool dual)
{
    int fd = socket(address->sa_family, SOCK_STREAM, 0);
    if (fd < 0) {
        return -1;
    }
    socket_set_flags(fd);
    if (address->sa_family != AF_UNIX) {
        set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    }
    if (address->sa_family == AF_INET6) {
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, dual ? 0 : 1);
    }
    if (bind(fd, address, size) != 0 || listen(fd, SOMAXCONN) != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static struct socket_file find_file(const char *path)
{
    struct stat s;
    if (lstat(path, &s) != 0 || !S_ISSOCK(s.st_mode)) {
        return (struct socket_file){.exists = false};
    }
    return (struct socket_file){true, s.st_dev, s.st_ino, s.st_mtim};
}

static bool is_same_file(const struct socket_file *a, const struct socket_file *b)
{
    return a->exists && b->exists && a->device == b->device && a->number == b->number &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Removes a file, if it is still this one. Another server may take the path over at the same time.
 * So the file is first moved aside, and if it is another one then, it is moved back. */
static bool remove_file(const char *path, const struct socket_file *file)
{
    char aside[sizeof((struct sockaddr_un *)0)->sun_path + 32];
    struct socket_file found = find_file(path);
    if (!is_same_file(file, &found)) {
        return false;
    }
    snprintf(aside, sizeof aside, "%s.%ld", path, (long)getpid());
    if (rename(path, aside) != 0) {
        return false;
    }
    found = find_file(aside);
    bool same = is_same_file(file, &found);
    bool back = same || link(aside, path) == 0;
    return unlink(aside) == 0 && same && back;
}

/* Returns true when the path has a socket at which nobody listens: its server was killed. */
static bool is_stale(const union address *a, socklen_t size)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) {
        return false;
    }
    socket_set_flags(fd); /* a server that does not accept must not stop this one */
    bool refused = connect(fd, &a->any, size) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

/* As listen_on. A socket whose server is gone is replaced. */
static int listen_on_path(const union address *a, socklen_t size, const char *path)
{
    struct socket_file file = find_file(path);
    int fd = listen_on(&a->any, size, false);
    int error = errno;
    if (fd < 0 && error == EADDRINUSE && is_stale(a, size) && remove_file(path, &file)) {
        return listen_on(&a->any, size, false);
    }
    errno = error;
    return fd;
}

static int listen_unix(const char *path, char why[SOCKET_WHY_MAX])
{
    union address a;
    socklen_t size = unix_address(&a, path);
    if (size == 0) {
        return refuse(why, "unix", path, EINVAL);
    }
    bool is_path = path[0] != '\0' && path[0] != '@';
    int fd = is_path ? listen_on_path(&a, size, path) : listen_on(&a.any, size, false);
    return fd < 0 ? refuse(why, "unix", path, errno) : fd;
}

static bool is_wildcard(const char *host)
{
    return host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* Returns true when a port number does not fit into 16 bits. (getaddrinfo would cut it.) */
static bool is_out_of_range(const char *port)
{
    char *end;
    long n = strtol(port, &end, 10);
    return end != port && *end == '\0' && (n < 0 || n > UINT16_MAX);
}

/* Chooses an IPv4 address before an IPv6 address, as Go does for a name that has both. */
static const struct addrinfo *choose(const struct addrinfo *list)
{
    for (const struct addrinfo *i = list; i != NULL; i = i->ai_next) {
        if (i->ai_family == AF_INET) {
            return i;
        }
    }
    return list;
}

/* Looks up the address to bind to. The caller frees the list with freeaddrinfo. Returns NULL on
 * failure; then `why` is the reason. */
static struct addrinfo *look_up(const char *host, const char *port, char why[SOCKET_WHY_MAX])
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *list = NULL;
    if (is_out_of_range(port)) {
        snprintf(why, SOCKET_WHY_MAX, "listen tcp: address %s: invalid port", port);
        return NULL;
    }
    int failed = getaddrinfo(host, port[0] == '\0' ? "0" : port, &hints, &list);
    if (failed == EAI_SERVICE) {
        snprintf(why, SOCKET_WHY_MAX, "listen tcp: lookup tcp/%s: unknown port", port);
    } else if (failed != 0) {
        snprintf(why, SOCKET_WHY_MAX, "listen tcp: lookup %s: %s", host,
                 failed == EAI_NONAME ? "no such host" : gai_strerror(failed));
    }
    return failed == 0 ? list : NULL;
}

static int listen_tcp(const char *host, const char *port, char why[SOCKET_WHY_MAX])
{
    bool any = is_wildcard(host);
    struct addrinfo *list = look_up(any ? "::" : host, port, why);
    if (list == NULL) {
        return -1;
    }
    union address a = {0};
    const struct addrinfo *i = choose(list);
    memcpy(&a, i->ai_addr, i->ai_addrlen);
    int fd = listen_on(&a.any, i->ai_addrlen, any);
    freeaddrinfo(list);
    if (fd >= 0) {
        return fd;
    }
    int error = errno;
    if (any && error == EAFNOSUPPORT && strcmp(host, "::") != 0) {
        return listen_tcp("0", port, why); /* the machine has no IPv6 */
    }
    char address[SOCKET_ADDRESS_MAX];
    address_text(&a, address);
    if (any) {
        snprintf(address, sizeof address, "%s:%u", host[0] == '\0' ? "" : "0.0.0.0",
                 ntohs(a.v6.sin6_port));
    }
    return refuse(why, "tcp", address, error);
}

int socket_listen(const char *address, char why[SOCKET_WHY_MAX])
{
    char host[SOCKET_HOST_MAX];
    char port[SOCKET_HOST_MAX];
    if (!socket_split_address(address, host, port)) {
        return listen_unix(address, why);
    }
    return listen_tcp(host, port, why);
}

struct socket_file socket_find_file(const char *address)
{
    char host[SOCKET_HOST_MAX];
    char port[SOCKET_HOST_MAX];
    if (socket_split_address(address, host, port) || address[0] == '@') {
        return (struct socket_file){.exists = false};
    }
    return find_file(address);
}

void socket_clean_up(const char *address, const struct socket_file *file)
{
    remove_file(address, file); /* does nothing when the file does not exist */
}

/* --- connecting ------------------------------------------------------------------------------- */

static int connect_to(const struct sockaddr *address, socklen_t size)
{
    int fd = socket(address->sa_family, SOCK_STREAM, 0);
    if (fd < 0) {
        return -1;
    }
    if (connect(fd, address, size) != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    socket_set_flags(fd);
    if (address->sa_family != AF_UNIX) {
        set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    return fd;
}

static int connect_unix(const char *path)
{
    union address a;
    socklen_t size = unix_address(&a, path);
    if (size == 0) {
        errno = EINVAL;
        return -1;
    }
    return connect_to(&a.any, size);
}

int socket_connect(const char *address)
{
    char host[SOCKET_HOST_MAX];
    char port[SOCKET_HOST_MAX];
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    if (!socket_split_address(address, host, port)) {
        return connect_unix(address);
    }
    if (getaddrinfo(host[0] == '\0' ? "127.0.0.1" : host, port, &hints, &list) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *i = list; i != NULL && fd < 0; i = i->ai_next) {
        fd = connect_to(i->ai_addr, i->ai_addrlen);
    }
    int saved = errno;
    freeaddrinfo(list);
    errno = saved;
    return fd;
}

static void fail(char why[SOCKET_WHY_MAX], const char *where, const char *reason)
{
    snprintf(why, SOCKET_WHY_MAX, "dial tcp%s%.128s: %.360s", where[0] == '\0' ? "" : " ", where,
             reason);
}

void socket_look_up(const char *address, bool numeric, struct socket_addresses *out,
                    char why[SOCKET_WHY_MAX])
{
    char host[SOCKET_HOST_MAX];
    char port[SOCKET_HOST_MAX];
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = numeric ? AI_NUMERICHOST | AI_NUMERICSERV : 0};
    struct addrinfo *list = NULL;
    out->count = 0;
    why[0] = '\0';
    if (!socket_split_address(address, host, port) || is_out_of_range(port)) {
        fail(why, "", "invalid address");
        return;
    }
    int failed = getaddrinfo(host, port, &hints, &list);
    if (failed != 0 && !numeric) {
        char reason[SOCKET_WHY_MAX];
        snprintf(reason, sizeof reason, "lookup %.256s: %.80s", host,
                 failed == EAI_NONAME ? "no such host" : gai_strerror(failed));
        fail(why, "", reason);
    }
    for (const struct addrinfo *i = list; i != NULL && out->count < SOCKET_ADDRESSES_MAX;
         i = i->ai_next) {
        memcpy(&out->address[out->count], i->ai_addr, i->ai_addrlen);
        out->size[out->count++] = i->ai_addrlen;
    }
    if (list != NULL) {
        freeaddrinfo(list);
    }
}

static void connect_failed(const struct socket_addresses *addresses, size_t i, int error,
                           char why[SOCKET_WHY_MAX])
{
    char reason[MACHINE_REASON_MAX];
    char text[SOCKET_ADDRESS_MAX];
    char line[MACHINE_REASON_MAX + 16];
    union address a = {0};
    memcpy(&a, &addresses->address[i], addresses->size[i]);
    address_text(&a, text);
    machine_reason(error, reason);
    snprintf(line, sizeof line, "connect: %s", reason);
    fail(why, text, line);
}

int socket_start(const struct socket_addresses *addresses, size_t i, char why[SOCKET_WHY_MAX])
{
    union address a = {0};
    memcpy(&a, &addresses->address[i], addresses->size[i]);
    int fd = socket(a.any.sa_family, SOCK_STREAM, 0);
    if (fd >= 0) {
        socket_set_flags(fd);
        set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    if (fd >= 0 && (connect(fd, &a.any, addresses->size[i]) == 0 || errno == EINPROGRESS)) {
        return fd;
    }
    connect_failed(addresses, i, errno, why);
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

bool socket_started(int fd, const struct socket_addresses *addresses, size_t i,
                    char why[SOCKET_WHY_MAX])
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    if (error != 0) {
        connect_failed(addresses, i, error, why);
    }
    return error == 0;
}

int socket_open_udp(const struct socket_addresses *addresses, char why[SOCKET_WHY_MAX])
{
    char reason[MACHINE_REASON_MAX] = "no address";
    for (size_t i = 0; i < addresses->count; i++) {
        union address a = {0};
        memcpy(&a, &addresses->address[i], addresses->size[i]);
        int fd = socket(a.any.sa_family, SOCK_DGRAM, 0);
        if (fd >= 0) {
            set_option(fd, SOL_SOCKET, SO_BROADCAST, 1);
        }
        if (fd >= 0 && connect(fd, &a.any, addresses->size[i]) == 0) {
            socket_set_flags(fd);
            return fd;
        }
        machine_reason(errno, reason);
        if (fd >= 0) {
            close(fd);
        }
    }
    snprintf(why, SOCKET_WHY_MAX, "dial udp: %s", reason);
    return -1;
}

/* --- accepting -------------------------------------------------------------------------------- */

int socket_accept(int listener, char peer[SOCKET_ADDRESS_MAX])
{
    union address a = {0};
    socklen_t size = sizeof a;
    int fd;
    do {
        fd = accept(listener, &a.any, &size);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        return -1;
    }
    socket_set_flags(fd);
    if (a.any.sa_family != AF_UNIX) {
        set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    }
    address_text(&a, peer);
    if (a.any.sa_family == AF_UNIX && peer[0] != '/' && peer[0] != '@') {
        /* A path that the peer chose must not look like an IP address. */
        char path[SOCKET_ADDRESS_MAX];
        memcpy(path, peer, sizeof path);
        snprintf(peer, SOCKET_ADDRESS_MAX, "./%.*s", SOCKET_ADDRESS_MAX - 3, path);
    }
    return fd;
}

bool socket_accept_is_temporary(int error)
{
    /* The first four mean that some resource is short. The others are errors of the one new
     * connection, which Linux reports through accept(2). */
    static const int errors[] = {EMFILE,       ENFILE,     ENOBUFS,     ENOMEM,    ECONNABORTED,
                                 ENETDOWN,     EPROTO,     ENOPROTOOPT, EHOSTDOWN, ENONET,
                                 EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, EPERM};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (errors[i] == error) {
            return true;
        }
    }
    return false;
}
