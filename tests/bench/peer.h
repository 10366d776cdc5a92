/* SPDX-License-Identifier: MIT */
/*
 * Owns: connections of a client to an NSQ server, as many as it likes in one thread: bytes said and
 * sent, bytes read and cut into frames, TLS and compression put on, one epoll for all. Must not
 * know: what they are for.
 *
 *     said --> out --> [codecs --> encoded] --> socket
 *     on_frame <-- [in <-- codecs] <-- socket
 */
#ifndef TESTS_BENCH_PEER_H
#define TESTS_BENCH_PEER_H

#include <nsq/frame.h>

#include "base/buf.h"
#include "conform/wire.h"

struct peer;

/* What all connections share. All but `epoll` is filled in by the caller. A call may close any
 * peer; the memory of one that is closed must last until peers_turn returns. */
struct peers {
    int epoll; /* other descriptors in it, with NULL as their data, only wake peers_turn */

    /* The frame is borrowed for the call, and until the peer is closed. */
    void (*on_frame)(struct peer *p, const struct nsq_frame *frame);

    /* What came at a time was handled: more may be said, and is sent at once. NULL: nothing is. */
    void (*on_pause)(struct peer *p);

    /* The server ended the connection, or what it sends makes no sense; `why` is static. The peer
     * is closed already. */
    void (*on_closed)(struct peer *p, const char *why);
};

struct peer {
    struct peers *all;
    void *user;    /* the caller's */
    int fd;        /* -1: closed */
    unsigned asks; /* what epoll was last told */
    bool deaf;
    struct buf in;  /* a piece of a frame */
    struct buf out; /* said, and not sent */
    struct wire wire;
    struct buf encoded; /* with codecs on: what becomes of `out` */
    struct codec next;  /* to be put on */
};

/* False with errno when there is no epoll to be had. */
bool peers_init(struct peers *all);

/* One round: waits for at most timeout_ms, handles what came, sends what was said meanwhile. */
void peers_turn(struct peers *all, int timeout_ms);

/* Connects to "host:port", which blocks, and says the magic. False with errno. */
bool peer_open(struct peers *all, struct peer *p, const char *address, void *user);

/* Ends the connection; nothing is heard of it again. What was not sent is lost. */
void peer_close(struct peer *p);

/* Appends to what will be sent: text as it is; a command with a body. Sent by peer_transmit, or at
 * the end of on_pause. */
void peer_say(struct peer *p, const char *text);
void peer_say_body(struct peer *p, const char *line, struct span body);

/* For on_frame: all that is behind this frame, in both directions, goes through a codec, which the
 * peer now owns, upon those before it. */
void peer_put_on(struct peer *p, struct codec codec);

/* Sends what the socket takes; the rest when it has room. A broken connection is found by reading.
 */
void peer_transmit(struct peer *p);

/* A deaf peer reads nothing until it is told otherwise. */
void peer_set_deaf(struct peer *p, bool deaf);

#endif
