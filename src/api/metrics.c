/* SPDX-License-Identifier: MIT */
/*
 * Writes one family after the other, one topic, channel or client at a time. Must not know: which
 * families there are (metrics_families.c), how a line looks (prom_text.c).
 */
#include "api/metrics.h"

#include "base/text.h"
#include "http/http_server.h"
#include "serve/magic.h"

static const struct metrics_family *family_of(const struct metrics *m)
{
    return &metrics_families[m->family];
}

/* Returns whether the page has this family. */
static bool is_wanted(const struct metrics *m, const struct metrics_family *family)
{
    bool latencies = m->server.broker->core.config.latency.percentile_count > 0;
    switch (family->over) {
    case METRICS_OF_TOPIC_LATENCIES:
        return latencies;
    case METRICS_OF_CHANNELS:
        return m->options.channels;
    case METRICS_OF_CHANNEL_LATENCIES:
        return m->options.channels && latencies;
    case METRICS_OF_CLIENTS:
    case METRICS_OF_CLIENT_LABELS:
        return m->options.clients;
    default:
        return true;
    }
}

/* --- samples ---------------------------------------------------------------------------------- */

/* Appends a sample of the current topic. */
static void topic_sample(const struct metrics *m, struct buf *out, uint64_t number)
{
    const struct prom_label topic = {"topic", name_span(&m->walk.topic)};
    prom_sample(out, family_of(m)->name, &topic, 1);
    prom_number(out, number);
}

/* Sets the labels of the current channel. */
static void channel_labels(const struct metrics *m, struct prom_label labels[2])
{
    labels[0] = (struct prom_label){"topic", name_span(&m->walk.topic)};
    labels[1] = (struct prom_label){"channel", name_span(&m->walk.channel)};
}

/* Appends a sample for each percentile. The first `count` labels are those of the topic or channel;
 * there is room for one more. A percentile of no messages is not a number. */
static void latency_samples(const struct metrics *m, struct buf *out, struct prom_label *labels,
                            size_t count, const struct stats_latency *latency)
{
    for (size_t i = 0; i < latency->n; i++) {
        labels[count] = (struct prom_label){"quantile", m->server.quantiles[i]};
        prom_sample(out, family_of(m)->name, labels, count + 1);
        if (latency->count > 0) {
            prom_seconds(out, (int64_t)latency->values[i]);
        } else {
            prom_no_number(out);
        }
    }
}

static void channel_latencies(const struct metrics *m, struct buf *out,
                              const struct channel *channel, int64_t now)
{
    struct prom_label labels[3];
    struct stats_latency latency;
    channel_labels(m, labels);
    stats_read_latency(channel->latency, &latency, now);
    latency_samples(m, out, labels, 2, &latency);
}

static void client_sample(const struct metrics *m, struct buf *out,
                          const struct stats_client *client)
{
    struct buf number = {0};
    text_append_unsigned(&number, client->connection);
    const struct prom_label labels[] = {
        {"connection", buf_span(&number)},   {"client_id", client->client_id},
        {"hostname", client->hostname},      {"user_agent", client->user_agent},
        {"address", client->remote_address}, {"topic", client->topic},
        {"channel", client->channel},
    };
    if (family_of(m)->over == METRICS_OF_CLIENT_LABELS) {
        prom_sample(out, family_of(m)->name, labels, sizeof labels / sizeof labels[0]);
        prom_number(out, 1);
    } else {
        prom_sample(out, family_of(m)->name, labels, 2);
        prom_number(out, family_of(m)->of_client(client));
    }
    buf_free(&number);
}

/* --- the steps -------------------------------------------------------------------------------- */

static enum metrics_protocol protocol_of(const struct conn *conn)
{
    return conn->protocol == &v2_protocol      ? METRICS_V2
           : conn->protocol == &http_protocol  ? METRICS_HTTP
           : conn->protocol == &magic_protocol ? METRICS_UNKNOWN
                                               : METRICS_OUTGOING;
}

static enum metrics_state state_of(const struct session *session)
{
    return session->state == SESSION_INIT         ? METRICS_INIT
           : session->state == SESSION_SUBSCRIBED ? METRICS_SUBSCRIBED
                                                  : METRICS_CLOSING;
}

static void step_count(struct metrics *m)
{
    if (!stats_walk_has_slot(&m->walk)) {
        m->step = METRICS_FAMILY;
        return;
    }
    const struct conn *conn = stats_walk_next_slot(&m->walk);
    const struct session *session = stats_session_of(conn);
    if (conn != NULL) {
        m->protocols[protocol_of(conn)]++;
    }
    if (session != NULL) {
        m->states[state_of(session)]++;
    }
}

static void next_family(struct metrics *m)
{
    m->family++;
    m->step = METRICS_FAMILY;
}

