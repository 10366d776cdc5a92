/* SPDX-License-Identifier: MIT */
/*
 * Owns: asking the nsqlookupds which channels a new topic has. Consumers may already have made
 * channels of this topic at other nsqds. These channels must also get the first messages that are
 * published here. So a new topic stays in the state `starting` (broker/topic.h) until all
 * nsqlookupds have answered, but not longer than the timeout. Then the channels are made, and get
 * the messages.
 *
 *     core->starting_topics --room for a question--> asking --all have answered--> the topic starts
 *               |                                       |                                ^
 *               +-------------- the timeout ------------+--------------------------------+
 *
 * Each nsqlookupd has its own queue of requests, so an nsqlookupd that does not answer does not
 * delay the requests to the others. The requests to an nsqlookupd that is removed are dropped. The
 * question about a topic that is deleted is dropped too.
 *
 * An answer is untrusted. It has at most PEER_ANSWER_MAX bytes, and at most PEER_CHANNELS_MAX of
 * its names become channels. Ephemeral names, and names that are not valid, are left out.
 *
 * Must not know: who has made the topic, sockets, clocks.
 */
#ifndef PEER_PEER_CHANNELS_H
#define PEER_PEER_CHANNELS_H

#include "http/http_client.h"
#include "peer/peer.h"

#define PEER_ANSWER_MAX 65536  /* bytes of an answer */
#define PEER_CHANNELS_MAX 1000 /* channels that one answer can make */
/* Answers make no channels while all topics and channels together use at least
 * 1 / PEER_NAMES_PART of their share of the memory budget. Without this limit, an nsqlookupd could
 * leave no room for the topics and channels of clients. */
#define PEER_NAMES_PART 2
/* The nsqlookupds share this number of open requests equally. The other requests wait. Without this
 * limit, a client that makes many topics could use up the connections. */
#define PEER_REQUESTS_MAX 64
/* All questions together use at most the cap of the memory budget divided by this number. When
 * there is no room, the next topic waits. */
#define PEER_QUESTIONS_PART 16
/* ns; a topic stays in the state `starting` at most this long when requests have no timeout.
 * Without this limit, an nsqlookupd could stop the messages of new topics for ever. */
#define PEER_STARTING_MAX TIME_MINUTE

struct peer_channels_config {
    int64_t connect_timeout; /* ns, as in http/http_client.h */
    /* ns; a topic stays in the state `starting` at most this long. 0 or less: requests have no
     * timeout, and the limit is PEER_STARTING_MAX */
    int64_t request_timeout;
    struct http_tls tls; /* for redirects to https */
};

struct peer_channels {
    struct peer_channels_config config;
    struct http_client http;
    struct broker *broker;
    struct log *log;
    struct list asking;  /* of struct question, the oldest first */
    struct list sources; /* of struct source: the nsqlookupds that are asked */
    size_t source_count; /* how many of them were not removed */
    size_t cost;         /* bytes that are charged for all questions */
    uint64_t seen;       /* the number of the broker's newest change (broker/changes.h) at the
                          * time of the last search for deleted topics */
};

/* The configuration is copied, the other arguments are borrowed. */
void peer_channels_init(struct peer_channels *channels, const struct peer_channels_config *config,
                        struct serve *serve, struct broker *broker, struct log *log);

/* Drops all questions. */
void peer_channels_free(struct peer_channels *channels);

/* From now on this peer is asked about new topics. Borrowed until peer_channels_remove, or
 * peer_channels_free. There may be at most PEER_REQUESTS_MAX peers at a time. */
void peer_channels_add(struct peer_channels *channels, const struct peer *peer);

/* This peer is not asked any more. Its requests are dropped in the next steps. */
void peer_channels_remove(struct peer_channels *channels, const struct peer *peer);

/* Asks for the channels of new topics, and handles answers, while effort is left. */
void peer_channels_step(struct peer_channels *channels, int64_t now);

/* Returns the time at which the next step is due. */
int64_t peer_channels_next_deadline(const struct peer_channels *channels);

#endif
