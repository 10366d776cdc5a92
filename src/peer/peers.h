/* SPDX-License-Identifier: MIT */
/*
 * Owns: the list of all nsqlookupds that nsqd registers with, and the time of the PINGs. Each
 * nsqlookupd has its own conversation (peer/peer.h), and is asked for the channels of new topics
 * (peer/peer_channels.h). In upstream's nsqd, the conversations take turns, and a slow nsqlookupd
 * makes the others wait.
 * Must not know: connections, commands, sockets, clocks.
 */
#ifndef PEER_PEERS_H
#define PEER_PEERS_H

#include "peer/peer_channels.h"

#define PEERS_MAX 64 /* nsqlookupds */
#define PEERS_PING_INTERVAL (15 * TIME_SECOND)

/* The spans and the list are borrowed. */
struct peers_config {
    const char *const *addresses; /* "host:port" */
    size_t address_count;         /* at most PEERS_MAX */
    struct peer_identity identity;
    int64_t max_reply; /* bytes */
    struct peer_channels_config channels;
};

struct peers {
    struct peers_config config;
    struct peer_context context;
    struct peer_channels channels;
    struct peer *all[PEERS_MAX];
    size_t count;
    bool started;      /* peers_set was called at least once */
    int64_t next_ping; /* of all peers; counted from the first call of peers_set */
};

/* The configuration is copied, the other arguments are borrowed. */
void peers_init(struct peers *peers, const struct peers_config *config, struct serve *serve,
                struct broker *broker, struct log *log);

/* Must be called after serve_free. */
void peers_free(struct peers *peers);

/* From now on nsqd registers with these nsqlookupds, at most PEERS_MAX. If an nsqlookupd was in the
 * old list too, the conversation with it continues. An address that is twice in the new list counts
 * once. */
void peers_set(struct peers *peers, const struct span *addresses, size_t count, int64_t now);

/* Must be called in each step when peers_next_deadline is not after `now`. */
void peers_step(struct peers *peers, int64_t now);
int64_t peers_deadline(const struct peers *peers); /* for peers_next_deadline */
static inline int64_t peers_next_deadline(const struct peers *peers)
{
    bool has_list = peers->started || peers->config.address_count > 0;
    return has_list ? peers_deadline(peers) : TIME_NEVER;
}

/* Logs that the program ends. */
void peers_stop(struct peers *peers);

#endif
