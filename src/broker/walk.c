/* SPDX-License-Identifier: MIT */
/* Finds the next element in the ordered sets of the broker. */
#include "broker/walk.h"

struct topic *walk_topic_after(const struct broker *broker, struct span name)
{
    struct sorted_entry *entry = sorted_after(&broker->topics_in_order, name);
    return entry == NULL ? NULL : container_of(entry, struct topic, in_order);
}

struct channel *walk_channel_after(const struct topic *topic, struct span name)
{
    struct sorted_entry *entry = sorted_after(&topic->channels_in_order, name);
    return entry == NULL ? NULL : container_of(entry, struct channel, in_order);
}

struct consumer *walk_consumer_after(const struct channel *channel, uint64_t place)
{
    uint8_t name[sizeof place];
    be64_store(name, place);
    struct sorted_entry *entry =
        sorted_after(&channel->consumers_in_order, span_make(name, sizeof name));
    return entry == NULL ? NULL : container_of(entry, struct consumer, in_order);
}
