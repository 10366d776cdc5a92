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

#include <nsq/name.h>

#include "base/time.h"
#include "conform/files.h"
#include "conform/record.h"
#include "conform/relay.h"
#include "shell/clock.h"
#include "shell/signals.h"
#include "shell/socket.h"

#define READ_SIZE 65536
#define TLS_FILE_MAX 65536
#define GONE_MS 50 /* for the system of a client that is gone to say so */

/* One connection through the proxy. */
struct pair {
    int client; /* -1: closed */
    int server;
    bool opened;        /* since the last round */
    bool client_ended;  /* it says no more; it may read on */
    bool client_gone;   /* nor does it read, as far as is known */
    bool server_ended;  /* it has closed, which is not recorded yet */
    bool late;          /* something was passed on to the client after its end */
    struct buf asked;   /* from the client, passed on, not recorded yet */
    struct relay relay; /* has what the server said, which is neither passed on nor recorded */
};

struct proxy {
    const char *to;
    int64_t hold; /* ns */
    int listener;
    int end_fd;
    int cut_fd; /* a line on it cuts all connections; -1: nobody will */
    struct pair pairs[RECORD_CONNS_MAX];
    size_t count;
    int64_t heard;   /* when anybody said something last */
    int64_t asked;   /* when a client said something first since the last round; 0: nobody did */
    bool waiting;    /* something came since the last round */
    struct tls *tls; /* for clients; NULL: there is no certificate */
    struct record record;
};

static const char usage[] =
    "usage: nsq-record --listen ADDRESS --to ADDRESS -o DIR --id AREA/SLUG [--title TEXT]\n"
    "                  [--flags FLAGS] [--hold MS] [--pause MS]\n"
    "                  [--tls-cert FILE --tls-key FILE]\n"
    "\n"
    "Passes NSQ connections on from --listen to --to until SIGINT or SIGTERM, then writes all\n"
    "that went through as DIR/SLUG.session. ADDRESS is host:port (port 0: any free one, said on\n"
    "stderr) or the path of a unix socket.\n"
    "\n"
    "  --flags FLAGS  what the server was started with, for the file's header\n"
    "  --hold MS      what the server says is passed on when everybody has been silent for so\n"
    "                 long (0). The clients' commands of that time are recorded in the order of\n"
    "                 their connections, so that a recording made twice is the same one\n"
    "  --pause MS     the shortest silence of the clients that becomes a wait (100); waits are\n"
    "                 rounded to 100 ms. 0: no waits\n"
    "  --tls-cert FILE, --tls-key FILE\n"
    "                 what clients that speak TLS are shown (PEM). Its own TLS with the server\n"
    "                 looks at no certificate\n"
    "\n"
    "A line on standard input cuts all connections, as a network that fails would; the file has\n"
    "it as their clients' closing.\n";

/* Waits for room: a recording proxy may be slow. Gives up when the end was asked for, because a
 * peer that does not read would hold it up for ever. */
static void send_all(const struct proxy *p, int fd, struct span bytes)
{
    bool ending = false;
    while (bytes.n > 0 && !ending) {
        ssize_t sent = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes = span_skip(bytes, (size_t)sent);
        } else if (errno == EAGAIN || errno == EINTR) {
            struct pollfd fds[] = {{.fd = fd, .events = POLLOUT},
                                   {.fd = p->end_fd, .events = POLLIN}};
            ending = poll(fds, 2, 1000) > 0 && fds[1].revents != 0;
        } else {
            return;
        }
    }
}

/* What the relay wants to be sent. */
static void send_out(const struct proxy *p, const struct pair *pair, struct relay_out *out)
{
    send_all(p, pair->server, buf_span(&out->server));
    send_all(p, pair->client, buf_span(&out->client));
    buf_free(&out->server);
    buf_free(&out->client);
}

static void close_pair(struct pair *pair)
{
    close(pair->client);
    close(pair->server);
    pair->client = pair->server = -1;
}

/* Somebody said something. */
static void hear(struct proxy *p, bool client)
{
    p->heard = clock_now();
    p->waiting = true;
    if (client && p->asked == 0) {
        p->asked = p->heard;
    }
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
    p->pairs[p->count++] =
        (struct pair){.client = client, .server = server, .opened = true, .relay = {.tls = p->tls}};
    hear(p, true);
}

