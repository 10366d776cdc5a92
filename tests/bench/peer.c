/* SPDX-License-Identifier: MIT */
/*
 * Connections of a load client over non-blocking sockets and one epoll. Must not know: what the
 * connections are for.
 */
#include "bench/peer.h"

#include <nsq/command.h>

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shell/socket.h"

#define READ_SIZE                                                                                  \
    262144 /* bytes at a time, so that much input of one peer does not delay the others */
#define EVENTS 512

bool peers_init(struct peers *all)
{
    all->epoll = epoll_create1(EPOLL_CLOEXEC);
    return all->epoll >= 0;
}

/* --- bytes out -------------------------------------------------------------------------------- */

static bool watch(struct peer *p, int action)
{
    const struct buf *unsent = wire_count(&p->wire) > 0 ? &p->encoded : &p->out;
    unsigned asks = (p->input_paused ? 0U : EPOLLIN) | (unsent->n > 0 ? EPOLLOUT : 0U);
    struct epoll_event e = {.events = asks, .data = {.ptr = p}};
    if (action == EPOLL_CTL_MOD && p->asks == asks) {
        return true;
    }
    p->asks = asks;
    return epoll_ctl(p->all->epoll, action, p->fd, &e) == 0;
}

void peer_say(struct peer *p, const char *text)
{
    buf_append(&p->out, span_make(text, strlen(text)));
}

void peer_say_body(struct peer *p, const char *line, struct span body)
{
    size_t n = nsq_body_encode(body, NULL, 0);
    peer_say(p, line);
    nsq_body_encode(body, buf_room(&p->out, n), n);
    buf_grew(&p->out, n);
}

/* The bytes for the socket: the output, or with codecs the encoded output. */
static struct buf *to_send(struct peer *p)
{
    struct span why;
    if (wire_count(&p->wire) == 0) {
        return &p->out;
    }
    buf_append(&p->encoded, buf_span(&p->wire.answer));
    buf_drop(&p->wire.answer, p->wire.answer.n);
    if (p->out.n > 0 && wire_state(&p->wire, &why) == CODEC_OPEN) {
        wire_encode(&p->wire, buf_span(&p->out), &p->encoded);
        buf_drop(&p->out, p->out.n);
    }
    return &p->encoded;
}

void peer_transmit(struct peer *p)
{
    if (p->fd < 0) {
        return;
    }
    struct buf *unsent = to_send(p);
    while (unsent->n > 0) {
        struct span out = buf_span(unsent);
        ssize_t n = send(p->fd, out.p, out.n, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            break;
        }
        buf_drop(unsent, n < 0 ? out.n : (size_t)n);
    }
    watch(p, EPOLL_CTL_MOD);
}

/* --- bytes in --------------------------------------------------------------------------------- */

static void ended(struct peer *p, const char *why)
{
    peer_close(p);
    p->all->on_closed(p, why);
}

/* Handles the whole frames of `in`; returns how many bytes they take. */
static size_t take_frames(struct peer *p, struct span in)
{
    size_t start = in.n;
    size_t n = 0;
    struct nsq_frame frame;
    enum nsq_parse outcome;
    while ((outcome = nsq_frame_parse(in, NSQ_FRAME_DATA_MAX, &frame, &n)) == NSQ_OK) {
        p->all->on_frame(p, &frame);
        if (p->fd < 0) {
            return 0;
        }
        in = span_skip(in, n);
        if (p->next.calls != NULL) {
            break; /* the bytes after this frame are encoded */
        }
    }
    if (outcome == NSQ_BAD) {
        ended(p, "the server sent what is no frame");
        return 0;
    }
    return start - in.n;
}

static void take_kept(struct peer *p)
{
    buf_drop(&p->in, take_frames(p, buf_span(&p->in)));
}

/* Without codecs, frames are handled where they were read; only an incomplete frame is copied. */
static void take(struct peer *p, struct span in)
{
    if (p->in.n > 0 || wire_count(&p->wire) > 0) {
        wire_decode(&p->wire, in, SIZE_MAX, &p->in);
        take_kept(p);
    } else {
        size_t taken = take_frames(p, in);
        buf_append(&p->in, span_skip(in, p->fd >= 0 ? taken : in.n));
    }
    while (p->fd >= 0 && p->next.calls != NULL) {
        struct codec next = p->next;
        p->next = (struct codec){NULL, NULL};
        wire_enable_codec(&p->wire, next, SIZE_MAX, &p->in);
        take_kept(p);
    }
    struct span why;
    if (p->fd >= 0 && wire_state(&p->wire, &why) >= CODEC_CLOSED) {
        ended(p, "the server ended TLS, or it sent what cannot be decoded");
    }
}

static void receive(struct peer *p)
{
    static uint8_t bytes[READ_SIZE];
    ssize_t n = recv(p->fd, bytes, sizeof bytes, 0);
    if (n > 0) {
        take(p, span_make(bytes, (size_t)n));
    } else if (n == 0) {
        ended(p, "the server ended a connection");
    } else if (errno != EAGAIN && errno != EINTR) {
        ended(p, "a connection broke");
    }
}

void peers_turn(struct peers *all, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(all->epoll, events, EVENTS, timeout_ms);
    for (int i = 0; i < n; i++) {
        struct peer *p = events[i].data.ptr;
        if (p == NULL || p->fd < 0) { /* an earlier event has closed it */
            continue;
        }
        if ((events[i].events & ~(unsigned)EPOLLOUT) != 0) {
            receive(p);
        }
        if (p->fd >= 0 && all->on_pause != NULL) {
            all->on_pause(p);
        }
        if (p->out.n > 0 || p->wire.answer.n > 0 || p->encoded.n > 0) {
            peer_transmit(p);
        }
    }
}

/* --- connections ------------------------------------------------------------------------------ */

bool peer_open(struct peers *all, struct peer *p, const char *address, void *user)
{
    *p = (struct peer){.all = all, .user = user, .fd = socket_connect(address)};
    if (p->fd < 0) {
        return false;
    }
    if (!watch(p, EPOLL_CTL_ADD)) {
        int saved = errno;
        peer_close(p);
        errno = saved;
        return false;
    }
    peer_say(p, "  V2");
    return true;
}

void peer_close(struct peer *p)
{
    if (p->fd >= 0) {
        close(p->fd);
    }
    p->fd = -1;
    buf_free(&p->in);
    buf_free(&p->out);
    buf_free(&p->encoded);
    wire_free(&p->wire);
    if (p->next.calls != NULL) {
        p->next.calls->free(p->next.self);
        p->next = (struct codec){NULL, NULL};
    }
}

void peer_enable_codec(struct peer *p, struct codec codec)
{
    p->next = codec;
}

void peer_pause_input(struct peer *p, bool paused)
{
    p->input_paused = paused;
    watch(p, EPOLL_CTL_MOD);
}
