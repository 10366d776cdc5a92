/* SPDX-License-Identifier: MIT */
/*
 * Visits topics, channels, consumers and producers, one step at a time. Must not know: how they are
 * printed (stats_json.c, stats_text.c).
 */
#include "api/stats.h"

#include "base/alloc.h"

/* Units of effort. */
#define EFFORT_STEP 4   /* a topic, channel or client is found */
#define EFFORT_SLOT 1   /* a slot of serve is looked at */
#define BYTES_A_UNIT 32 /* so many bytes of text are written */

static const struct stats_form *form_of(const struct stats *stats)
{
    return stats->json ? &stats_json : &stats_text;
}

/* --- the place -------------------------------------------------------------------------------- */

static struct stats_name name_given(struct span text)
{
    struct stats_name name = {.given = text.n > 0, .possible = text.n <= NSQ_NAME_MAX};
    if (name.given && name.possible) {
        name.name = name_make(text);
    }
    return name;
}

/* Returns the topic whose channels are being written, or NULL when it was deleted. */
static struct topic *current_topic(const struct stats *stats)
{
    struct topic *topic = broker_find_topic(stats->server.broker, name_span(&stats->topic.name));
    return topic != NULL && topic->serial == stats->topic.serial ? topic : NULL;
}

/* Returns the channel whose clients are being written, or NULL when it was deleted. */
static const struct channel *current_channel(const struct stats *stats)
{
    const struct topic *topic = current_topic(stats);
    const struct channel *channel =
        topic == NULL ? NULL : topic_find_channel(topic, name_span(&stats->channel.name));
    return channel != NULL && channel->serial == stats->channel.serial ? channel : NULL;
}

/* Returns the topic after the current one, among those that the request wants, or NULL. */
static struct topic *next_topic(const struct stats *stats)
{
    const struct broker *broker = stats->server.broker;
    if (!stats->only_topic.given) {
        return walk_topic_after(broker, name_span(&stats->topic.name));
    }
    if (!stats->only_topic.possible || stats->topic.name.n > 0) {
        return NULL;
    }
    return broker_find_topic(broker, name_span(&stats->only_topic.name));
}

/* Returns the channel of the topic after the last one, among those that the request wants, or
 * NULL. */
static struct channel *next_channel(const struct stats *stats, const struct topic *topic)
{
    if (!stats->only_channel.given) {
        return walk_channel_after(topic, name_span(&stats->channel_place));
    }
    if (!stats->only_channel.possible || stats->channel_place.n > 0) {
        return NULL;
    }
    return topic_find_channel(topic, name_span(&stats->only_channel.name));
}

/* --- the steps -------------------------------------------------------------------------------- */

static void step_head(struct stats *stats, struct buf *out)
{
    stats->unknown_topic = stats->only_topic.given && next_topic(stats) == NULL;
    form_of(stats)->head(stats, out);
    stats->step = STATS_TOPIC;
}

/* Finds the next topic. When a channel is asked for, nsqd leaves out the topics without it. */
static void step_topic(struct stats *stats, struct buf *out, int64_t now)
{
    struct topic *topic = next_topic(stats);
    if (topic == NULL) {
        form_of(stats)->end_topics(stats, out);
        stats->listed = false;
        stats->step = STATS_PRODUCER;
        return;
    }
    stats->topic = stats_of_topic(topic);
    stats->channel_place = (struct name){0};
    if (stats->only_channel.given && next_channel(stats, topic) == NULL) {
        return;
    }
    stats->step = STATS_TOPIC_BEGIN;
    struct broker_core *core = &stats->server.broker->core;
    if (core->config.latency.percentile_count > 0 && topic->table.count > 0 &&
        budget_has_room(&core->budget, BUDGET_CLIENT, LATENCY_COST)) {
        stats->sum = latency_new(&core->latency, now);
        stats->step = STATS_SUM;
    }
}

/* Adds the latencies of one channel to those of the topic: of all channels, also when only one is
 * asked for, as in nsqd. */
static void step_sum(struct stats *stats, int64_t now)
{
    const struct topic *topic = current_topic(stats);
    struct channel *channel =
        topic == NULL ? NULL : walk_channel_after(topic, name_span(&stats->channel_place));
    if (channel != NULL) {
        latency_add(stats->sum, channel->latency, now);
        stats->channel_place = channel->name;
        return;
    }
    stats_read_latency(stats->sum, &stats->topic.latency, now);
    latency_free(stats->sum);
    stats->sum = NULL;
    stats->channel_place = (struct name){0};
    stats->step = STATS_TOPIC_BEGIN;
}