enum received { RECEIVED, RECEIVED_END, RECEIVED_ERROR };

/* Takes what came from one side. */
static enum received receive(int fd, struct buf *into)
{
    uint8_t bytes[READ_SIZE];
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    if (n > 0) {
        buf_append(into, span_make(bytes, (size_t)n));
        return RECEIVED;
    }
    return n == 0 ? RECEIVED_END : errno == EAGAIN || errno == EINTR ? RECEIVED : RECEIVED_ERROR;
}

static void hear_server(struct proxy *p, struct pair *pair)
{
    struct buf in = {0};
    struct relay_out out = {0};
    hear(p, false);
    pair->server_ended = receive(pair->server, &in) != RECEIVED;
    relay_from_server(&pair->relay, buf_span(&in), &out);
    if (pair->server_ended) {
        relay_server_over(&pair->relay);
    }
    send_out(p, pair, &out);
    buf_free(&in);
}

/* The client neither speaks nor reads. */
static void leave(struct pair *pair)
{
    pair->client_gone = true;
    close_pair(pair);
}

/* A client that ends may have closed, or may wait for its answers: the server is told, and what it
 * still says is passed on until it ends. */
static void hear_client(struct proxy *p, struct pair *pair)
{
    size_t before = pair->asked.n;
    struct buf in = {0};
    struct relay_out out = {0};
    if (pair->client_ended) { /* then only errors are waited for */
        hear(p, false);
        leave(pair);
        return;
    }
    enum received received = receive(pair->client, &in);
    relay_from_client(&pair->relay, buf_span(&in), &pair->asked, &out);
    hear(p, in.n == 0 || pair->asked.n > before); /* a handshake is not said by the client */
    if (received == RECEIVED_END) {
        relay_finish_server(&pair->relay, &out);
    }
    send_out(p, pair, &out); /* a server that is gone is noticed when it is read */
    buf_free(&in);
    if (received == RECEIVED_END) {
        pair->client_ended = true;
        shutdown(pair->server, SHUT_WR);
    } else if (received == RECEIVED_ERROR) {
        leave(pair);
    }
}

static void cut(struct proxy *p)
{
    uint8_t line[256];
    ssize_t n = read(p->cut_fd, line, sizeof line);
    if (n <= 0) {
        p->cut_fd = -1;
        return;
    }
    for (size_t i = 0; i < p->count; i++) {
        if (p->pairs[i].client >= 0) {
            leave(&p->pairs[i]);
            hear(p, true);
        }
    }
}

static void record_clients(struct proxy *p)
{
    struct record *r = &p->record;
    for (size_t i = 0; i < p->count; i++) {
        struct pair *pair = &p->pairs[i];
        if (pair->opened) {
            record_open(r, p->asked);
            pair->opened = false;
        }
        if (pair->asked.n > 0) {
            record_from_client(r, i, buf_span(&pair->asked), p->asked);
            buf_drop(&pair->asked, pair->asked.n);
        }
        if (pair->client_ended) {
            record_client_end(r, i, p->asked);
        }
        if (pair->client_gone) {
            record_client_gone(r, i, p->asked);
        }
    }
}

/* Whether a client that was sent something after its end does not read. Its system says so at once
 * where it is near. */
static bool is_gone(const struct pair *pair)
{
    struct pollfd fd = {.fd = pair->client};
    return pair->late && poll(&fd, 1, GONE_MS) > 0;
}

/* Passes on what a client that is not in a handshake can hear. */
static void pass_on(struct proxy *p, size_t i, int64_t now)
{
    struct pair *pair = &p->pairs[i];
    struct buf said = {0};
    struct relay_out out = {0};
    const struct step *upgrade;
    enum relay_part part;
    while ((part = relay_next(&pair->relay, &said, &upgrade, &out)) != RELAY_NOTHING) {
        if (part == RELAY_BYTES) {
            record_from_server(&p->record, i, buf_span(&said), now);
            pair->late = pair->client_ended;
        } else {
            record_upgrade(&p->record, i, upgrade);
        }
        send_out(p, pair, &out);
        buf_drop(&said, said.n);
    }
    buf_free(&said);
}

