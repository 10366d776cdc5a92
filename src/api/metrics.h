/* SPDX-License-Identifier: MIT */
/*
 * Owns: the page /metrics for Prometheus, which upstream's nsqd does not have. The table of
 * families is in metrics_families.c. As in stats.h, the writer of the page can stop after every
 * step, and continue later. The part of the page that one call writes is called a slice. Must not
 * know: HTTP, sockets, clocks.
 *
 * Prometheus wants all samples of a family together. So the writer walks over all topics once for
 * each family (api/stats_walk.h), and not once for the page. Between two slices, topics, channels
 * and clients may appear and disappear.
 *   - A topic, channel or client that exists during the whole walk of a family is shown exactly
 *     once in this family.
 *   - A topic, channel or client that was made or deleted between two slices may be in some
 *     families and missing in others. No family shows two samples with the same labels.
 *   - Some figures of a topic are sums over its channels. A channel that is made or deleted while
 *     the sum is computed may be missing in the sum. A topic that is deleted meanwhile has no
 *     sample.
 *   - The families show figures of different moments. For example, the sum of nsqd_channel_depth
 *     and nsqd_channel_in_flight_messages may miss a message that was delivered meanwhile.
 *   - The connections and clients of the whole server are counted before the first family.
 * A page that fits in one slice shows one moment.
 *
 * A page has 25 samples of the server, and 9 + p samples for each topic. p is the number of
 * percentiles (--e2e-processing-latency-percentile). With the option `channels` it also has 8 + p
 * samples for each channel. With the option `clients` it also has 8 samples for each V2 client. The
 * memory budget limits topics and channels, --max-connections limits clients. `channels` and
 * `clients` are off by default, because each sample becomes a series that Prometheus stores. The
 * series of clients are short-lived: a client that connects again has new ones.
 */
#ifndef API_METRICS_H
#define API_METRICS_H

#include "api/prom_text.h"
#include "api/stats.h"

struct metrics_options {
    bool channels; /* --metrics-channels: series for each channel */
    bool clients;  /* --metrics-clients: series for each V2 client */
};

/* The protocols of connections. */
enum metrics_protocol {
    METRICS_UNKNOWN, /* the first four bytes of the connection have not arrived yet */
    METRICS_V2,
    METRICS_HTTP,
    METRICS_OUTGOING, /* this server has made the connection, for example to an auth server */
    METRICS_PROTOCOLS,
};

/* The states of V2 clients. */
enum metrics_state { METRICS_INIT, METRICS_SUBSCRIBED, METRICS_CLOSING, METRICS_STATES };

enum metrics_step {
    METRICS_COUNT,   /* the connection in the next slot is counted */
    METRICS_FAMILY,  /* the next family begins, or the page ends */
    METRICS_TOPIC,   /* the next topic, or the end of the family */
    METRICS_CHANNEL, /* the next channel, or the end of the topic */
    METRICS_LATENCY, /* the latencies of one more channel are added to those of the topic */
    METRICS_CLIENT,  /* the client in the next slot, or the end of the family */
    METRICS_DONE,
};

struct metrics {
    struct stats_server server;
    struct metrics_options options;
    struct stats_walk walk;
    enum metrics_step step;
    size_t family; /* the number of the current family */
    uint64_t sum;  /* of the current topic: the figures of its channels so far */
    uint64_t protocols[METRICS_PROTOCOLS]; /* numbers of connections */
    uint64_t states[METRICS_STATES];       /* numbers of V2 clients */
    struct stats_latency latency;          /* of the current topic */
};

/* The largest number of bytes that one step adds to the page. */
#define METRICS_STEP_MAX 32768

/* Begins a page. It uses these fields of `server`: broker, serve, start_time, quantiles. The struct
 * allocates nothing except the sum of the latencies of one topic. The memory budget counts this
 * sum. */
void metrics_begin(struct metrics *metrics, const struct stats_server *server,
                   const struct metrics_options *options);

/* Appends the next part of the page to `out`. Returns true when the page is complete. Stops when
 * the call has appended `most` bytes or more, or when the current call of the broker has no effort
 * left (broker_begin_share). Always does at least one step. So the call may append more than `most`
 * bytes, but no more than METRICS_STEP_MAX beyond them. */
bool metrics_write(struct metrics *metrics, struct buf *out, size_t most, int64_t now);

/* Frees the memory of the page. The page need not be complete. */
void metrics_end(struct metrics *metrics);

/* --- for the files of src/api/metrics*.c ------------------------------------------------------ */

/* The samples of a family of metrics. */
enum metrics_over {
    METRICS_OF_SERVER,            /* one sample */
    METRICS_OF_LABELS,            /* a fixed number of samples with labels */
    METRICS_OF_TOPICS,            /* one for each topic */
    METRICS_OF_SUMS,              /* one for each topic: the sum of its channels */
    METRICS_OF_TOPIC_LATENCIES,   /* for each topic one for each percentile */
    METRICS_OF_CHANNELS,          /* one for each channel */
    METRICS_OF_CHANNEL_LATENCIES, /* for each channel one for each percentile */
    METRICS_OF_CLIENTS,           /* one for each V2 client */
    METRICS_OF_CLIENT_LABELS, /* one for each V2 client: its labels describe the client, its value
                                 is 1 */
};

struct metrics_family {
    const char *name;
    enum prom_kind kind;
    enum metrics_over over;
    union { /* which one: see `over` */
        uint64_t (*of_server)(const struct metrics *metrics);
        void (*of_labels)(const struct metrics *metrics, struct buf *out, const char *name);
        uint64_t (*of_topic)(const struct stats_topic *topic);
        uint64_t (*of_channel)(
            const struct stats_channel *channel); /* METRICS_OF_SUMS: the numbers that are added */
        uint64_t (*of_client)(const struct stats_client *client);
    };
    const char *help;
};

extern const struct metrics_family metrics_families[];
extern const size_t metrics_family_count;

#endif
