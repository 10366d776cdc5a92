/* SPDX-License-Identifier: MIT */
/*
 * One connection with many requests at a time. Must not know: what is measured.
 */
#include "soak/gate_http.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "bench/process.h"
#include "shell/socket.h"

#define BATCH 100 /* requests that are sent together; their answers fit into the sockets */
#define LIMIT_MS 30000

static void wait_for(int fd, short events)
{
    struct pollfd wanted = {.fd = fd, .events = events};
    if (poll(&wanted, 1, LIMIT_MS) != 1) {
        process_die("the HTTP API does not answer");
    }
}

static void send_all(int fd, struct span bytes)
{
    while (bytes.n > 0) {
        wait_for(fd, POLLOUT);
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) {
            process_die("the HTTP API: %s", strerror(errno));
        }
        bytes = span_skip(bytes, n > 0 ? (size_t)n : 0);
    }
}

/* Waits for `count` answers of 200. */
static void hear(int fd, uint64_t count)
{
    static const char sign[] = "HTTP/1.1 200 OK\r\n";
    size_t matched = 0;
    while (count > 0) {
        char bytes[65536];
        wait_for(fd, POLLIN);
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n <= 0) {
            process_die("the HTTP API has ended the connection");
        }
        for (ssize_t i = 0; i < n; i++) {
            matched = bytes[i] == sign[matched] ? matched + 1 : bytes[i] == sign[0];
            if (sign[matched] == '\0') {
                matched = 0;
                count--;
            }
        }
    }
}

/* Sends the requests in `out`, if there are `least` or more of them. */
static void flush(int fd, struct buf *out, uint64_t *waiting, uint64_t least)
{
    if (*waiting >= least) {
        send_all(fd, buf_span(out));
        hear(fd, *waiting);
        buf_drop(out, out->n);
        *waiting = 0;
    }
}

void gate_http_make(const char *address, uint64_t topics, uint64_t channels)
{
    struct buf out = {0};
    uint64_t waiting = 1;
    assert(topics > 0);
    int fd = socket_connect(address);
    if (fd < 0) {
        process_die("the HTTP API: %s", strerror(errno));
    }
    text_append(&out,
                "PUT /config/log_level HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfatal");
    flush(fd, &out, &waiting, 1);
    for (uint64_t i = 0; i < topics + channels; i++) {
        char request[128];
        if (i < topics) {
            snprintf(request, sizeof request,
                     "POST /topic/create?topic=stats%llu HTTP/1.1\r\nHost: x\r\n\r\n",
                     (unsigned long long)i);
        } else {
            snprintf(request, sizeof request,
                     "POST /channel/create?topic=stats%llu&channel=c%llu HTTP/1.1\r\n"
                     "Host: x\r\n\r\n",
                     (unsigned long long)(i % topics), (unsigned long long)i);
        }
        buf_append(&out, text_span(request));
        waiting++;
        flush(fd, &out, &waiting, BATCH);
    }
    flush(fd, &out, &waiting, 1);
    buf_free(&out);
    close(fd);
}
