/* SPDX-License-Identifier: MIT */
/*
 * The table of the families on the page /metrics. Must not know: in which order topics, channels
 * and clients are visited (metrics.c).
 *
 * Names follow Prometheus' conventions: base units, "_total" for counters. A counter must never
 * decrease while its series exists. So no counter is a sum over topics or channels, because such a
 * sum decreases when a topic or channel is deleted.
 */
#include "api/metrics.h"

#include <nsq/version.h>

/* --- the server ------------------------------------------------------------------------------- */

static const struct broker_core *core_of(const struct metrics *m)
{
    return &m->server.broker->core;
}

static void build_info(const struct metrics *m, struct buf *out, const char *name)
{
    const struct prom_label labels[] = {{"version", SPAN(NSQ_COMPATIBILITY)},
                                        {"build", SPAN("c11-nsqref-" NSQREF_VERSION)}};
    (void)m;
    prom_sample(out, name, labels, 2);
    prom_number(out, 1);
}

static void start_time(const struct metrics *m, struct buf *out, const char *name)
{
    prom_sample(out, name, NULL, 0);
    prom_seconds(out, m->server.start_time);
}

/* The first page may come before the shell has told how much memory the process has. */
static void resident_memory(const struct metrics *m, struct buf *out, const char *name)
{
    if (core_of(m)->budget.resident > 0) {
        prom_sample(out, name, NULL, 0);
        prom_number(out, core_of(m)->budget.resident);
    }
}

static void connections(const struct metrics *m, struct buf *out, const char *name)
{
    static const struct span protocols[METRICS_PROTOCOLS] = {
        [METRICS_UNKNOWN] = SPAN_LITERAL("unknown"),
        [METRICS_V2] = SPAN_LITERAL("v2"),
        [METRICS_HTTP] = SPAN_LITERAL("http"),
        [METRICS_OUTGOING] = SPAN_LITERAL("outgoing"),
    };
    for (size_t i = 0; i < METRICS_PROTOCOLS; i++) {
        prom_sample(out, name, &(struct prom_label){"protocol", protocols[i]}, 1);
        prom_number(out, m->protocols[i]);
    }
}

static void clients(const struct metrics *m, struct buf *out, const char *name)
{
    static const struct span states[METRICS_STATES] = {
        [METRICS_INIT] = SPAN_LITERAL("init"),
        [METRICS_SUBSCRIBED] = SPAN_LITERAL("subscribed"),
        [METRICS_CLOSING] = SPAN_LITERAL("closing"),
    };
    for (size_t i = 0; i < METRICS_STATES; i++) {
        prom_sample(out, name, &(struct prom_label){"state", states[i]}, 1);
        prom_number(out, m->states[i]);
    }
}

/* Each of the next functions returns one figure. */
#define OF_SERVER(function, figure)                                                                \
    static uint64_t function(const struct metrics *m)                                              \
    {                                                                                              \
        return figure;                                                                             \
    }
OF_SERVER(max_connections, m->server.serve->config.max_connections)
OF_SERVER(topics, m->server.broker->topics.count)
OF_SERVER(memory_used, core_of(m)->budget.used)
OF_SERVER(memory_topics, core_of(m)->budget.names)
OF_SERVER(memory_held, core_of(m)->budget.held)
OF_SERVER(memory_limit, core_of(m)->budget.cap)
OF_SERVER(memory_publish_limit, budget_bound(&core_of(m)->budget, BUDGET_QUEUE))
OF_SERVER(messages, core_of(m)->held)
OF_SERVER(published, core_of(m)->counts.published)
OF_SERVER(published_bytes, core_of(m)->counts.published_bytes)
OF_SERVER(delivered, core_of(m)->counts.delivered)
OF_SERVER(finished, core_of(m)->counts.finished)
OF_SERVER(requeued, core_of(m)->counts.requeued)
OF_SERVER(timed_out, core_of(m)->counts.timed_out)
OF_SERVER(dropped, core_of(m)->counts.dropped)

/* --- topics, channels, clients ---------------------------------------------------------------- */

#define OF_TOPIC(field)                                                                            \
    static uint64_t of_topic_##field(const struct stats_topic *topic)                              \
    {                                                                                              \
        return topic->field;                                                                       \
    }
OF_TOPIC(depth)
OF_TOPIC(paused)
OF_TOPIC(channel_count)
OF_TOPIC(message_count)
OF_TOPIC(message_bytes)

