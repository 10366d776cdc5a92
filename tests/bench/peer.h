/* SPDX-License-Identifier: MIT */
/*
 * Owns: any number of client connections to an NSQ server in one thread: it sends bytes, reads
 * bytes and splits them into frames, enables TLS and compression, and has one epoll for all. Must
 * not know: what the connections are for.
 *
 *     peer_say --> out --> [codecs --> encoded] --> socket
 *     on_frame <-- [in <-- codecs] <-- socket
 */
#ifndef TESTS_BENCH_PEER_H
#define TESTS_BENCH_PEER_H

#include <nsq/frame.h>

#include "base/buf.h"
#include "conform/wire.h"

struct peer;

/* What all connections share. The caller fills in everything except `epoll`. A callback may close
 * any peer; the memory of a closed peer must last until peers_turn returns. */
struct peers {
    int epoll; /* other descriptors may be added with NULL as data; they only wake peers_turn */

    /* A frame has arrived. It is borrowed until the callback returns or closes the peer. */
    void (*on_frame)(struct peer *p, const struct nsq_frame *frame);

    /* All bytes that arrived together are handled. The callback may call peer_say; that output is
     * sent at once. May be NULL. */
    void (*on_pause)(struct peer *p);

    /* The server has ended the connection or sent bad bytes; `why` is static. The peer is closed
     * already. */
    void (*on_closed)(struct peer *p, const char *why);
};

struct peer {
    struct peers *all;
    void *user;    /* the caller's */
    int fd;        /* -1: closed */
    unsigned asks; /* the events that epoll waits for */
    bool input_paused;
    struct buf in;  /* a frame that has arrived in part */
    struct buf out; /* output that is not sent yet */
    struct wire wire;
    struct buf encoded; /* with codecs: `out`, encoded */
    struct codec next;  /* to be enabled after the current frame */
};

/* False, with errno: the system has no epoll. */
bool peers_init(struct peers *all);

/* One round: waits for at most timeout_ms, handles what has arrived, sends output. */
void peers_turn(struct peers *all, int timeout_ms);

/* Connects to "host:port" (this blocks) and sends the magic. False, with errno: it failed. */
bool peer_open(struct peers *all, struct peer *p, const char *address, void *user);

/* Closes the connection without a callback. Unsent output is lost. */
void peer_close(struct peer *p);

/* Append to the output: text as it is; a command with a body. peer_transmit sends it, and so does
 * the end of on_pause. */
void peer_say(struct peer *p, const char *text);
void peer_say_body(struct peer *p, const char *line, struct span body);

/* For on_frame: enables a codec for all bytes after this frame, in both directions, on top of the
 * codecs before it. The peer takes the codec. */
void peer_enable_codec(struct peer *p, struct codec codec);

/* Sends what the socket takes now, and the rest when it has room. A broken connection is noticed
 * when reading. */
void peer_transmit(struct peer *p);

/* Stops and resumes reading from the socket. */
void peer_pause_input(struct peer *p, bool paused);

#endif
