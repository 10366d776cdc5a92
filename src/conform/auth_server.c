/* SPDX-License-Identifier: MIT */
/* A child process that answers HTTP requests one after the other. Must not know: which case asks.
 */
#include "conform/auth_server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/text.h"

#define REQUEST_MAX 65536
#define SOCKET_TIMEOUT_MS 2000 /* a server that connects and does not ask is dropped */

/* --- HTTP, as far as nsqd's question needs it ------------------------------------------------- */

static size_t find(struct span s, struct span part)
{
    for (size_t i = 0; i + part.n <= s.n; i++) {
        if (memcmp(s.p + i, part.p, part.n) == 0) {
            return i;
        }
    }
    return s.n;
}

static int hex(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Appends one value of a URL's query, percent-decoded. */
static void unescape(struct span s, struct buf *out)
{
    for (size_t i = 0; i < s.n && s.p[i] != '&' && s.p[i] != ' '; i++) {
        uint8_t c = s.p[i] == '+' ? ' ' : s.p[i];
        if (c == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
            c = (uint8_t)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
            i += 2;
        }
        buf_append(out, span_make(&c, 1));
    }
}

/* Whether the secret was asked for before. Remembers it. */
static bool see(struct span secret, struct buf *seen)
{
    uint8_t size[4];
    struct span rest = buf_span(seen);
    while (rest.n > 0) {
        size_t n = be32_load(rest.p);
        if (span_equal(span_first(span_skip(rest, 4), n), secret)) {
            return true;
        }
        rest = span_skip(rest, 4 + n);
    }
    be32_store(size, (uint32_t)secret.n);
    buf_append(seen, span_make(size, sizeof size));
    buf_append(seen, secret);
    return false;
}

bool auth_server_has_request(struct span in)
{
    return find(in, SPAN("\r\n\r\n")) < in.n;
}

void auth_server_answer(struct span request, struct buf *seen, struct buf *out)
{
    struct buf secret = {0};
    struct span word = SPAN("secret=");
    struct span line = span_first(request, find(request, SPAN("\r\n")));
    size_t at = find(line, word);
    unescape(span_skip(line, at < line.n ? at + word.n : at), &secret);
    bool again = see(buf_span(&secret), seen);
    if (!again && span_equal(span_first(buf_span(&secret), 5), SPAN("HTTP/"))) {
        buf_append(out, buf_span(&secret));
        buf_free(&secret);
        return;
    }
    text_append(out, "HTTP/1.1 ");
    buf_append(out, again ? SPAN("500 Asked again") : SPAN("200 OK"));
    text_append(out, "\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ");
    text_append_decimal(out, (int64_t)secret.n);
    text_append(out, "\r\n\r\n");
    buf_append(out, buf_span(&secret));
    buf_free(&secret);
}

/* --- its process ------------------------------------------------------------------------------ */

static bool wait_for(int fd, short events, int ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, ms) > 0;
}

/* Reads the head of one request and answers it. */
static void serve(int fd, struct buf *seen)
{
    struct buf in = {0};
    struct buf out = {0};
    bool whole = false;
    ssize_t n = 1;
    while (!whole && n > 0 && in.n < REQUEST_MAX && wait_for(fd, POLLIN, SOCKET_TIMEOUT_MS)) {
        n = recv(fd, buf_room(&in, 4096), 4096, 0);
        buf_grew(&in, n > 0 ? (size_t)n : 0);
        whole = auth_server_has_request(buf_span(&in));
    }
    if (whole) {
        auth_server_answer(buf_span(&in), seen, &out);
    }
    while (out.n > 0 && wait_for(fd, POLLOUT, SOCKET_TIMEOUT_MS)) {
        struct span rest = buf_span(&out);
        n = send(fd, rest.p, rest.n, MSG_NOSIGNAL);
        buf_drop(&out, n > 0 ? (size_t)n : rest.n);
    }
    buf_free(&in);
    buf_free(&out);
}

static void be_server(int listener)
{
    struct buf seen = {0};
    char peer[SOCKET_ADDRESS_MAX];
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* so that it ends when the runner is killed */
#endif
    for (;;) {
        int fd = wait_for(listener, POLLIN, -1) ? socket_accept(listener, peer) : -1;
        if (fd >= 0) {
            serve(fd, &seen);
            close(fd);
        }
    }
}

pid_t auth_server_start(char address[SOCKET_ADDRESS_MAX])
{
    char why[SOCKET_WHY_MAX];
    int listener = socket_listen("127.0.0.1:0", why);
    if (listener < 0) {
        return 0;
    }
    socket_local_address(listener, address);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        be_server(listener);
    }
    close(listener);
    return pid < 0 ? 0 : pid;
}
