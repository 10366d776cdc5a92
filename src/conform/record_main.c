/* SPDX-License-Identifier: MIT */
/*
 * nsq-record: a proxy between NSQ clients and a server that writes what went through as a session
 * file. Owns the sockets; what the file says is conform/record.h's.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conform/record.h"
#include "shell/clock.h"
#include "shell/signals.h"
#include "shell/socket.h"

#define READ_SIZE 65536

/* One connection through the proxy. */
struct pair {
    int client; /* -1: closed */
    int server;
    bool client_ended;
    bool server_ended;
};

struct proxy {
    const char *to;
    int listener;
    int end_fd;
    struct pair pairs[RECORD_CONNS_MAX];
    size_t count;
    struct record record;
};

static const char usage[] =
    "usage: nsq-record --listen ADDRESS --to ADDRESS -o DIR --id AREA/SLUG [--title TEXT]\n"
    "\n"
    "Passes NSQ connections on from --listen to --to until SIGINT or SIGTERM, then writes all that "
    "went\n"
    "through as DIR/SLUG.session. ADDRESS is host:port (port 0: any free one, said on stderr) or "
    "the\n"
    "path of a unix socket.\n";

/* Waits for room: a recording proxy may be slow. */
static bool send_all(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent > 0) {
            p += sent;
            n -= (size_t)sent;
        } else if (errno == EAGAIN || errno == EINTR) {
            struct pollfd writable = {.fd = fd, .events = POLLOUT};
            poll(&writable, 1, 1000);
        } else {
            return false;
        }
    }
    return true;
}

static void close_pair(struct pair *pair)
{
    close(pair->client);
    close(pair->server);
    pair->client = pair->server = -1;
}

static void accept_client(struct proxy *p)
{
    char peer[SOCKET_ADDRESS_MAX];
    int client = socket_accept(p->listener, peer);
    if (client < 0) {
        return;
    }
    int server = p->count < RECORD_CONNS_MAX ? socket_connect(p->to) : -1;
    if (server < 0) {
        fprintf(stderr, "nsq-record: no connection to %s for %s\n", p->to, peer);
        close(client);
        return;
    }
    p->pairs[p->count++] = (struct pair){.client = client, .server = server};
    record_open(&p->record, clock_now());
}

/* Bytes that came from one side go to the other. False: the side has ended. */
static bool pass(struct proxy *p, size_t i, bool from_client)
{
    uint8_t bytes[READ_SIZE];
    struct pair *pair = &p->pairs[i];
    ssize_t n = recv(from_client ? pair->client : pair->server, bytes, sizeof bytes, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (n <= 0) {
        return false;
    }
    if (from_client) {
        record_from_client(&p->record, i, span_make(bytes, (size_t)n), clock_now());
    } else {
        record_from_server(&p->record, i, span_make(bytes, (size_t)n), clock_now());
    }
    return send_all(from_client ? pair->server : pair->client, bytes, (size_t)n);
}

static void handle_pair(struct proxy *p, size_t i, short client_events, short server_events)
{
    struct pair *pair = &p->pairs[i];
    /* The server first: what it said was the answer to something older. */
    if (server_events != 0 && !pass(p, i, false)) {
        record_server_end(&p->record, i, clock_now());
        close_pair(pair);
        return;
    }
    if (client_events != 0 && !pass(p, i, true)) {
        record_client_end(&p->record, i, clock_now());
        close_pair(pair);
    }
}

static void run(struct proxy *p)
{
    struct pollfd fds[2 + 2 * RECORD_CONNS_MAX];
    for (;;) {
        nfds_t n = 0;
        fds[n++] = (struct pollfd){.fd = p->end_fd, .events = POLLIN};
        fds[n++] = (struct pollfd){.fd = p->listener, .events = POLLIN};
        for (size_t i = 0; i < p->count; i++) {
            fds[n++] = (struct pollfd){.fd = p->pairs[i].client, .events = POLLIN};
            fds[n++] = (struct pollfd){.fd = p->pairs[i].server, .events = POLLIN};
        }
        size_t count = p->count;
        if (poll(fds, n, -1) < 0) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            if (p->pairs[i].client >= 0) {
                handle_pair(p, i, fds[2 + 2 * i].revents, fds[3 + 2 * i].revents);
            }
        }
        if (fds[1].revents != 0) {
            accept_client(p);
        }
        if (fds[0].revents != 0) {
            return;
        }
    }
}

static bool write_file(const char *dir, const char *id, const char *title, struct record *record)
{
    char path[4096];
    const char *slug = strchr(id, '/');
    struct buf out = {0};
    bool whole =
        record_print(record, span_make(id, strlen(id)), span_make(title, strlen(title)), &out);
    if (!whole) {
        fprintf(stderr, "nsq-record: %s\n", record->broken);
    }
    snprintf(path, sizeof path, "%s/%s.session", dir, slug + 1);
    FILE *f = fopen(path, "wb");
    bool written = f != NULL && fwrite(buf_span(&out).p, 1, out.n, f) == out.n;
    if ((f != NULL && fclose(f) != 0) || !written) {
        fprintf(stderr, "nsq-record: cannot write %s: %s\n", path, strerror(errno));
        written = false;
    }
    buf_free(&out);
    return whole && written;
}

struct args {
    const char *listen;
    const char *to;
    const char *dir;
    const char *id;
    const char *title;
};

/* The place of an option's value; NULL: there is no such option. */
static const char **option(struct args *args, const char *name)
{
    const struct {
        const char *name;
        const char **place;
    } options[] = {{"--listen", &args->listen},
                   {"--to", &args->to},
                   {"-o", &args->dir},
                   {"--id", &args->id},
                   {"--title", &args->title}};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strcmp(options[i].name, name) == 0) {
            return options[i].place;
        }
    }
    return NULL;
}

static bool parse_args(struct args *args, int argc, char **argv)
{
    *args = (struct args){.title = "recorded"};
    for (int i = 1; i < argc; i += 2) {
        const char **place = option(args, argv[i]);
        if (place == NULL || i + 1 == argc) {
            return false;
        }
        *place = argv[i + 1];
    }
    return args->listen != NULL && args->to != NULL && args->dir != NULL && args->id != NULL &&
           strchr(args->id, '/') != NULL;
}

int main(int argc, char **argv)
{
    struct args args;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    if (!parse_args(&args, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    static struct proxy proxy;
    char why[SOCKET_WHY_MAX];
    proxy.to = args.to;
    proxy.end_fd = signals_open();
    proxy.listener = socket_listen(args.listen, why);
    if (proxy.listener < 0) {
        fprintf(stderr, "nsq-record: listen (%s) failed - %s\n", args.listen, why);
        return EXIT_FAILURE;
    }
    char address[SOCKET_ADDRESS_MAX];
    socket_local_address(proxy.listener, address);
    fprintf(stderr, "TCP: listening on %s\n", address);
    run(&proxy);
    bool ok = write_file(args.dir, args.id, args.title, &proxy.record);
    record_free(&proxy.record);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