/* The server has closed, and so does the proxy. */
static void end_pair(struct proxy *p, struct pair *pair)
{
    struct relay_out out = {0};
    relay_finish_client(&pair->relay, &out);
    send_out(p, pair, &out);
    close_pair(pair);
}

static void record_servers(struct proxy *p)
{
    int64_t now = clock_now();
    for (size_t i = 0; i < p->count; i++) {
        struct pair *pair = &p->pairs[i];
        if (pair->client < 0) {
            continue;
        }
        pass_on(p, i, now);
        if (pair->server_ended && is_gone(pair)) {
            record_client_gone(&p->record, i, now);
        }
        if (pair->server_ended) {
            record_server_end(&p->record, i, now);
            end_pair(p, pair);
        }
    }
}

/* Everybody has been silent: the clients could not know yet what the server has said meanwhile. */
static void end_round(struct proxy *p)
{
    record_clients(p);
    record_servers(p);
    p->asked = 0;
    p->waiting = false;
}

/* The end was asked for while servers had more to say: who is still there to read it? */
static void look_around(struct proxy *p)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->pairs[i].client >= 0 && is_gone(&p->pairs[i])) {
            record_client_gone(&p->record, i, clock_now());
        }
    }
}

/* How long to wait for more before the round ends; -1: until something comes. */
static int left_of_round(const struct proxy *p)
{
    int64_t left = p->heard + p->hold - clock_now();
    if (!p->waiting) {
        return -1;
    }
    return left <= 0 ? 0 : (int)(left / TIME_MS) + 1;
}

static void run(struct proxy *p)
{
    struct pollfd fds[3 + 2 * RECORD_CONNS_MAX];
    do {
        nfds_t n = 0;
        fds[n++] = (struct pollfd){.fd = p->end_fd, .events = POLLIN};
        fds[n++] = (struct pollfd){.fd = p->listener, .events = POLLIN};
        fds[n++] = (struct pollfd){.fd = p->cut_fd, .events = POLLIN};
        for (size_t i = 0; i < p->count; i++) {
            struct pair *pair = &p->pairs[i];
            fds[n++] =
                (struct pollfd){.fd = pair->client, .events = pair->client_ended ? 0 : POLLIN};
            fds[n++] =
                (struct pollfd){.fd = pair->server_ended ? -1 : pair->server, .events = POLLIN};
        }
        size_t count = p->count;
        if (poll(fds, n, left_of_round(p)) < 0) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            /* The server first: what it said was the answer to something older. */
            if (p->pairs[i].server >= 0 && fds[4 + 2 * i].revents != 0) {
                hear_server(p, &p->pairs[i]);
            }
            if (p->pairs[i].client >= 0 && fds[3 + 2 * i].revents != 0) {
                hear_client(p, &p->pairs[i]);
            }
        }
        if (fds[1].revents != 0) {
            accept_client(p);
        }
        if (fds[2].revents != 0) {
            cut(p);
        }
        if (left_of_round(p) == 0 || fds[0].revents != 0) {
            end_round(p);
        }
    } while (fds[0].revents == 0);
    look_around(p);
}

struct args {
    const char *listen;
    const char *to;
    const char *dir;
    const char *id;
    const char *title;
    const char *flags;
    const char *hold;
    const char *pause;
    const char *tls_cert;
    const char *tls_key;
};

static struct span text_span(const char *text)
{
    return span_make(text, strlen(text));
}

static bool write_file(const struct args *args, struct record *record)
{
    char path[4096];
    const struct record_header header = {.id = text_span(args->id),
                                         .title = text_span(args->title),
                                         .flags = text_span(args->flags)};
    struct buf out = {0};
    bool whole = record_print(record, &header, &out);
    if (!whole) {
        fprintf(stderr, "nsq-record: %s\n", record->broken);
    }
    snprintf(path, sizeof path, "%s/%s.session", args->dir, strchr(args->id, '/') + 1);
    FILE *f = fopen(path, "wb");
    bool written = f != NULL && fwrite(buf_span(&out).p, 1, out.n, f) == out.n;
    if ((f != NULL && fclose(f) != 0) || !written) {
        fprintf(stderr, "nsq-record: cannot write %s: %s\n", path, strerror(errno));
        written = false;
    }
    if (written) {
        fprintf(stderr, "nsq-record: wrote %s\n", path);
    }
    buf_free(&out);
    return whole && written;
}

