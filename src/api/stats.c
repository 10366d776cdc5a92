/* SPDX-License-Identifier: MIT */
/*
 * Writes topics, channels, consumers and producers, one step at a time. Must not know: how the next
 * one is found (stats_walk.c), how it is printed (stats_json.c, stats_text.c).
 */
#include "api/stats.h"

static const struct stats_form *form_of(const struct stats *stats)
{
    return stats->json ? &stats_json : &stats_text;
}

/* --- the steps -------------------------------------------------------------------------------- */

static void step_head(struct stats *stats, struct buf *out)
{
    stats->unknown_topic = stats->walk.only_topic.given && !stats_walk_has_topic(&stats->walk);
    form_of(stats)->head(stats, out);
    stats->step = STATS_TOPIC;
}

/* Finds the next topic. When a channel is asked for, nsqd leaves out the topics without it. */
static void step_topic(struct stats *stats, struct buf *out, int64_t now)
{
    struct stats_walk *walk = &stats->walk;
    const struct topic *topic = stats_walk_next_topic(walk);
    if (topic == NULL) {
        form_of(stats)->end_topics(stats, out);
        stats->listed = false;
        stats->step = STATS_PRODUCER;
        return;
    }
    stats->topic = stats_of_topic(topic);
    if (walk->only_channel.given && !stats_walk_has_channel(walk)) {
        return;
    }
    stats->step = stats_walk_begin_sum(walk, now) ? STATS_SUM : STATS_TOPIC_BEGIN;
}

static void step_sum(struct stats *stats, int64_t now)
{
    if (stats_walk_add(&stats->walk, &stats->topic.latency, now)) {
        stats->step = STATS_TOPIC_BEGIN;
    }
}

static void step_topic_begin(struct stats *stats, struct buf *out)
{
    form_of(stats)->begin_topic(stats, out);
    stats->listed = true;
    stats->step = STATS_CHANNEL;
}

static void step_channel(struct stats *stats, struct buf *out, int64_t now)
{
    const struct channel *channel = stats_walk_next_channel(&stats->walk);
    if (channel == NULL) {
        form_of(stats)->end_topic(stats, out);
        stats->step = STATS_TOPIC;
        return;
    }
    stats->channel = stats_of_channel(channel);
    stats_read_latency(channel->latency, &stats->channel.latency, now);
    form_of(stats)->begin_channel(stats, out);
    stats->step = STATS_CLIENT;
}

/* Returns the topic that the counts of published messages are asked for; empty: any. */
static struct span published_topic(const struct stats *stats)
{
    const struct stats_name *only = &stats->walk.only_topic;
    return only->given ? name_span(&only->name) : span_make(NULL, 0);
}

static void write_client(struct stats *stats, struct buf *out, const struct session *session,
                         int64_t wall)
{
    struct stats_client client = stats_of_client(session, published_topic(stats));
    form_of(stats)->client(stats, out, &client, wall);
}

static void step_client(struct stats *stats, struct buf *out, int64_t wall)
{
    const struct consumer *consumer =
        stats->clients ? stats_walk_next_consumer(&stats->walk) : NULL;
    if (consumer == NULL) {
        form_of(stats)->end_channel(stats, out);
        stats->step = STATS_CHANNEL;
        return;
    }
    write_client(stats, out, consumer->owner, wall);
}

/* Looks at the next slot of serve. A client is a producer when it has published a message, whether
 * it is a consumer too or not. nsqd shows no producers when the request names a topic that does not
 * exist. */
static void step_producer(struct stats *stats, struct buf *out, int64_t wall)
{
    if (!stats_walk_has_slot(&stats->walk) || !stats->clients || stats->unknown_topic) {
        form_of(stats)->end_producers(stats, out);
        stats->step = STATS_DONE;
        return;
    }
    const struct session *session = stats_session_of(stats_walk_next_slot(&stats->walk));
    if (session != NULL && session->pub_counts != NULL) {
        write_client(stats, out, session, wall);
        stats->listed = true;
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
                            .memory = filter->memory};
    stats->walk = stats_walk_start(server->broker, server->serve, filter->topic, filter->channel);
    stats->writer = json_writer(NULL, JSON_GO);
}

bool stats_write(struct stats *stats, struct buf *out, size_t most, int64_t now, int64_t wall)
{
    const struct effort *effort = &stats->server.broker->core.effort;
    size_t end = out->n + most;
    stats->writer.out = out;
    do {
        size_t before = out->n;
        bool looks_at_slot = stats->step == STATS_PRODUCER;
        do_step(stats, out, now, wall);
        stats_walk_count(&stats->walk, looks_at_slot, out->n - before);
    } while (stats->step != STATS_DONE && out->n < end && effort_is_left(effort));
    return stats->step == STATS_DONE;
}

void stats_end(struct stats *stats)
{
    stats_walk_end(&stats->walk);
}
