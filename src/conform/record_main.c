/* SPDX-License-Identifier: MIT */
/*
 * nsq-record: a proxy between NSQ clients and a server that writes what it passed on as a session
 * file. Must not know: what the file says about it (record.h) and codecs (relay.h).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nsq/name.h>

#include "base/text.h"
#include "base/time.h"
#include "conform/files.h"
#include "conform/record_file.h"
#include "conform/relay.h"
#include "shell/clock.h"
#include "shell/signals.h"
#include "shell/socket.h"
#include "shell/standard_output.h"

#define READ_SIZE 65536
#define TLS_FILE_MAX 65536
#define GONE_MS 50 /* how long to wait for the RST of a client that is gone */

/* One connection of a client and the connection to the server for it. */
struct pair {
    int client; /* -1: closed */
    int server;
    bool opened;         /* opened in this round */
    bool client_ended;   /* the client ended its output; it may still read */
    bool client_gone;    /* the client has closed */
    bool server_ended;   /* the server has closed; that is not recorded yet */
    bool late;           /* bytes were passed on to the client after its end */
    struct buf commands; /* from the client: passed on, but not recorded yet */
    struct relay relay;  /* holds what the server sent: neither passed on nor recorded yet */
};

struct proxy {
    const char *to;
    int64_t hold; /* ns of silence that end a round */
    int listener;
    int end_fd;
    int cut_fd; /* a line that can be read from it cuts all connections; -1: closed */
    struct pair pairs[RECORD_CONNS_MAX];
    size_t count;
    int64_t last_arrival;  /* ns: when the last bytes arrived */
    int64_t first_command; /* ns: when a client did something first in this round; 0: not yet */
    bool waiting;          /* something arrived in this round */
    struct tls *tls;       /* for clients; NULL: without --tls-cert */
    struct record_file file;
    struct record record;
};

static const char usage[] =
    "usage: nsq-record --listen ADDRESS --to ADDRESS -o DIR --id AREA/SLUG [--title TEXT]\n"
    "                  [--level LEVEL] [--flags FLAGS] [--hold MS] [--pause MS]\n"
    "                  [--tls-cert FILE --tls-key FILE]\n"
    "\n"
    "A proxy: passes connections on from the --listen address to the --to address until SIGINT or\n"
    "SIGTERM. Then it writes what clients and server sent as DIR/SLUG.session. Until then,\n"
    "DIR/SLUG.session.part has the steps so far. AREA and SLUG are lower-case letters, digits, - "
    "and\n"
    ".; a file has at most 16 connections and 1 MiB. ADDRESS is\n"
    "host:port (with port 0 a free port is chosen and printed on stderr) or the path of a unix\n"
    "socket.\n"
    "\n"
    "  --title TEXT   the title in the header of the file (default: recorded)\n"
    "  --level LEVEL  the level in the header of the file: MUST, SHOULD or QUIRK (default:\n"
    "                 SHOULD)\n"
    "  --flags FLAGS  the flags of the server, for the header of the file\n"
    "  --hold MS      the server's output is passed on when nothing has arrived from any side\n"
    "                 for so long (default: 0). The clients' commands before that are recorded in\n"
    "                 the order of their connections, so that two recordings are equal\n"
    "  --pause MS     the shortest silence of the clients that is recorded as a wait, rounded to\n"
    "                 100 ms (default: 100). 0: no waits\n"
    "  --tls-cert FILE, --tls-key FILE\n"
    "                 the certificate and key (PEM) for clients that use TLS. nsq-record does not\n"
    "                 check the certificate of the server\n"
    "\n"
    "If the server is an nsqlookupd, the file is about nsqlookupd: nsqds that register speak V1.\n"
    "\n"
    "A line on standard input closes all connections, as a failing network would. In the file the\n"
    "clients close. The line \"restart\" says that the server is about to be restarted: it closes "
    "all\n"
    "connections, and the file has the step \"restart\".\n";

/* Waits until all bytes are sent: a recording proxy may be slow. Stops waiting after SIGINT or
 * SIGTERM, because a peer that does not read would block the proxy for ever. */
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

/* Sends what the relay has for both sides. */
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

/* Something arrived, from a client or from a server. */
static void note_arrival(struct proxy *p, bool client)
{
    p->last_arrival = clock_now();
    p->waiting = true;
    if (client && p->first_command == 0) {
        p->first_command = p->last_arrival;
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
        fprintf(stderr, "nsq-record: cannot connect to %s for the client %s\n", p->to, peer);
        close(client);
        return;
    }
    p->pairs[p->count++] =
        (struct pair){.client = client, .server = server, .opened = true, .relay = {.tls = p->tls}};
    note_arrival(p, true);
}

enum received { RECEIVED, RECEIVED_END, RECEIVED_ERROR };

/* Reads what has arrived from one side. */
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

