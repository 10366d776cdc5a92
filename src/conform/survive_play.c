/* SPDX-License-Identifier: MIT */
/* Sends the bytes of an input in pieces over a nonblocking socket. Must not know: which server it
 * is, and who starts it. */
#include "conform/survive_play.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "shell/clock.h"
#include "shell/socket.h"

#define READ_SIZE 65536
#define EDGE 512                            /* bytes at each end that are sent one by one */
#define PIECE_TIMEOUT TIME_SECOND           /* how long a server may leave a piece unread */
#define NEGOTIATION_TIMEOUT (300 * TIME_MS) /* how long an answer to IDENTIFY may take */
#define PATIENCE_LEAST (5 * TIME_MS)        /* for servers that do not close at the end */
#define PATIENCE_MOST (100 * TIME_MS)
#define PAUSE (2 * TIME_MS) /* between pieces */

/* --- what is sent ----------------------------------------------------------------------------- */

const char *survive_way_name(enum survive_way way)
{
    static const char *const names[] = {"whole", "byte by byte", "in four pieces",
                                        "whole, then reset"};
    return names[way];
}

/* What the inputs of a corpus of fuzz/ are. */
enum kind { CLIENT, IDENTIFY, SNAPPY, DEFLATE, NAME, DECIMAL, HTTP, QUERY };

static const struct corpus {
    const char *folder;
    size_t header; /* bytes for the fuzz target */
    enum kind kind;
} corpora[] = {
    {"command", 5, CLIENT},    {"session", 10, CLIENT}, {"upgrade", 10, CLIENT},
    {"identify", 1, IDENTIFY}, {"snappy", 5, SNAPPY},   {"deflate", 5, DEFLATE},
    {"name", 1, NAME},         {"decimal", 1, DECIMAL}, {"http_request", 8, HTTP},
    {"query", 1, QUERY},
};

static const struct corpus *corpus_of(const char *path)
{
    static const struct corpus other = {"", 0, CLIENT};
    const char *name = strrchr(path, '/');
    size_t n = name == NULL ? 0 : (size_t)(name - path);
    for (size_t i = 0; i < sizeof corpora / sizeof corpora[0]; i++) {
        size_t length = strlen(corpora[i].folder);
        if (n >= length && memcmp(path + n - length, corpora[i].folder, length) == 0 &&
            (n == length || path[n - length - 1] == '/')) {
            return &corpora[i];
        }
    }
    return &other;
}

static void add(struct buf *b, const char *text)
{
    buf_append(b, span_make(text, strlen(text)));
}

static void add_sized(struct buf *b, struct span bytes)
{
    uint8_t size[4];
    be32_store(size, (uint32_t)bytes.n);
    buf_append(b, span_make(size, sizeof size));
    buf_append(b, bytes);
}

static void negotiate(struct survive_talk *talk, struct span json)
{
    add(&talk->first, "  V2IDENTIFY\n");
    add_sized(&talk->first, json);
}

void survive_talk(struct survive_talk *talk, const char *path, struct span input, bool bare)
{
    const struct corpus *corpus = corpus_of(path);
    *talk = (struct survive_talk){.http = corpus->kind == HTTP || corpus->kind == QUERY};
    if (bare) {
        buf_append(&talk->rest, input);
        return;
    }
    struct span body = span_skip(input, corpus->header < input.n ? corpus->header : input.n);
    switch (corpus->kind) {
    case CLIENT:
        add(&talk->rest, span_equal(span_first(body, 4), SPAN("  V2")) ? "" : "  V2");
        buf_append(&talk->rest, body);
        break;
    case IDENTIFY:
        add(&talk->rest, "  V2IDENTIFY\n");
        add_sized(&talk->rest, body);
        break;
    case SNAPPY:
        negotiate(talk, SPAN("{\"feature_negotiation\":true,\"snappy\":true}"));
        buf_append(&talk->rest, body);
        break;
    case DEFLATE:
        negotiate(talk, SPAN("{\"feature_negotiation\":true,\"deflate\":true}"));
        buf_append(&talk->rest, body);
        break;
    case NAME:
        add(&talk->rest, "  V2SUB ");
        buf_append(&talk->rest, body);
        add(&talk->rest, " ");
        buf_append(&talk->rest, body);
        add(&talk->rest, "\n");
        break;
    case DECIMAL:
        add(&talk->rest, "  V2SUB survive#ephemeral c#ephemeral\nRDY ");
        buf_append(&talk->rest, body);
        add(&talk->rest, "\n");
        break;
    case HTTP:
        buf_append(&talk->rest, body);
        break;
    case QUERY:
        add(&talk->rest, "POST /channel/create?");
        buf_append(&talk->rest, body);
        add(&talk->rest, " HTTP/1.1\r\nHost: nsq\r\n\r\n");
        break;
    }
}

void survive_talk_free(struct survive_talk *talk)
{
    buf_free(&talk->first);
    buf_free(&talk->rest);
}