static void step_family(struct metrics *m, struct buf *out)
{
    while (m->family < metrics_family_count && !is_wanted(m, family_of(m))) {
        m->family++;
    }
    if (m->family == metrics_family_count) {
        m->step = METRICS_DONE;
        return;
    }
    const struct metrics_family *family = family_of(m);
    prom_family(out, family->name, family->kind, family->help);
    stats_walk_rewind(&m->walk);
    switch (family->over) {
    case METRICS_OF_SERVER:
        prom_sample(out, family->name, NULL, 0);
        prom_number(out, family->of_server(m));
        m->family++;
        break;
    case METRICS_OF_LABELS:
        family->of_labels(m, out, family->name);
        m->family++;
        break;
    case METRICS_OF_CLIENTS:
    case METRICS_OF_CLIENT_LABELS:
        m->step = METRICS_CLIENT;
        break;
    default:
        m->step = METRICS_TOPIC;
    }
}

static void step_topic(struct metrics *m, struct buf *out, int64_t now)
{
    const struct topic *topic = stats_walk_next_topic(&m->walk);
    if (topic == NULL) {
        next_family(m);
        return;
    }
    if (family_of(m)->over == METRICS_OF_TOPICS) {
        const struct stats_topic figures = stats_of_topic(topic);
        topic_sample(m, out, family_of(m)->of_topic(&figures));
    } else if (family_of(m)->over == METRICS_OF_TOPIC_LATENCIES) {
        m->step = stats_walk_begin_sum(&m->walk, now) ? METRICS_LATENCY : METRICS_TOPIC;
    } else {
        m->sum = 0;
        m->step = METRICS_CHANNEL;
    }
}

static void step_channel(struct metrics *m, struct buf *out, int64_t now)
{
    const struct channel *channel = stats_walk_next_channel(&m->walk);
    if (channel == NULL) {
        if (family_of(m)->over == METRICS_OF_SUMS && stats_walk_topic_is_there(&m->walk)) {
            topic_sample(m, out, m->sum);
        }
        m->step = METRICS_TOPIC;
        return;
    }
    if (family_of(m)->over == METRICS_OF_CHANNEL_LATENCIES) {
        channel_latencies(m, out, channel, now);
        return;
    }
    const struct stats_channel figures = stats_of_channel(channel);
    uint64_t number = family_of(m)->of_channel(&figures);
    if (family_of(m)->over == METRICS_OF_SUMS) {
        m->sum += number;
        return;
    }
    struct prom_label labels[2];
    channel_labels(m, labels);
    prom_sample(out, family_of(m)->name, labels, 2);
    prom_number(out, number);
}

static void step_latency(struct metrics *m, struct buf *out, int64_t now)
{
    struct prom_label labels[2] = {{"topic", name_span(&m->walk.topic)}};
    if (!stats_walk_add(&m->walk, &m->latency, now)) {
        return;
    }
    if (stats_walk_topic_is_there(&m->walk)) {
        latency_samples(m, out, labels, 1, &m->latency);
    }
    m->step = METRICS_TOPIC;
}

static void step_client(struct metrics *m, struct buf *out)
{
    if (!stats_walk_has_slot(&m->walk)) {
        next_family(m);
        return;
    }
    const struct session *session = stats_session_of(stats_walk_next_slot(&m->walk));
    if (session != NULL) {
        const struct stats_client figures = stats_of_client(session, span_make(NULL, 0));
        client_sample(m, out, &figures);
    }
}

static void do_step(struct metrics *m, struct buf *out, int64_t now)
{
    switch (m->step) {
    case METRICS_COUNT:
        step_count(m);
        break;
    case METRICS_FAMILY:
        step_family(m, out);
        break;
    case METRICS_TOPIC:
        step_topic(m, out, now);
        break;
    case METRICS_CHANNEL:
        step_channel(m, out, now);
        break;
    case METRICS_LATENCY:
        step_latency(m, out, now);
        break;
    case METRICS_CLIENT:
        step_client(m, out);
        break;
    case METRICS_DONE:
        break;
    }
}

/* --- the page --------------------------------------------------------------------------------- */

void metrics_begin(struct metrics *m, const struct stats_server *server,
                   const struct metrics_options *options)
{
    *m = (struct metrics){.server = *server, .options = *options};
    m->walk =
        stats_walk_start(server->broker, server->serve, span_make(NULL, 0), span_make(NULL, 0));
}

bool metrics_write(struct metrics *m, struct buf *out, size_t most, int64_t now)
{
    const struct effort *effort = &m->server.broker->core.effort;
    size_t end = out->n + most;
    do {
        size_t before = out->n;
        bool looks_at_slot = m->step == METRICS_COUNT || m->step == METRICS_CLIENT;
        do_step(m, out, now);
        stats_walk_count(&m->walk, looks_at_slot, out->n - before);
    } while (m->step != METRICS_DONE && out->n < end && effort_is_left(effort));
    return m->step == METRICS_DONE;
}

void metrics_end(struct metrics *m)
{
    stats_walk_end(&m->walk);
}
