/* SPDX-License-Identifier: MIT */
/*
 * Owns: the walk over all topics, channels and consumers, for statistics. A walk remembers only the
 * last name or number that it has visited. So a walk can stop anywhere and continue later, even if
 * topics, channels or consumers were added or removed since. Each step needs O(log n). Must not
 * know: what the statistics are for.
 */
#ifndef BROKER_WALK_H
#define BROKER_WALK_H

#include "broker/broker.h"

/* Returns the topic with the smallest name that is larger than `name`, or NULL. The empty name
 * gives the first topic. */
struct topic *walk_topic_after(const struct broker *broker, struct span name);

/* Returns the topic's channel with the smallest name that is larger than `name`, or NULL. The empty
 * name gives the first channel. */
struct channel *walk_channel_after(const struct topic *topic, struct span name);

/* Each consumer of a channel has a number (consumer.place), in the order in which they joined.
 * Returns the consumer with the smallest number above `place`, or NULL. 0 gives the first
 * consumer. */
struct consumer *walk_consumer_after(const struct channel *channel, uint64_t place);

#endif
