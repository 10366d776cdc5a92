/* SPDX-License-Identifier: MIT */
/*
 * Owns: the figures of one topic, one channel and one client, as nsqd's statistics show them, at
 * one moment. Every report of statistics takes its figures from here. Must not know: how they are
 * printed, and in which order the topics, channels and clients are visited.
 */
#ifndef API_STATS_VALUES_H
#define API_STATS_VALUES_H

#include "broker/walk.h"
#include "session/session.h"

#define STATS_PERCENTILES_MAX 64

/* End-to-end processing latencies. */
struct stats_latency {
    uint64_t count;
    size_t n;                             /* number of percentiles; 0: there are no figures */
    double values[STATS_PERCENTILES_MAX]; /* ns, in the order of the configuration */
};

struct stats_topic {
    struct name name;
    uint64_t depth;
    uint64_t message_count;
    uint64_t message_bytes;
    uint64_t channel_count;
    bool paused;
    struct stats_latency latency; /* set by stats_read_latency; stats_of_topic sets n to 0 */
};

struct stats_channel {
    struct name name;
    uint64_t depth;
    uint64_t in_flight_count;
    uint64_t deferred_count;
    uint64_t message_count;
    uint64_t requeue_count;
    uint64_t timeout_count;
    uint64_t client_count;
    bool paused;
    struct stats_latency latency; /* set by stats_read_latency; stats_of_channel sets n to 0 */
};

/* The spans are borrowed from the session. */
struct stats_client {
    uint64_t connection; /* the number of the connection (conn->id) */
    struct span topic;   /* of the channel; both are empty when the client is not subscribed */
    struct span channel;
    struct span client_id;
    struct span hostname;
    struct span user_agent;
    struct span remote_address;
    struct span port; /* of the remote address; empty for a unix socket */
    int64_t state;
    int64_t ready_count;
    int64_t in_flight_count;
    uint64_t message_count;
    uint64_t finish_count;
    uint64_t requeue_count;
    int64_t connected; /* wall clock, whole seconds since 1970 */
    int64_t sample_rate;
    bool deflate;
    bool snappy;
    bool authed;
    struct span auth_identity;
    struct span auth_identity_url;
    struct span pub_topic; /* a topic to which the client has published; empty: none is shown */
    uint64_t pub_count;    /* the number of its messages to that topic */
    uint64_t published;    /* the number of its messages to all topics */
    bool tls;
    struct codec_parameters tls_parameters;
};

/* The figures of Go's memory, with nsqd's names. Figures that this server does not have are 0. */
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

/* Returns the figures of a topic. Messages on the way to a channel count as messages of the
 * channel. */
struct stats_topic stats_of_topic(const struct topic *topic);

/* Returns the figures of a channel. The channel must not have been deleted. */
struct stats_channel stats_of_channel(const struct channel *channel);

/* Returns the figures of the memory. Only heap_in_use_bytes is known: it is the resident memory of
 * the process. */
struct stats_memory stats_of_memory(const struct budget *budget);

/* Reads the figures of the latencies; `latency` may be NULL. */
void stats_read_latency(struct latency *latency, struct stats_latency *figures, int64_t now);

/* Returns the figures of a client, which is connected. `topic` is the topic that the request for
 * /stats names, or empty. A client may have published to many topics, but only one of them is
 * shown. If `topic` is not empty, only `topic` is shown. Otherwise this server shows the topic of
 * the last publish. (nsqd shows any one.) */
struct stats_client stats_of_client(const struct session *session, struct span topic);

/* stats_append_cipher appends the name of a cipher suite, and stats_append_tls_version the name of
 * a TLS version, as nsqd shows them. They append nothing when the number is 0. (nsqd knows no names
 * of suites of TLS 1.3.) */
void stats_append_cipher(struct buf *out, unsigned cipher);
void stats_append_tls_version(struct buf *out, unsigned version);

#endif