static void read_server(struct proxy *p, struct pair *pair)
{
    struct buf in = {0};
    struct relay_out out = {0};
    note_arrival(p, false);
    pair->server_ended = receive(pair->server, &in) != RECEIVED;
    relay_from_server(&pair->relay, buf_span(&in), &out);
    if (pair->server_ended) {
        relay_server_ended(&pair->relay);
    }
    send_out(p, pair, &out);
    buf_free(&in);
}

/* The client has closed, or is cut off. */
static void mark_gone(struct pair *pair)
{
    pair->client_gone = true;
    close_pair(pair);
}

/* Reads from a client. A client that closes its output may have closed completely, or may wait for
 * its answers. So the proxy closes its output to the server, and passes on the bytes of the server
 * until the server closes. */
static void read_client(struct proxy *p, struct pair *pair)
{
    size_t before = pair->commands.n;
    struct buf in = {0};
    struct relay_out out = {0};
    if (pair->client_ended) { /* after its end, poll reports only that the client is gone */
        note_arrival(p, false);
        mark_gone(pair);
        return;
    }
    enum received received = receive(pair->client, &in);
    relay_from_client(&pair->relay, buf_span(&in), &pair->commands, &out);
    /* The bytes of a TLS handshake are not commands. */
    note_arrival(p, in.n == 0 || pair->commands.n > before);
    if (received == RECEIVED_END) {
        relay_finish_server(&pair->relay, &out);
    }
    send_out(p, pair, &out); /* a server that is gone is noticed when it is read from */
    buf_free(&in);
    if (received == RECEIVED_END) {
        pair->client_ended = true;
        shutdown(pair->server, SHUT_WR);
    } else if (received == RECEIVED_ERROR) {
        mark_gone(pair);
    }
}

/* All connections fail. */
static void cut(struct proxy *p)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->pairs[i].client >= 0) {
            mark_gone(&p->pairs[i]);
            note_arrival(p, true);
        }
    }
}

static void record_clients(struct proxy *p)
{
    struct record *r = &p->record;
    for (size_t i = 0; i < p->count; i++) {
        struct pair *pair = &p->pairs[i];
        if (pair->opened) {
            record_open(r, p->first_command);
            pair->opened = false;
        }
        if (pair->commands.n > 0) {
            record_from_client(r, i, buf_span(&pair->commands), p->first_command);
            buf_drop(&pair->commands, pair->commands.n);
        }
        if (pair->client_ended) {
            record_client_end(r, i, p->first_command);
        }
        if (pair->client_gone) {
            record_client_gone(r, i, p->first_command);
        }
    }
}

/* Returns true if a client has closed that was sent bytes after it closed its output. The client's
 * system then answers with RST, which arrives within GONE_MS on the same machine. */
static bool is_gone(const struct pair *pair)
{
    struct pollfd fd = {.fd = pair->client};
    return pair->late && poll(&fd, 1, GONE_MS) > 0;
}

/* Passes the server's output on, unless the client is in a handshake. */
static void pass_on(struct proxy *p, size_t i, int64_t now)
{
    struct pair *pair = &p->pairs[i];
    struct buf decoded = {0};
    struct relay_out out = {0};
    const struct step *upgrade;
    enum relay_part part;
    while ((part = relay_next(&pair->relay, &decoded, &upgrade, &out)) != RELAY_NOTHING) {
        if (part == RELAY_BYTES) {
            record_from_server(&p->record, i, buf_span(&decoded), now);
            pair->late = pair->client_ended;
        } else {
            record_upgrade(&p->record, i, upgrade);
        }
        send_out(p, pair, &out);
        buf_drop(&decoded, decoded.n);
    }
    buf_free(&decoded);
}

/* The server has closed, so the client's connection is closed too. */
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

/* Ends a round. The clients' commands are recorded first: the clients had not received yet what the
 * server sent in this round. */
static void end_round(struct proxy *p)
{
    record_clients(p);
    record_servers(p);
    record_file_add(&p->file, &p->record);
    p->first_command = 0;
    p->waiting = false;
}

/* The server is about to be restarted. */
static void restart(struct proxy *p)
{
    end_round(p);
    record_restart(&p->record, clock_now());
    for (size_t i = 0; i < p->count; i++) {
        if (p->pairs[i].client >= 0) {
            close_pair(&p->pairs[i]);
        }
    }
    note_arrival(p, false);
}

/* Obeys a line on standard input. */
static void read_line(struct proxy *p)
{
    uint8_t line[256];
    ssize_t n = read(p->cut_fd, line, sizeof line);
    if (n <= 0) {
        p->cut_fd = -1;
    } else if (span_equal(span_make(line, (size_t)n), SPAN("restart\n"))) {
        restart(p);
    } else {
        cut(p);
    }
}