static void step_topic_begin(struct stats *stats, struct buf *out)
{
    form_of(stats)->begin_topic(stats, out);
    stats->listed = true;
    stats->step = STATS_CHANNEL;
}

static void step_channel(struct stats *stats, struct buf *out, int64_t now)
{
    const struct topic *topic = current_topic(stats);
    const struct channel *channel = topic == NULL ? NULL : next_channel(stats, topic);
    if (channel == NULL) {
        form_of(stats)->end_topic(stats, out);
        stats->step = STATS_TOPIC;
        return;
    }
    stats->channel = stats_of_channel(channel, now);
    stats->channel_place = channel->name;
    stats->client_place = 0;
    form_of(stats)->begin_channel(stats, out);
    stats->step = STATS_CLIENT;
}

/* Returns the topic that the counts of published messages are asked for; empty: any. */
static struct span published_topic(const struct stats *stats)
{
    return stats->only_topic.given ? name_span(&stats->only_topic.name) : span_make(NULL, 0);
}

static void write_client(struct stats *stats, struct buf *out, const struct session *session,
                         int64_t wall)
{
    struct stats_client client = stats_of_client(session, published_topic(stats));
    form_of(stats)->client(stats, out, &client, wall);
}

static void step_client(struct stats *stats, struct buf *out, int64_t wall)
{
    const struct channel *channel = stats->clients ? current_channel(stats) : NULL;
    const struct consumer *consumer =
        channel == NULL ? NULL : walk_consumer_after(channel, stats->client_place);
    if (consumer == NULL) {
        form_of(stats)->end_channel(stats, out);
        stats->step = STATS_CHANNEL;
        return;
    }
    stats->client_place = be64_load(consumer->place);
    write_client(stats, out, consumer->owner, wall);
}

/* Looks at the next slot of serve. A client is a producer when it has published a message, whether
 * it is a consumer too or not. nsqd shows no producers when the request names a topic that does not
 * exist. */
static void step_producer(struct stats *stats, struct buf *out, int64_t wall)
{
    const struct serve *serve = stats->server.serve;
    if (stats->slot >= serve->slot_count || !stats->clients || stats->unknown_topic) {
        form_of(stats)->end_producers(stats, out);
        stats->step = STATS_DONE;
        return;
    }
    const struct conn *conn = serve->slots[stats->slot++].conn;
    if (conn != NULL && conn->protocol == &v2_protocol && conn->session != NULL) {
        const struct session *session = conn->session;
        if (session->pub_counts != NULL) {
            write_client(stats, out, session, wall);
            stats->listed = true;
        }
    }
}

static void do_step(struct stats *stats, struct buf *out, int64_t now, int64_t wall)
{
    switch (stats->step) {
    case STATS_HEAD:
        step_head(stats, out);
        break;
    case STATS_TOPIC:
        step_topic(stats, out, now);
        break;
    case STATS_SUM:
        step_sum(stats, now);
        break;
    case STATS_TOPIC_BEGIN:
        step_topic_begin(stats, out);
        break;
    case STATS_CHANNEL:
        step_channel(stats, out, now);
        break;
    case STATS_CLIENT:
        step_client(stats, out, wall);
        break;
    case STATS_PRODUCER:
        step_producer(stats, out, wall);
        break;
    case STATS_DONE:
        break;
    }
}

/* --- the page --------------------------------------------------------------------------------- */

void stats_begin(struct stats *stats, const struct stats_server *server,
                 const struct stats_filter *filter)
{
    *stats = (struct stats){.server = *server,
                            .json = filter->json,
                            .clients = filter->clients,
                            .memory = filter->memory,
                            .only_topic = name_given(filter->topic),
                            .only_channel = name_given(filter->channel)};
    stats->writer = json_writer(NULL, JSON_GO);
}

bool stats_write(struct stats *stats, struct buf *out, size_t most, int64_t now, int64_t wall)
{
    struct effort *effort = &stats->server.broker->core.effort;
    size_t end = out->n + most;
    stats->writer.out = out;
    do {
        size_t before = out->n;
        bool looks_at_slot = stats->step == STATS_PRODUCER;
        do_step(stats, out, now, wall);
        effort_use(effort,
                   (looks_at_slot ? EFFORT_SLOT : EFFORT_STEP) + (out->n - before) / BYTES_A_UNIT);
    } while (stats->step != STATS_DONE && out->n < end && effort_is_left(effort));
    return stats->step == STATS_DONE;
}

void stats_end(struct stats *stats)
{
    latency_free(stats->sum);
    stats->sum = NULL;
}
