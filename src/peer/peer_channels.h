/* SPDX-License-Identifier: MIT */
/*
 * Owns: the questions for the channels of new topics. Consumers elsewhere may have made channels of
 * a topic that is new here, and these must get its first messages too. So a new topic is starting
 * (broker/topic.h) until all nsqlookupds have answered which channels they know, but at most for
 * the timeout. Then the channels are made, and the messages flow.
 *
 *     core->starting_topics --room for a question--> asking --all have answered--> the topic starts
 *               |                                       |                                ^
 *               +-------------- the timeout ------------+--------------------------------+
 *
 * An answer is untrusted. It has at most PEER_ANSWER_MAX bytes, and at most PEER_CHANNELS_MAX of
 * its names become channels. Names that are not valid and ephemeral ones are left out.
 *
 * Must not know: who has made the topic, sockets, clocks.
 */
#ifndef PEER_PEER_CHANNELS_H
#define PEER_PEER_CHANNELS_H

#include "http/http_client.h"
#include "peer/peer.h"

#define PEER_ANSWER_MAX 65536  /* bytes of an answer */
#define PEER_CHANNELS_MAX 1000 /* channels that one answer can make */
/* When this many requests are open, the next topic waits. Without this limit, a client that makes
 * many topics could use up the connections. */
#define PEER_REQUESTS_MAX 64

struct peer_channels_config {
    int64_t connect_timeout; /* ns, as in http/http_client.h */
    int64_t request_timeout; /* ns; a topic is starting at most for this time. 0 or less: no
                              * limit */
    struct http_tls tls;     /* for redirects to https */
};

struct peer_channels {
    struct peer_channels_config config;
    struct http_client http;
    struct broker *broker;
    struct log *log;
    struct list asking; /* of struct question, the oldest first */
    size_t requests;    /* requests that are open, of all questions */
};

/* The configuration is copied, the other arguments are borrowed. */
void peer_channels_init(struct peer_channels *channels, const struct peer_channels_config *config,
                        struct serve *serve, struct broker *broker, struct log *log);

/* Drops all questions. */
void peer_channels_free(struct peer_channels *channels);

/* Asks these peers for the channels of new topics, and handles answers, while effort is left. */
void peer_channels_step(struct peer_channels *channels, struct peer *const *peers, size_t count,
                        int64_t now);

/* Returns when the next step is due. */
int64_t peer_channels_next_deadline(const struct peer_channels *channels);

#endif
