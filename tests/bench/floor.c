/* SPDX-License-Identifier: MIT */
/*
 * Does the least that a server can do for a PUB or MPUB that waits for its OK: one poll(), one
 * recv() into memory that it keeps, and one send(). Of NSQ it knows only where a command ends. Its
 * cost is the cost of the kernel and the machine. A server that sleeps in poll() between commands
 * cannot cost less.
 *
 *     floor ... --tcp-address=127.0.0.1:PORT ...      other arguments are nsqd's and are ignored
 *
 * It serves one connection at a time. All commands have a body, and the client waits for the answer
 * to each.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */ /* NOLINT(bugprone-reserved-identifier) */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nsq/span.h>

#define ADDRESS "--tcp-address=127.0.0.1:"
#define MAGIC_SIZE 4
#define SIZE_SIZE 4
#define KEPT_MOST ((size_t)4 << 30) /* bytes of one connection */

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

/* Bytes of the command at the start of `in`: a line and a sized body. More than in.n: not known
 * yet. */
static size_t command_size(struct span in)
{
    const uint8_t *newline = memchr(in.p, '\n', in.n);
    size_t line = newline == NULL ? in.n : (size_t)(newline - in.p) + 1;
    return line + SIZE_SIZE > in.n ? in.n + 1 : line + SIZE_SIZE + be32_load(in.p + line);
}

/* Serves a client until it disconnects. Its bytes stay where they were received. */
static void serve(int listener, int fd, uint8_t *kept)
{
    static const char ok[] = "\0\0\0\6\0\0\0\0OK";
    size_t begin = MAGIC_SIZE; /* offset of the current command */
    size_t end = 0;            /* offset of the end of the received bytes */
    ssize_t n;
    do {
        struct pollfd polled[] = {{.fd = listener, .events = 0}, {.fd = fd, .events = POLLIN}};
        poll(polled, 2, -1);
        n = recv(fd, kept + end, KEPT_MOST - end, 0);
        end += n > 0 ? (size_t)n : 0;
        if (end > begin && command_size(span_make(kept + begin, end - begin)) == end - begin) {
            send(fd, ok, sizeof ok - 1, MSG_NOSIGNAL);
            begin = end;
        }
    } while (n > 0);
    close(fd);
}

/* Reserves address space; the kernel adds memory when it is written to. */
static uint8_t *reserve(void)
{
    void *kept = mmap(NULL, KEPT_MOST, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (kept == MAP_FAILED) {
        perror("floor");
        exit(1);
    }
    return kept;
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
            uint8_t *kept = reserve();
            serve(listener, fd, kept);
            munmap(kept, KEPT_MOST);
        }
    }
}
