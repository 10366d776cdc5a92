/* SPDX-License-Identifier: MIT */
/*
 * Owns: nsqd's side of the conversation with one nsqlookupd: the connection, the commands (one at a
 * time) and the replies. As in upstream's nsqd, the first connection is made at the beginning.
 * When a connection has ended or failed, a new one is made only when there is something to tell: at
 * the next change or PING. If a connection fails, the changes that it has not told are dropped,
 * because the next connection registers everything.
 *
 *     OFF --peer_go_on--> CONNECTING --> IDENTIFYING --> IDLE <--> WAITING for a reply
 *      ^                      |               |            |           |
 *      +--- the connection has failed or ended, or a reply is refused -+
 *
 * Must not know: which topics there are (peer/peer_course.h), other nsqlookupds, sockets, clocks.
 */
#ifndef PEER_PEER_H
#define PEER_PEER_H

#include "peer/peer_course.h"
#include "peer/peer_identity.h"
#include "serve/serve.h"

#define PEER_TIMEOUT TIME_SECOND /* ns: for the connection, and for each piece of a reply */
/* Bytes: the longest reply to IDENTIFY that is accepted. nsqlookupd's has about 120. Without this
 * limit, an nsqlookupd could fill the memory. */
#define PEER_INFO_MAX 4096

/* What all peers share. Borrowed. */
struct peer_context {
    struct peer_identity identity;
    /* Bytes: the longest reply to a command other than IDENTIFY. Such a reply is not kept. If this
     * is negative, no reply is accepted. */
    int64_t max_reply;
    struct serve *serve;
    struct broker *broker;
    struct log *log;
};

enum peer_state { PEER_OFF, PEER_CONNECTING, PEER_IDENTIFYING, PEER_IDLE, PEER_WAITING };

/* The reply that arrives. */
struct peer_reply {
    uint8_t size[4];
    size_t size_read; /* how many bytes of `size` have arrived */
    size_t left;      /* when the size is complete: how many bytes of data are missing */
    struct buf data;  /* of the reply to an IDENTIFY. Other replies are not kept */
};

struct peer {
    const struct peer_context *context;
    struct buf address; /* "host:port", as it was given */
    enum peer_state state;
    bool is_new;       /* no connection was tried */
    struct conn *conn; /* OFF: NULL */
    struct peer_info info;
    struct peer_course course;
    struct peer_command command; /* WAITING: its reply has not arrived completely */
    struct peer_reply reply;
    size_t cost; /* bytes that are charged for the peer */
};

/* Returns a new peer. The context is borrowed, the address is copied. */
struct peer *peer_new(const struct peer_context *context, struct span address);

/* Ends the connection and frees the peer. */
void peer_free(struct peer *peer);

/* Begins what must be done next: to connect, or to send a command. */
void peer_go_on(struct peer *peer, int64_t now);

/* Returns true if peer_go_on has something to do. */
bool peer_has_work(const struct peer *peer);

/* Notes that a PING is due. peer_go_on sends it. */
static inline void peer_ping(struct peer *peer)
{
    peer->course.ping = true;
}

#endif
