/* SPDX-License-Identifier: MIT */
/*
 * Deletes, empties and pauses topics and channels. Logs a deletion with the same lines as nsqd.
 * Must not know: who requests an operation, and how the connection of a consumer is closed.
 */
#include "broker/topology.h"

#include "broker/broker.h"

/* --- finding by name -------------------------------------------------------------------------- */

struct place {
    enum topology_result result;
    struct topic *topic;
    struct channel *channel;
};

static struct place find_topic(const struct broker *broker, struct span name)
{
    struct topic *topic = broker_find_topic(broker, name);
    return (struct place){.result = topic == NULL ? TOPOLOGY_NO_TOPIC : TOPOLOGY_OK,
                          .topic = topic};
}

static struct place find_channel(const struct broker *broker, struct span topic, struct span name)
{
    struct place place = find_topic(broker, topic);
    if (place.result == TOPOLOGY_OK) {
        place.channel = topic_find_channel(place.topic, name);
        place.result = place.channel == NULL ? TOPOLOGY_NO_CHANNEL : TOPOLOGY_OK;
    }
    return place;
}

/* --- deleting --------------------------------------------------------------------------------- */

void topology_end_channel(struct channel *channel)
{
    log_say(channel->core->log, LOG_INFO, "CHANNEL(%): deleting", name_span(&channel->name));
    changes_note(&channel->core->changes, name_span(&channel->topic->name),
                 name_span(&channel->name), true);
    topic_remove_channel(channel->topic, channel);
}

static void end_topic(struct broker *broker, struct topic *topic)
{
    log_say(broker->core.log, LOG_INFO, "TOPIC(%): deleting", name_span(&topic->name));
    changes_note(&broker->core.changes, name_span(&topic->name), span_make(NULL, 0), true);
    broker_remove_topic(broker, topic);
    topic_end(topic);
    broker_collect(broker);
}

static void delete_channel(struct broker *broker, struct channel *channel)
{
    struct topic *topic = channel->topic;
    log_say(broker->core.log, LOG_INFO, "TOPIC(%): deleting channel %", name_span(&topic->name),
            name_span(&channel->name));
    topology_end_channel(channel);
    if (topic->ephemeral && topic->table.count == 0) {
        end_topic(broker, topic);
    }
    broker_collect(broker);
}

enum topology_result broker_delete_topic(struct broker *broker, struct span topic)
{
    struct place place = find_topic(broker, topic);
    if (place.result == TOPOLOGY_OK) {
        end_topic(broker, place.topic);
    }
    return place.result;
}

enum topology_result broker_delete_channel(struct broker *broker, struct span topic,
                                           struct span channel)
{
    struct place place = find_channel(broker, topic, channel);
    if (place.result == TOPOLOGY_OK) {
        delete_channel(broker, place.channel);
    }
    return place.result;
}

/* --- emptying and pausing --------------------------------------------------------------------- */

enum topology_result broker_empty_topic(struct broker *broker, struct span topic)
{
    struct place place = find_topic(broker, topic);
    if (place.result == TOPOLOGY_OK) {
        topic_empty(place.topic);
        broker_collect(broker);
    }
    return place.result;
}

enum topology_result broker_empty_channel(struct broker *broker, struct span topic,
                                          struct span channel)
{
    struct place place = find_channel(broker, topic, channel);
    if (place.result == TOPOLOGY_OK) {
        channel_empty(place.channel);
        broker_collect(broker);
    }
    return place.result;
}

enum topology_result broker_pause_topic(struct broker *broker, struct span topic, bool paused,
                                        int64_t now)
{
    struct place place = find_topic(broker, topic);
    if (place.result == TOPOLOGY_OK) {
        topic_pause(place.topic, paused, now);
    }
    return place.result;
}

enum topology_result broker_pause_channel(struct broker *broker, struct span topic,
                                          struct span channel, bool paused)
{
    struct place place = find_channel(broker, topic, channel);
    if (place.result == TOPOLOGY_OK) {
        channel_pause(place.channel, paused);
    }
    return place.result;
}

/* --- consumers -------------------------------------------------------------------------------- */

void broker_unsubscribe(struct broker *broker, struct consumer *consumer)
{
    struct channel *channel = consumer->channel;
    if (consumer->orphan) {
        list_remove(&consumer->link);
        consumer->orphan = false;
    }
    if (channel == NULL) {
        return;
    }
    channel_leave(consumer);
    if (channel->ephemeral && channel->consumer_count == 0 && !channel_is_ending(channel)) {
        delete_channel(broker, channel);
    }
}

struct consumer *broker_next_orphan(struct broker *broker)
{
    if (list_empty(&broker->core.orphans)) {
        return NULL;
    }
    struct consumer *consumer = container_of(broker->core.orphans.next, struct consumer, link);
    list_remove(&consumer->link);
    consumer->orphan = false;
    return consumer;
}
