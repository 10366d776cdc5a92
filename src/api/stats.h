/* SPDX-License-Identifier: MIT */
/*
 * Owns: the page /stats of nsqd, as JSON and as text. The writer of the page can stop after every
 * topic, channel and client, and continue later. The part of the page that one call writes is
 * called a slice. Must not know: HTTP, sockets, clocks.
 *
 * Topics and channels are in the order of their names, as in nsqd. The consumers of a channel are
 * in the order in which they subscribed. The producers are in the order of the slots of their
 * connections (nsqd's order is random).
 *
 * Topics, channels and clients may change between two slices. The writer takes the figures of a
 * channel or client when it begins to write this channel or client. It takes the figures of a topic
 * before it writes the first channel of the topic.
 *   - What exists from the first to the last slice is shown exactly once.
 *   - A topic or channel that is made or deleted between two slices may be missing or shown. No
 *     topic is shown twice, and no channel of a topic is shown twice, even if one with the same
 *     name is made again. The page is always well formed. When a topic is deleted while its
 *     channels are written, its other channels are missing. When a channel is deleted while its
 *     clients are written, its other clients are missing.
 *   - client_count is taken before the first client of the channel is written. The sum of the
 *     latencies of a topic may be computed in several slices.
 *   - A client that connects, leaves, or publishes for the first time between two slices may be
 *     missing from the producers. A client that connects again may be shown twice, with its old and
 *     its new connection.
 * Between two slices the writer keeps only a few names and numbers, which say where it must
 * continue. So it need not know which topics were made or deleted. The broker keeps the names of
 * topics and channels in order (base/sorted.h). So each step needs O(log n) for n topics or
 * channels, and no copy of the names is made.
 */
#ifndef API_STATS_H
#define API_STATS_H

#include "api/stats_walk.h"
#include "json/writer.h"

/* What the page shows of the server itself. Everything is borrowed until stats_end. */
struct stats_server {
    struct broker *broker; /* not const, because reading the latencies changes them */
    const struct serve *serve;
    struct span health; /* "OK" */
    int64_t start_time; /* wall clock, ns since 1970 */
    int32_t zone;       /* of the local time: seconds east of UTC */
    int64_t uptime;     /* ns */
    struct stats_memory memory;
    const struct span *quantiles; /* the percentiles of the configuration as JSON: "0.99" */
};

/* The parameters of the request. If `topic` or `channel` has 0 bytes, the page shows all of them.
 * The bytes need not be a valid name. The spans are copied. */
struct stats_filter {
    bool json; /* otherwise text */
    struct span topic;
    struct span channel;
    bool clients; /* include_clients */
    bool memory;  /* include_mem */
};

/* The parts of the page, in the order of the steps. */
enum stats_step {
    STATS_HEAD,
    STATS_TOPIC, /* the next topic, or the end of the topics */
    STATS_SUM,   /* the latencies of one more channel */
    STATS_TOPIC_BEGIN,
    STATS_CHANNEL,  /* the next channel, or the end of the topic */
    STATS_CLIENT,   /* the next consumer, or the end of the channel */
    STATS_PRODUCER, /* the client in the next slot of serve, or the end of the page */
    STATS_DONE,
};

struct stats {
    struct stats_server server;
    bool json;
    bool clients;
    bool memory;
    struct stats_walk walk; /* where to continue */
    enum stats_step step;
    bool unknown_topic;           /* the request names a topic that does not exist */
    struct stats_topic topic;     /* the current topic */
    struct stats_channel channel; /* the current one */
    struct json_writer writer;
    bool listed; /* something of the current list (topics, producers) was written */
};

/* The largest number of bytes that one topic, channel or client adds to the page. The identities
 * from an auth server are not included; auth_config.max_body limits them. */
#define STATS_ITEM_MAX 16384

/* Begins a page. The struct allocates nothing except the sum of the latencies of one topic. The
 * memory budget counts this sum. */
void stats_begin(struct stats *stats, const struct stats_server *server,
                 const struct stats_filter *filter);

/* Appends the next part of the page to `out`. Returns true when the page is complete. A call does
 * one step (enum stats_step) after another. Between two steps it stops if it has appended `most`
 * bytes or more, or if the current call of the broker has no effort left (broker_begin_share). So
 * what it appends may be larger than `most`, by at most one topic, channel or client. `wall` is the
 * time since 1970 in ns. */
bool stats_write(struct stats *stats, struct buf *out, size_t most, int64_t now, int64_t wall);

/* Frees the memory of the page. The page need not be complete. */
void stats_end(struct stats *stats);

/* --- for the files of src/api/stats*.c -------------------------------------------------------- */

/* Writes the parts of a page as JSON, or as text. `out` is only needed for text. */
struct stats_form {
    void (*head)(struct stats *stats, struct buf *out);
    void (*begin_topic)(struct stats *stats, struct buf *out); /* of stats->topic */
    void (*end_topic)(struct stats *stats, struct buf *out);
    void (*begin_channel)(struct stats *stats, struct buf *out); /* of stats->channel */
    void (*end_channel)(struct stats *stats, struct buf *out);
    /* A client of the current channel, or a producer. */
    void (*client)(struct stats *stats, struct buf *out, const struct stats_client *client,
                   int64_t wall);
    void (*end_topics)(struct stats *stats, struct buf *out);
    void (*end_producers)(struct stats *stats, struct buf *out);
};

extern const struct stats_form stats_json;
extern const struct stats_form stats_text;

#endif
