/* SPDX-License-Identifier: MIT */
/*
 * Owns: the page /stats of nsqd, as JSON and as text, as a writer that can stop after every topic,
 * channel and client and go on later. Must not know: HTTP, sockets, clocks.
 *
 * Topics and channels are in the order of their names, as in nsqd. The consumers of a channel are
 * in the order in which they subscribed, and the producers in the order of their connections' slots
 * (nsqd's order is random).
 *
 * What a page shows when it is written in slices: each topic, channel and client is shown with its
 * figures at the moment of its turn (those of a topic at the moment before its first channel).
 *   - What exists from the first to the last slice is shown exactly once.
 *   - What is made or deleted meanwhile may be missing or shown; it is never shown twice under one
 *     name, and the page is always well formed. When a topic is deleted while its channels are
 *     written, its other channels are missing. When a channel is deleted, its other clients are.
 *   - client_count is that of the moment before the first client, and the sum of latencies of a
 *     topic is taken over several slices.
 *   - A client that connects, publishes for the first time or leaves meanwhile may be missing from
 *     the producers; one that connects again may be shown as both clients that it was.
 * The place is a few names and numbers, so nothing has to be told when topics come and go. The
 * broker keeps its names in order (base/sorted.h), so each step needs O(log n) for n topics or
 * channels, and no copy of the names is made.
 */
#ifndef API_STATS_H
#define API_STATS_H

#include "api/stats_values.h"
#include "json/writer.h"

/* The figures of Go's memory; nsqd's names. Those that do not exist here are 0. */
struct stats_memory {
    uint64_t heap_objects;
    uint64_t heap_idle_bytes;
    uint64_t heap_in_use_bytes;
    uint64_t heap_released_bytes;
    uint64_t gc_pause_usec_100;
    uint64_t gc_pause_usec_99;
    uint64_t gc_pause_usec_95;
    uint64_t next_gc_bytes;
    uint64_t gc_total_runs;
};

/* What the page shows of the server itself. Everything is borrowed until stats_end. */
struct stats_server {
    struct broker *broker; /* reading the latencies merges streams, so it is not const */
    const struct serve *serve;
    struct span health; /* "OK" */
    int64_t start_time; /* wall clock, ns since 1970 */
    int32_t zone;       /* of the local time: seconds east of UTC */
    int64_t uptime;     /* ns */
    struct stats_memory memory;
    const struct span *quantiles; /* the percentiles of the configuration as JSON, as "0.99" */
};

/* The parameters of the request. A topic or a channel of 0 bytes: all; it need not be a valid name.
 * The spans are copied. */
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
    STATS_TOPIC, /* the next topic, or the end of all */
    STATS_SUM,   /* the latencies of one more channel */
    STATS_TOPIC_BEGIN,
    STATS_CHANNEL,  /* the next channel, or the end of the topic */
    STATS_CLIENT,   /* the next consumer, or the end of the channel */
    STATS_PRODUCER, /* the client in the next slot of serve, or the end of the page */
    STATS_DONE,
};

/* A name that the request gives. */
struct stats_name {
    bool given;
    bool possible; /* it is not too long for a name */
    struct name name;
};

struct stats {
    struct stats_server server;
    bool json;
    bool clients;
    bool memory;
    struct stats_name only_topic;
    struct stats_name only_channel;
    enum stats_step step;
    bool unknown_topic;           /* the request names a topic that does not exist */
    struct stats_topic topic;     /* the current one; its name is the place */
    struct name channel_place;    /* of the channel that was written or summed last */
    struct stats_channel channel; /* the current one */
    uint64_t client_place;        /* of the consumer that was written last; 0: none */
    size_t slot;                  /* the next slot of serve */
    struct latency *sum;          /* of the channels of the topic; NULL: nothing is summed */
    struct json_writer writer;
    bool listed; /* something of the current list (topics, producers) was written */
};

/* The most bytes of one topic, channel or client, without the identities that an auth server has
 * given (auth_config.max_body limits them). */
#define STATS_ITEM_MAX 16384

/* Begins a page. The struct needs no memory of its own, except for the sum of latencies of one
 * topic, which is charged to the memory budget. */
void stats_begin(struct stats *stats, const struct stats_server *server,
                 const struct stats_filter *filter);

/* Appends the next part of the page to `out`. Returns true when the page is complete. Stops when
 * the call has appended `most` bytes or more, which may be one topic, channel or client more than
 * `most`, or when the current call of the broker has no effort left (broker_begin_share). It always
 * does one step. `wall` is the time since 1970 in ns. */
bool stats_write(struct stats *stats, struct buf *out, size_t most, int64_t now, int64_t wall);

/* Frees what the struct holds. The page need not be complete. */
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