size_t survive_piece(enum survive_way way, size_t n, size_t at)
{
    if (way == SURVIVE_FOUR) {
        size_t piece = (n + 3) / 4;
        return n - at < piece ? n - at : piece;
    }
    if (way != SURVIVE_BYTES) {
        return n - at;
    }
    bool middle = n > 2 * EDGE && at >= EDGE && at < n - EDGE;
    return middle ? n - EDGE - at : 1;
}

/* --- on a connection -------------------------------------------------------------------------- */

struct link {
    int fd;
    bool ended;       /* the server has closed, or the connection is broken */
    struct buf *keep; /* what the server has sent; NULL: it is thrown away */
};

static bool would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static void receive(struct link *l)
{
    uint8_t bytes[READ_SIZE];
    ssize_t n = recv(l->fd, bytes, sizeof bytes, 0);
    if (n > 0 && l->keep != NULL) {
        buf_append(l->keep, span_make(bytes, (size_t)n));
    }
    l->ended = n == 0 || (n < 0 && !would_block(errno));
}

/* Waits until the connection has input or, if there is something to send, takes output. Reads. */
static bool wait_for(struct link *l, bool output, int64_t deadline)
{
    struct pollfd fd = {.fd = l->fd, .events = (short)(POLLIN | (output ? POLLOUT : 0))};
    int64_t left = deadline - clock_now();
    if (left <= 0 || poll(&fd, 1, (int)((left + TIME_MS - 1) / TIME_MS)) < 0) {
        return left > 0;
    }
    if ((fd.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
        receive(l);
    }
    return true;
}

/* Sends a piece. A server that does not take it in time gets no more. */
static void send_piece(struct link *l, struct span piece)
{
    int64_t deadline = clock_now() + PIECE_TIMEOUT;
    while (piece.n > 0 && !l->ended) {
        ssize_t n = send(l->fd, piece.p, piece.n, MSG_NOSIGNAL);
        if (n >= 0) {
            piece = span_skip(piece, (size_t)n);
        } else if (!would_block(errno) || !wait_for(l, true, deadline)) {
            l->ended = true;
        }
    }
}

/* Returns true if a whole frame has arrived, and something behind it: JSON, then OK in the
 * compression. */
static bool is_negotiated(struct span s)
{
    return s.n > 4 && s.n - 4 > be32_load(s.p);
}

/* Sends an IDENTIFY and waits for both of its answers. */
static void send_first(struct link *l, struct span first)
{
    struct buf got = {0};
    int64_t deadline = clock_now() + NEGOTIATION_TIMEOUT;
    l->keep = &got;
    send_piece(l, first);
    while (!l->ended && !is_negotiated(buf_span(&got)) && wait_for(l, false, deadline)) {
    }
    l->keep = NULL;
    buf_free(&got);
}

static void send_rest(struct link *l, struct span rest, enum survive_way way)
{
    for (size_t at = 0; at < rest.n && !l->ended;) {
        size_t n = survive_piece(way, rest.n, at);
        const struct timespec pause = {.tv_nsec = n == 1 ? 1 : PAUSE};
        send_piece(l, span_first(span_skip(rest, at), n));
        at += n;
        if (way == SURVIVE_BYTES || way == SURVIVE_FOUR) {
            nanosleep(&pause, NULL); /* so that the server reads the pieces one by one */
        }
    }
}

static void wait_for_end(struct link *l, int64_t *patience)
{
    int64_t deadline = clock_now() + *patience;
    shutdown(l->fd, SHUT_WR);
    while (!l->ended && wait_for(l, false, deadline)) {
    }
    int64_t half = *patience / 2 < PATIENCE_LEAST ? PATIENCE_LEAST : *patience / 2;
    *patience = l->ended ? PATIENCE_MOST : half;
}

/* RST: no port of this machine waits for the end of thousands of connections. */
static void close_with_reset(int fd)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

bool survive_play(const char *address, const struct survive_talk *talk, enum survive_way way,
                  int64_t *patience)
{
    struct link l = {.fd = socket_connect(address)};
    if (l.fd < 0) {
        return false;
    }
    if (talk->first.n > 0) {
        send_first(&l, buf_span(&talk->first));
    }
    send_rest(&l, buf_span(&talk->rest), way);
    if (way != SURVIVE_RESET) {
        wait_for_end(&l, patience);
    }
    close_with_reset(l.fd);
    return true;
}

bool survive_answers(const char *address, int64_t limit)
{
    static const uint8_t ok[] = {0, 0, 0, 6, 0, 0, 0, 0, 'O', 'K'};
    int64_t deadline = clock_now() + limit;
    struct buf got = {0};
    struct link l = {.fd = socket_connect(address), .keep = &got};
    if (l.fd < 0) {
        return false;
    }
    /* No input subscribes to this topic: when its last consumer left, nsqd would refuse a PUB. */
    send_piece(&l, SPAN("  V2PUB survive-answers#ephemeral\n\0\0\0\1x"));
    while (!l.ended && got.n < sizeof ok && wait_for(&l, false, deadline)) {
    }
    bool answered = span_equal(buf_span(&got), span_make(ok, sizeof ok));
    buf_free(&got);
    close_with_reset(l.fd);
    return answered;
}