#define OF_CHANNEL(field)                                                                          \
    static uint64_t of_channel_##field(const struct stats_channel *channel)                        \
    {                                                                                              \
        return channel->field;                                                                     \
    }
OF_CHANNEL(depth)
OF_CHANNEL(in_flight_count)
OF_CHANNEL(deferred_count)
OF_CHANNEL(client_count)
OF_CHANNEL(paused)
OF_CHANNEL(message_count)
OF_CHANNEL(requeue_count)
OF_CHANNEL(timeout_count)

#define OF_CLIENT(field)                                                                           \
    static uint64_t of_client_##field(const struct stats_client *client)                           \
    {                                                                                              \
        return (uint64_t)client->field;                                                            \
    }
OF_CLIENT(connected)
OF_CLIENT(ready_count)
OF_CLIENT(in_flight_count)
OF_CLIENT(message_count)
OF_CLIENT(finish_count)
OF_CLIENT(requeue_count)
OF_CLIENT(published)

/* --- the table -------------------------------------------------------------------------------- */

#define SERVER(kind_, name_, function, help_)                                                      \
    {                                                                                              \
        .name = (name_), .kind = PROM_##kind_, .over = METRICS_OF_SERVER, .of_server = (function), \
        .help = (help_)                                                                            \
    }
#define LABELS(name_, function, help_)                                                             \
    {                                                                                              \
        .name = (name_), .kind = PROM_GAUGE, .over = METRICS_OF_LABELS, .of_labels = (function),   \
        .help = (help_)                                                                            \
    }
#define TOPIC(kind_, name_, field, help_)                                                          \
    {                                                                                              \
        .name = "nsqd_topic_" name_, .kind = PROM_##kind_, .over = METRICS_OF_TOPICS,              \
        .of_topic = of_topic_##field, .help = (help_)                                              \
    }
#define SUM(name_, field, help_)                                                                   \
    {                                                                                              \
        .name = "nsqd_topic_" name_, .kind = PROM_GAUGE, .over = METRICS_OF_SUMS,                  \
        .of_channel = of_channel_##field, .help = (help_)                                          \
    }
#define CHANNEL(kind_, name_, field, help_)                                                        \
    {                                                                                              \
        .name = "nsqd_channel_" name_, .kind = PROM_##kind_, .over = METRICS_OF_CHANNELS,          \
        .of_channel = of_channel_##field, .help = (help_)                                          \
    }
#define CLIENT(kind_, name_, field, help_)                                                         \
    {                                                                                              \
        .name = "nsqd_client_" name_, .kind = PROM_##kind_, .over = METRICS_OF_CLIENTS,            \
        .of_client = of_client_##field, .help = (help_)                                            \
    }

