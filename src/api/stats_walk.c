/* SPDX-License-Identifier: MIT */
/* Finds the next topic, channel, consumer or connection. Must not know: what is reported. */
#include "api/stats_walk.h"

static struct stats_name name_given(struct span text)
{
    struct stats_name name = {.given = text.n > 0, .possible = text.n <= NSQ_NAME_MAX};
    if (name.given && name.possible) {
        name.name = name_make(text);
    }
    return name;
}

struct stats_walk stats_walk_start(struct broker *broker, const struct serve *serve,
                                   struct span topic, struct span channel)
{
    return (struct stats_walk){.broker = broker,
                               .serve = serve,
                               .only_topic = name_given(topic),
                               .only_channel = name_given(channel)};
}

void stats_walk_rewind(struct stats_walk *walk)
{
    stats_walk_end(walk);
    walk->topic = (struct name){0};
    walk->channel = (struct name){0};
    walk->consumer = 0;
    walk->slot = 0;
}

void stats_walk_end(struct stats_walk *walk)
{
    latency_free(walk->sum);
    walk->sum = NULL;
}

void stats_walk_count(const struct stats_walk *walk, bool slot, size_t bytes)
{
    effort_use(&walk->broker->core.effort,
               (slot ? STATS_EFFORT_SLOT : STATS_EFFORT_STEP) + bytes / STATS_EFFORT_BYTES);
}

/* --- topics ----------------------------------------------------------------------------------- */

/* Returns the topic after the current one, or NULL. */
static struct topic *topic_after(const struct stats_walk *walk)
{
    if (!walk->only_topic.given) {
        return walk_topic_after(walk->broker, name_span(&walk->topic));
    }
    if (!walk->only_topic.possible || walk->topic.n > 0) {
        return NULL;
    }
    return broker_find_topic(walk->broker, name_span(&walk->only_topic.name));
}

bool stats_walk_has_topic(const struct stats_walk *walk)
{
    return topic_after(walk) != NULL;
}

struct topic *stats_walk_next_topic(struct stats_walk *walk)
{
    struct topic *topic = topic_after(walk);
    if (topic != NULL) {
        walk->topic = topic->name;
        walk->topic_serial = topic->serial;
        walk->channel = (struct name){0};
    }
    return topic;
}

/* Returns the current topic, or NULL when it was deleted. */
static struct topic *current_topic(const struct stats_walk *walk)
{
    struct topic *topic = broker_find_topic(walk->broker, name_span(&walk->topic));
    return topic != NULL && topic->serial == walk->topic_serial ? topic : NULL;
}

bool stats_walk_topic_is_there(const struct stats_walk *walk)
{
    return current_topic(walk) != NULL;
}

/* --- channels --------------------------------------------------------------------------------- */

/* Returns the channel after the current one, or NULL. */
static struct channel *channel_after(const struct stats_walk *walk)
{
    const struct topic *topic = current_topic(walk);
    if (topic == NULL) {
        return NULL;
    }
    if (!walk->only_channel.given) {
        return walk_channel_after(topic, name_span(&walk->channel));
    }
    if (!walk->only_channel.possible || walk->channel.n > 0) {
        return NULL;
    }
    return topic_find_channel(topic, name_span(&walk->only_channel.name));
}

bool stats_walk_has_channel(const struct stats_walk *walk)
{
    return channel_after(walk) != NULL;
}

struct channel *stats_walk_next_channel(struct stats_walk *walk)
{
    struct channel *channel = channel_after(walk);
    if (channel != NULL) {
        walk->channel = channel->name;
        walk->channel_serial = channel->serial;
        walk->consumer = 0;
    }
    return channel;
}

/* Returns the current channel, or NULL when it was deleted. */
static const struct channel *current_channel(const struct stats_walk *walk)
{
    const struct topic *topic = current_topic(walk);
    const struct channel *channel =
        topic == NULL ? NULL : topic_find_channel(topic, name_span(&walk->channel));
    return channel != NULL && channel->serial == walk->channel_serial ? channel : NULL;
}

/* --- clients ---------------------------------------------------------------------------------- */

const struct consumer *stats_walk_next_consumer(struct stats_walk *walk)
{
    const struct channel *channel = current_channel(walk);
    const struct consumer *consumer =
        channel == NULL ? NULL : walk_consumer_after(channel, walk->consumer);
    if (consumer != NULL) {
        walk->consumer = be64_load(consumer->place);
    }
    return consumer;
}

const struct conn *stats_walk_next_slot(struct stats_walk *walk)
{
    return walk->serve->slots[walk->slot++].conn;
}

const struct session *stats_session_of(const struct conn *conn)
{
    return conn != NULL && conn->protocol == &v2_protocol ? conn->session : NULL;
}

/* --- latencies -------------------------------------------------------------------------------- */

bool stats_walk_begin_sum(struct stats_walk *walk, int64_t now)
{
    const struct topic *topic = current_topic(walk);
    struct broker_core *core = &walk->broker->core;
    if (topic == NULL || topic->table.count == 0 || core->config.latency.percentile_count == 0 ||
        !budget_has_room(&core->budget, BUDGET_CLIENT, LATENCY_COST)) {
        return false;
    }
    walk->sum = latency_new(&core->latency, now);
    walk->summed = (struct name){0};
    return true;
}

bool stats_walk_add(struct stats_walk *walk, struct stats_latency *figures, int64_t now)
{
    const struct topic *topic = current_topic(walk);
    struct channel *channel =
        topic == NULL ? NULL : walk_channel_after(topic, name_span(&walk->summed));
    if (channel != NULL) {
        latency_add(walk->sum, channel->latency, now);
        walk->summed = channel->name;
        return false;
    }
    stats_read_latency(walk->sum, figures, now);
    stats_walk_end(walk);
    return true;
}
