/* SPDX-License-Identifier: MIT */
/*
 * The HTTP load client of `make bench`: one process and one thread, with any number of connections
 * that are kept alive. Each has one request at a time: it sends the next one when the answer has
 * arrived, as HTTP clients do. It prints one line of JSON: how many messages (or, with --get,
 * requests) passed, how long that took, and how much CPU time the kernel accounted to the server's
 * process and to this one meanwhile.
 *
 *     http --port=N --pid=N --count=N [--connections=N] [--size=N --batch=N | --get=1]
 *
 * A batch of 1 goes to /pub; larger ones, one message a line, to /mpub. --get: /stats?format=json
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/time.h"
#include "bench/process.h"
#include "http/http_response.h"
#include "shell/clock.h"
#include "shell/socket.h"

#define LIMIT_NS TIME_MINUTE   /* a run that takes longer counts as failed */
#define ANSWER_MAX (256 << 20) /* bytes: more than /stats of 100,000 channels */
#define READ_SIZE 262144       /* bytes at a time */
#define STATUS_OK 200

struct client {
    struct http_response response;
    struct span unsent; /* of the request */
    bool busy;          /* a request was sent, and its answer has not arrived yet */
};

enum { PORT, PID, COUNT, CONNECTIONS, SIZE, BATCH, GET, OPTIONS };

static struct {
    const char *name;
    int64_t value;
} options[OPTIONS] = {
    [PORT] = {"port", 0},   [PID] = {"pid", 0},
    [COUNT] = {"count", 0}, [CONNECTIONS] = {"connections", 1},
    [SIZE] = {"size", 200}, [BATCH] = {"batch", 1},
    [GET] = {"get", 0},
};

static struct {
    struct client *clients;
    struct pollfd *sockets;
    struct buf request;
    int64_t to_send; /* messages, or requests with --get */
    int64_t answered;
} load;

/* Half of a body is the same in all messages, half is random, as in load.c; but no byte is a
 * newline, because that ends a message of /mpub. */
static void make_body(struct buf *b, int64_t size)
{
    static uint32_t random = 1;
    for (int64_t i = 0; i < size; i++) {
        random = random * 1664525 + 1013904223; /* the generator of "Numerical Recipes" */
        const uint8_t byte = (uint8_t)(i / 16 % 2 == 1 ? 'a' + (random >> 24) % 26 : 's');
        buf_append(b, span_make(&byte, 1));
    }
}

static void make_request(void)
{
    char head[256];
    struct buf body = {0};
    int64_t batch = options[BATCH].value;
    for (int64_t i = 0; i < batch && !options[GET].value; i++) {
        make_body(&body, options[SIZE].value);
        buf_append(&body, i + 1 < batch ? SPAN("\n") : SPAN(""));
    }
    const char *line = options[GET].value ? "GET /stats?format=json"
                       : batch == 1       ? "POST /pub?topic=bench"
                                          : "POST /mpub?topic=bench";
    int n = snprintf(head, sizeof head,
                     "%s HTTP/1.1\r\nHost: 127.0.0.1:%lld\r\nUser-Agent: bench\r\n"
                     "Content-Length: %zu\r\n\r\n",
                     line, (long long)options[PORT].value, body.n);
    buf_append(&load.request, span_make(head, (size_t)n));
    buf_append(&load.request, buf_span(&body));
    buf_free(&body);
}

static void transmit(size_t i)
{
    struct client *c = &load.clients[i];
    while (c->unsent.n > 0) {
        ssize_t n = send(load.sockets[i].fd, c->unsent.p, c->unsent.n, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            process_die("send: %s", strerror(errno));
        }
        if (n < 0) {
            break;
        }
        c->unsent = span_skip(c->unsent, (size_t)n);
    }
    load.sockets[i].events = c->unsent.n > 0 ? POLLIN | POLLOUT : POLLIN;
}

static void ask(size_t i)
{
    struct client *c = &load.clients[i];
    c->busy = load.to_send > 0;
    if (c->busy) {
        load.to_send -= options[BATCH].value;
        http_response_init(&c->response, ANSWER_MAX);
        c->unsent = buf_span(&load.request);
        transmit(i);
    }
}

static void receive(size_t i)
{
    static uint8_t in[READ_SIZE];
    struct client *c = &load.clients[i];
    ssize_t n = recv(load.sockets[i].fd, in, sizeof in, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0 || !c->busy) {
        process_die("the server ended a connection or sent what nobody asked for");
    }
    enum http_response_state state = http_response_parse(&c->response, span_make(in, (size_t)n));
    if (state == HTTP_RESPONSE_MORE) {
        return;
    }
    if (state == HTTP_RESPONSE_BAD || http_response_status(&c->response) != STATUS_OK) {
        process_die("the server answered %d", http_response_status(&c->response));
    }
    http_response_free(&c->response);
    load.answered += options[BATCH].value;
    ask(i);
}

/* Every socket is looked at in every turn: there are few, and all are busy. */
static void run(void)
{
    size_t connections = (size_t)options[CONNECTIONS].value;
    int64_t end = clock_now() + LIMIT_NS;
    for (size_t i = 0; i < connections; i++) {
        ask(i);
    }
    while (load.answered < options[COUNT].value) {
        if (poll(load.sockets, connections, 1000) < 0 && errno != EINTR) {
            process_die("poll: %s", strerror(errno));
        }
        for (size_t i = 0; i < connections; i++) {
            if ((load.sockets[i].revents & POLLOUT) != 0) {
                transmit(i);
            }
            if ((load.sockets[i].revents & ~POLLOUT) != 0) {
                receive(i);
            }
        }
        if (clock_now() > end) {
            process_die("stuck at %lld", (long long)load.answered);
        }
    }
}

static void connect_all(void)
{
    char address[32];
    size_t connections = (size_t)options[CONNECTIONS].value;
    load.clients = alloc_zeroed(connections * sizeof *load.clients);
    load.sockets = alloc_zeroed(connections * sizeof *load.sockets);
    snprintf(address, sizeof address, "127.0.0.1:%lld", (long long)options[PORT].value);
    for (size_t i = 0; i < connections; i++) {
        int fd = socket_connect(address);
        if (fd < 0) {
            process_die("connect to %s: %s", address, strerror(errno));
        }
        load.sockets[i].fd = fd;
    }
}

static bool take_option(const char *arg)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        size_t n = strlen(options[i].name);
        if (strncmp(arg, "--", 2) == 0 && strncmp(arg + 2, options[i].name, n) == 0 &&
            arg[2 + n] == '=') {
            options[i].value = strtoll(arg + 3 + n, NULL, 10);
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    int at = 1;
    while (at < argc && take_option(argv[at])) {
        at++;
    }
    if (at < argc || options[PORT].value == 0 || options[PID].value == 0 ||
        options[BATCH].value < 1 || options[CONNECTIONS].value < 1) {
        process_die("see the head of tests/bench/http.c");
    }
    pid_t server = (pid_t)options[PID].value;
    make_request();
    connect_all();
    load.to_send = options[COUNT].value;
    int64_t ns = clock_now();
    int64_t cpu = process_cpu(server);
    int64_t client_cpu = process_cpu(getpid());
    run();
    printf("{\"messages\":%lld,\"ns\":%lld,\"cpu_ns\":%lld,\"client_cpu_ns\":%lld,\"rss_peak\":%"
           "lld}\n",
           (long long)load.answered, (long long)(clock_now() - ns),
           (long long)(process_cpu(server) - cpu), (long long)(process_cpu(getpid()) - client_cpu),
           (long long)process_memory(server, "VmHWM"));
    return 0;
}