const struct metrics_family metrics_families[] = {
    LABELS("nsqd_build_info", build_info,
           "Always 1. The version of nsqd that this server is compatible with, and its own."),
    LABELS("process_start_time_seconds", start_time,
           "Time at which the process started, in seconds since 1970."),
    LABELS("process_resident_memory_bytes", resident_memory, "Resident memory of the process."),
    SERVER(GAUGE, "nsqd_memory_used_bytes", memory_used,
           "Memory of messages, topics, channels and clients that counts for --mem-queue-bytes."),
    SERVER(GAUGE, "nsqd_memory_topics_bytes", memory_topics,
           "The part of nsqd_memory_used_bytes that topics and channels need without messages."),
    SERVER(GAUGE, "nsqd_memory_connections_bytes", memory_held,
           "Memory of unsent output and unfinished input. Not a part of nsqd_memory_used_bytes."),
    SERVER(GAUGE, "nsqd_memory_limit_bytes", memory_limit,
           "The limit of nsqd_memory_used_bytes for publishing: --mem-queue-bytes."),
    SERVER(GAUGE, "nsqd_memory_publish_limit_bytes", memory_publish_limit,
           "The limit now. It is lower while the process has too much resident memory."),
    LABELS("nsqd_connections", connections,
           "Connections by protocol. unknown: the first four bytes have not arrived yet; "
           "outgoing: connections that the server has made."),
    SERVER(GAUGE, "nsqd_max_connections", max_connections,
           "The largest number of connections at a time: --max-connections."),
    LABELS("nsqd_clients", clients,
           "V2 clients by state. subscribed: after SUB; closing: after CLS; init: all others."),
    SERVER(GAUGE, "nsqd_topics", topics, "Topics."),
    SERVER(GAUGE, "nsqd_messages", messages,
           "Messages in all topics and channels. A message counts once for each channel."),
    SERVER(COUNTER, "nsqd_messages_published_total", published,
           "Messages that were published to all topics, also to deleted ones."),
    SERVER(COUNTER, "nsqd_published_bytes_total", published_bytes,
           "Bytes of the bodies of these messages."),
    SERVER(COUNTER, "nsqd_messages_delivered_total", delivered,
           "Deliveries of a message to a consumer, also repeated ones."),
    SERVER(COUNTER, "nsqd_messages_finished_total", finished, "FIN commands that succeeded."),
    SERVER(COUNTER, "nsqd_messages_requeued_total", requeued, "REQ commands that succeeded."),
    SERVER(COUNTER, "nsqd_messages_timed_out_total", timed_out,
           "Deliveries that were not finished, requeued or touched in time."),
    SERVER(COUNTER, "nsqd_messages_dropped_total", dropped,
           "Messages that were lost because the queue of an ephemeral topic or channel was full."),

    TOPIC(GAUGE, "depth", depth,
          "Messages that the topic keeps because it is paused or has no channel."),
    TOPIC(GAUGE, "paused", paused, "1 when the topic is paused."),
    TOPIC(GAUGE, "channels", channel_count, "Channels of the topic."),
    TOPIC(COUNTER, "messages_total", message_count, "Messages that were published to the topic."),
    TOPIC(COUNTER, "message_bytes_total", message_bytes, "Bytes of the bodies of these messages."),
    SUM("channel_depth", depth, "Messages in the queues of all channels of the topic."),
    SUM("in_flight_messages", in_flight_count,
        "Messages of all channels of the topic that a consumer has and has not answered yet."),
    SUM("deferred_messages", deferred_count,
        "Messages of all channels of the topic that wait until a delay is over."),
    SUM("consumers", client_count, "Consumers of all channels of the topic."),
    {.name = "nsqd_topic_e2e_processing_latency_seconds",
     .kind = PROM_SUMMARY,
     .over = METRICS_OF_TOPIC_LATENCIES,
     .help = "Time from the publish of a message to its FIN, in all channels of the topic, in the "
             "last --e2e-processing-latency-window-time."},

    CHANNEL(GAUGE, "depth", depth, "Messages in the queue of the channel."),
    CHANNEL(GAUGE, "in_flight_messages", in_flight_count,
            "Messages that a consumer has and has not answered yet."),
    CHANNEL(GAUGE, "deferred_messages", deferred_count,
            "Messages that wait until a delay is over."),
    CHANNEL(GAUGE, "consumers", client_count, "Consumers of the channel."),
    CHANNEL(GAUGE, "paused", paused, "1 when the channel is paused."),
    CHANNEL(COUNTER, "messages_total", message_count, "Messages that the channel got."),
    CHANNEL(COUNTER, "messages_requeued_total", requeue_count, "REQ commands that succeeded."),
    CHANNEL(COUNTER, "messages_timed_out_total", timeout_count,
            "Deliveries that were not finished, requeued or touched in time."),
    {.name = "nsqd_channel_e2e_processing_latency_seconds",
     .kind = PROM_SUMMARY,
     .over = METRICS_OF_CHANNEL_LATENCIES,
     .help = "Time from the publish of a message to its FIN, in the last "
             "--e2e-processing-latency-window-time."},

    {.name = "nsqd_client_info",
     .kind = PROM_GAUGE,
     .over = METRICS_OF_CLIENT_LABELS,
     .help = "Always 1. The names that the client has told in IDENTIFY, and its channel."},
    CLIENT(GAUGE, "start_time_seconds", connected,
           "Time at which the client connected, in seconds since 1970."),
    CLIENT(GAUGE, "ready", ready_count, "The RDY count of the client."),
    CLIENT(GAUGE, "in_flight_messages", in_flight_count,
           "Messages that the client has and has not answered yet."),
    CLIENT(COUNTER, "messages_delivered_total", message_count,
           "Deliveries of a message to the client, also repeated ones."),
    CLIENT(COUNTER, "messages_finished_total", finish_count, "FIN commands that succeeded."),
    CLIENT(COUNTER, "messages_requeued_total", requeue_count, "REQ commands that succeeded."),
    CLIENT(COUNTER, "messages_published_total", published, "Messages that the client published."),
};
const size_t metrics_family_count = sizeof metrics_families / sizeof metrics_families[0];