/* At the end of the recording: finds clients that have closed before they read the last output. */
static void find_gone_clients(struct proxy *p)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->pairs[i].client >= 0 && is_gone(&p->pairs[i])) {
            record_client_gone(&p->record, i, clock_now());
        }
    }
}

/* Returns the time until the round ends, in ms for poll. Returns -1 if no round has begun. */
static int left_of_round(const struct proxy *p)
{
    int64_t left = p->last_arrival + p->hold - clock_now();
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
            /* The server first: its output answers something that the client sent before. */
            if (p->pairs[i].server >= 0 && fds[4 + 2 * i].revents != 0) {
                read_server(p, &p->pairs[i]);
            }
            if (p->pairs[i].client >= 0 && fds[3 + 2 * i].revents != 0) {
                read_client(p, &p->pairs[i]);
            }
        }
        if (fds[1].revents != 0) {
            accept_client(p);
        }
        if (fds[2].revents != 0) {
            read_line(p);
        }
        if (left_of_round(p) == 0 || fds[0].revents != 0) {
            end_round(p);
        }
    } while (fds[0].revents == 0);
    find_gone_clients(p);
}

struct args {
    const char *listen;
    const char *to;
    const char *dir;
    const char *id;
    const char *title;
    const char *level;
    const char *flags;
    const char *hold;
    const char *pause;
    const char *tls_cert;
    const char *tls_key;
};

/* Returns the place where an option's value is stored, or NULL if there is no such option. */
static const char **option(struct args *args, const char *name)
{
    const struct {
        const char *name;
        const char **place;
    } options[] = {{"--level", &args->level},    {"--listen", &args->listen},
                   {"--to", &args->to},          {"-o", &args->dir},
                   {"--id", &args->id},          {"--title", &args->title},
                   {"--flags", &args->flags},    {"--hold", &args->hold},
                   {"--pause", &args->pause},    {"--tls-cert", &args->tls_cert},
                   {"--tls-key", &args->tls_key}};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strcmp(options[i].name, name) == 0) {
            return options[i].place;
        }
    }
    return NULL;
}

#define MS_MAX 3600000 /* of --hold and --pause: one hour */

static bool parse_ms(const char *text, int64_t *ns)
{
    uint64_t ms;
    if (!nsq_decimal_parse(span_make(text, strlen(text)), &ms) || ms > MS_MAX) {
        return false;
    }
    *ns = (int64_t)ms * TIME_MS;
    return true;
}

/* A recording is no rule that every client needs, so MUST is for people who have read it. */
static bool is_level(struct span word)
{
    bool known = false;
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        known = known || (level != LEVEL_DEPARTURE &&
                          span_equal(transcript_level_name((enum transcript_level)level), word));
    }
    return known;
}

static bool parse_args(struct args *args, struct proxy *p, int argc, char **argv)
{
    *args = (struct args){
        .title = "recorded", .level = "SHOULD", .flags = "", .hold = "0", .pause = "100"};
    for (int i = 1; i < argc; i += 2) {
        const char **place = option(args, argv[i]);
        if (place == NULL || i + 1 == argc) {
            return false;
        }
        *place = argv[i + 1];
    }
    return args->listen != NULL && args->to != NULL && args->dir != NULL && args->id != NULL &&
           transcript_id_is_valid(text_span(args->id)) && is_level(text_span(args->level)) &&
           (args->tls_cert == NULL) == (args->tls_key == NULL) && parse_ms(args->hold, &p->hold) &&
           parse_ms(args->pause, &p->record.pause);
}

/* Loads --tls-cert and --tls-key, if they were given. */
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

/* Prints what could not be passed on, and so is missing in the file. Returns false if the recording
 * failed. */
static bool all_relayed(const struct proxy *p)
{
    const char *broken = NULL;
    for (size_t i = 0; i < p->count && broken == NULL; i++) {
        broken = p->pairs[i].relay.broken;
        if (p->pairs[i].relay.lost) {
            fprintf(
                stderr,
                "nsq-record: c%zu sent bytes that its codecs cannot decode; they are left out\n",
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
        return standard_output_end("nsq-record") ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    static struct proxy proxy;
    if (!parse_args(&args, &proxy, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    char why[SOCKET_WHY_MAX];
    proxy.file = (struct record_file){.dir = args.dir, .id = args.id};
    if (!load_tls(&args, &proxy) || !record_file_open(&proxy.file)) {
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
    const struct record_header header = {.id = text_span(args.id),
                                         .title = text_span(args.title),
                                         .level = text_span(args.level),
                                         .flags = text_span(args.flags)};
    bool ok = record_file_write(&proxy.file, &proxy.record, &header) && all_relayed(&proxy);
    record_file_close(&proxy.file, ok);
    record_free(&proxy.record);
    for (size_t i = 0; i < proxy.count; i++) {
        buf_free(&proxy.pairs[i].commands);
        relay_free(&proxy.pairs[i].relay);
    }
    tls_free(proxy.tls);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