/* The place of an option's value; NULL: there is no such option. */
static const char **option(struct args *args, const char *name)
{
    const struct {
        const char *name;
        const char **place;
    } options[] = {
        {"--listen", &args->listen},  {"--to", &args->to},       {"-o", &args->dir},
        {"--id", &args->id},          {"--title", &args->title}, {"--flags", &args->flags},
        {"--hold", &args->hold},      {"--pause", &args->pause}, {"--tls-cert", &args->tls_cert},
        {"--tls-key", &args->tls_key}};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strcmp(options[i].name, name) == 0) {
            return options[i].place;
        }
    }
    return NULL;
}

#define MS_MAX 3600000 /* of --hold and --pause: an hour */

static bool parse_ms(const char *text, int64_t *ns)
{
    uint64_t ms;
    if (!nsq_decimal_parse(span_make(text, strlen(text)), &ms) || ms > MS_MAX) {
        return false;
    }
    *ns = (int64_t)ms * TIME_MS;
    return true;
}

static bool parse_args(struct args *args, struct proxy *p, int argc, char **argv)
{
    *args = (struct args){.title = "recorded", .flags = "", .hold = "0", .pause = "100"};
    for (int i = 1; i < argc; i += 2) {
        const char **place = option(args, argv[i]);
        if (place == NULL || i + 1 == argc) {
            return false;
        }
        *place = argv[i + 1];
    }
    return args->listen != NULL && args->to != NULL && args->dir != NULL && args->id != NULL &&
           strchr(args->id, '/') != NULL && (args->tls_cert == NULL) == (args->tls_key == NULL) &&
           parse_ms(args->hold, &p->hold) && parse_ms(args->pause, &p->record.pause);
}

/* The certificate that clients are shown, if there is one. */
static bool load_tls(const struct args *args, struct proxy *p)
{
    struct buf certificate = {0};
    struct buf key = {0};
    struct buf why = {0};
    if (args->tls_cert == NULL) {
        return true;
    }
    bool read = files_read(args->tls_cert, TLS_FILE_MAX, &certificate, stderr) &&
                files_read(args->tls_key, TLS_FILE_MAX, &key, stderr);
    if (read) {
        const struct tls_server_settings settings = {
            .certificates = {.bytes = buf_span(&certificate), .file = args->tls_cert},
            .key = {.bytes = buf_span(&key), .file = args->tls_key},
            .min_version = TLS_1_0};
        p->tls = tls_server_new(&settings, &why);
    }
    if (read && p->tls == NULL) {
        fprintf(stderr, "nsq-record: %.*s\n", (int)why.n, (const char *)buf_span(&why).p);
    }
    buf_free(&certificate);
    buf_free(&key);
    buf_free(&why);
    return p->tls != NULL;
}

/* What a relay could not do, the file does not have. */
static bool all_relayed(const struct proxy *p)
{
    const char *broken = NULL;
    for (size_t i = 0; i < p->count && broken == NULL; i++) {
        broken = p->pairs[i].relay.broken;
        if (p->pairs[i].relay.lost) {
            fprintf(stderr, "nsq-record: c%zu said something past what was put on: left out\n",
                    i + 1);
        }
    }
    if (broken != NULL) {
        fprintf(stderr, "nsq-record: %s\n", broken);
    }
    return broken == NULL;
}

int main(int argc, char **argv)
{
    struct args args;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    static struct proxy proxy;
    if (!parse_args(&args, &proxy, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    char why[SOCKET_WHY_MAX];
    if (!load_tls(&args, &proxy)) {
        return EXIT_FAILURE;
    }
    proxy.to = args.to;
    proxy.cut_fd = STDIN_FILENO;
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
    bool ok = write_file(&args, &proxy.record) && all_relayed(&proxy);
    record_free(&proxy.record);
    for (size_t i = 0; i < proxy.count; i++) {
        buf_free(&proxy.pairs[i].asked);
        relay_free(&proxy.pairs[i].relay);
    }
    tls_free(proxy.tls);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
