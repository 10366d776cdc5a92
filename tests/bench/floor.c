/* SPDX-License-Identifier: MIT */
/*
 * The least that a server can do for a PUB that waits for its OK: one poll, one recv, one send, and
 * nothing of NSQ. What it costs is the kernel's and the machine's; no server that waits for its
 * connections gets below it.
 *
 *     floor ... --tcp-address=127.0.0.1:PORT ...      other arguments are nsqd's, and not looked at
 *
 * It serves one connection at a time whose commands come whole, as the load client's of 200 B do.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESS "--tcp-address=127.0.0.1:"
#define MAGIC_SIZE 4

static int listen_on(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 16) != 0) {
        perror("floor");
        exit(1);
    }
    return fd;
}

/* Until the client goes. */
static void serve(int listener, int fd)
{
    static const char ok[] = "\0\0\0\6\0\0\0\0OK";
    static char bytes[65536];
    ssize_t n = 0;
    ssize_t had = 0;
    do {
        struct pollfd polled[] = {{.fd = listener, .events = 0}, {.fd = fd, .events = POLLIN}};
        poll(polled, 2, -1);
        n = recv(fd, bytes, sizeof bytes, 0);
        had += n;
        if (n > 0 && had > MAGIC_SIZE) {
            send(fd, ok, sizeof ok - 1, MSG_NOSIGNAL);
        }
    } while (n > 0);
    close(fd);
}

int main(int argc, char **argv)
{
    uint16_t port = 0;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], ADDRESS, sizeof ADDRESS - 1) == 0) {
            port = (uint16_t)strtoul(argv[i] + sizeof ADDRESS - 1, NULL, 10);
        }
    }
    int listener = listen_on(port);
    for (;;) {
        int one = 1;
        int fd = accept(listener, NULL, NULL);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (fd >= 0) {
            serve(listener, fd);
        }
    }
}
