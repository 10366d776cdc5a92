/* SPDX-License-Identifier: MIT */
#include "shell/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

/* "host:port", IPv6 in brackets, IPv4 behind an IPv6 socket as IPv4; a unix socket's path, or "@"
 * when it has none. */
static void address_text(const union address *a, socklen_t size, char text[SOCKET_ADDRESS_MAX])
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
    } else if (a->any.sa_family == AF_UNIX &&
               size > (socklen_t)offsetof(struct sockaddr_un, sun_path)) {
        snprintf(text, SOCKET_ADDRESS_MAX, "%s", a->local.sun_path);
    } else {
        snprintf(text, SOCKET_ADDRESS_MAX, "@");
    }
}

void socket_local_address(int fd, char text[SOCKET_ADDRESS_MAX])
{
    union address a = {0};
    socklen_t size = sizeof a;
    if (getsockname(fd, &a.any, &size) != 0) {
        size = 0;
    }
    address_text(&a, size, text);
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

/* Binds and listens; -1 with errno. `dual`: an IPv6 socket takes IPv4 too. */
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

static int listen_unix(const char *path, const char **why)
{
    union address a = {.local = {.sun_family = AF_UNIX}};
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof a.local.sun_path) {
        *why = "the path of a unix socket has 1 to 107 bytes";
        return -1;
    }
    memcpy(a.local.sun_path, path, n);
    int fd = listen_on(&a.any, sizeof a.local, false);
    if (fd < 0) {
        *why = strerror(errno);
    }
    return fd;
}

static bool is_wildcard(const char *host)
{
    return host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* IPv4 before IPv6, as Go does for a name that has both. */
static const struct addrinfo *choose(const struct addrinfo *list)
{
    for (const struct addrinfo *i = list; i != NULL; i = i->ai_next) {
        if (i->ai_family == AF_INET) {
            return i;
        }
    }
    return list;
}

static int listen_tcp(const char *host, const char *port, const char **why)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    bool any = is_wildcard(host);
    const char *node = any ? "::" : host;
    const char *service = port[0] == '\0' ? "0" : port;
    struct addrinfo *list = NULL;
    int failed = getaddrinfo(node, service, &hints, &list);
    if (failed != 0) {
        *why = gai_strerror(failed);
        return -1;
    }
    const struct addrinfo *i = choose(list);
    int fd = listen_on(i->ai_addr, i->ai_addrlen, any);
    int saved = errno;
    freeaddrinfo(list);
    if (fd < 0 && any && saved == EAFNOSUPPORT && strcmp(host, "::") != 0) {
        return listen_tcp("0", service, why); /* a machine without IPv6 */
    }
    if (fd < 0) {
        *why = strerror(saved);
    }
    return fd;
}

int socket_listen(const char *address, const char **why)
{
    char host[SOCKET_HOST_MAX];
    char port[SOCKET_HOST_MAX];
    if (!socket_split_address(address, host, port)) {
        return listen_unix(address, why);
    }
    return listen_tcp(host, port, why);
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
    address_text(&a, size, peer);
    return fd;
}

bool socket_accept_is_temporary(int error)
{
    return error == ECONNABORTED || error == EMFILE || error == ENFILE || error == ENOBUFS ||
           error == ENOMEM;
}
