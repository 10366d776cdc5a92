/* SPDX-License-Identifier: MIT */
/*
 * Answers one connection after the other. Must not know: who asks.
 */
#include "soak/gate_auth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "bench/process.h"

#define ANSWER_SIZE ((size_t)1 << 20)
#define REQUEST_MOST 65536
#define BACKLOG 1024
#define LISTS "\"channels\":[\".*\"],\"permissions\":[\"publish\",\"subscribe\"]}"
#define FRONT "{\"ttl\":3600,\"authorizations\":["
#define LAST "{\"topic\":\".*\"," LISTS "]"

/* As many as fit into what one client may be granted. */
#define CLASS_PATTERNS 6
#define MATCH_PATTERNS 45

/* --- answers ---------------------------------------------------------------------------------- */

static void append_repeated(struct buf *out, const char *piece, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        buf_append(out, span_make(piece, strlen(piece)));
    }
}

/* Ends the document with a member that nobody knows, so that it has the size. */
static void fill(struct buf *out)
{
    text_append(out, ",\"x\":[1");
    while (out->n + 4 <= ANSWER_SIZE) {
        text_append(out, ",1");
    }
    text_append(out, "]}");
}

/* Patterns that take long to parse, and patterns that take long to compile. */
static void append_classes(struct buf *out)
{
    for (unsigned i = 0; i < CLASS_PATTERNS; i++) {
        text_append(out, "{\"topic\":\"(?i)(");
        append_repeated(out, "\\\\pL", 20);
        text_append(out, "){0}!\"," LISTS ",");
        text_append(out, "{\"topic\":\"");
        append_repeated(out, "[^\\\\PL]", 4);
        text_append(out, "!\"," LISTS ",");
    }
}

static void append_matches(struct buf *out)
{
    for (unsigned i = 0; i < MATCH_PATTERNS; i++) {
        text_append(out, "{\"topic\":\"([ab]?){1000}!\"," LISTS ",");
    }
}

static void append_body(struct buf *out, const char *request)
{
    text_append(out, FRONT);
    if (strstr(request, "secret=" GATE_AUTH_CLASSES) != NULL) {
        append_classes(out);
    } else if (strstr(request, "secret=" GATE_AUTH_MATCHES) != NULL) {
        append_matches(out);
    }
    text_append(out, LAST);
    if (strstr(request, "secret=" GATE_AUTH_PLAIN) != NULL) {
        text_append(out, "}");
    } else {
        fill(out);
    }
}

void gate_auth_topic(char name[GATE_AUTH_NAME_SIZE + 1], unsigned n)
{
    uint32_t random = n + 1;
    for (unsigned i = 0; i < GATE_AUTH_NAME_SIZE; i++) {
        random = random * 1664525 + 1013904223;
        name[i] = (random >> 24) % 2 == 0 ? 'a' : 'b';
    }
    name[GATE_AUTH_NAME_SIZE] = '\0';
}

/* --- the process ------------------------------------------------------------------------------ */

static void answer(int fd)
{
    static char request[REQUEST_MOST];
    size_t n = 0;
    ssize_t more;
    request[0] = '\0';
    while (strstr(request, "\r\n\r\n") == NULL &&
           (more = recv(fd, request + n, sizeof request - 1 - n, 0)) > 0) {
        n += (size_t)more;
        request[n] = '\0';
    }
    struct buf body = {0};
    struct buf out = {0};
    append_body(&body, request);
    text_append(&out, "HTTP/1.1 200 OK\r\nContent-Length: ");
    text_append_decimal(&out, (int64_t)body.n);
    text_append(&out, "\r\n\r\n");
    buf_append(&out, buf_span(&body));
    while (out.n > 0 && (more = send(fd, buf_span(&out).p, out.n, MSG_NOSIGNAL)) > 0) {
        buf_drop(&out, (size_t)more);
    }
    buf_free(&body);
    buf_free(&out);
    close(fd);
}

static _Noreturn void run(int listener)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0) {
            answer(fd);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            _exit(1);
        }
    }
}

void gate_auth_start(struct gate_auth *auth)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) != 0) {
        process_die("there is no auth server: %s", strerror(errno));
    }
    snprintf(auth->address, sizeof auth->address, "127.0.0.1:%u", ntohs(a.sin_port));
    fflush(stdout);
    auth->pid = fork();
    if (auth->pid == 0) {
        run(fd);
    }
    close(fd);
    if (auth->pid < 0) {
        process_die("there is no auth server: %s", strerror(errno));
    }
}

void gate_auth_end(struct gate_auth *auth)
{
    kill(auth->pid, SIGKILL);
    waitpid(auth->pid, NULL, 0);
}
