/* SPDX-License-Identifier: MIT */
/*
 * Owns: the walk over all topics, channels and consumers, for statistics. The place of a walk is
 * the last name or number, so a walk can stop anywhere and go on later, whatever came and went
 * meanwhile. Each step needs O(log n). Must not know: what is done with what the walk finds.
 */
#ifndef BROKER_WALK_H
#define BROKER_WALK_H

#include "broker/broker.h"

/* Returns the topic with the smallest name that is larger than `name`, or NULL. The empty name
 * gives the first topic. */
struct topic *walk_topic_after(const struct broker *broker, struct span name);

/* Returns the channel of the topic with the smallest name that is larger than `name`, or NULL. The
 * empty name gives the first channel. */
struct channel *walk_channel_after(const struct topic *topic, struct span name);

/* Returns the consumer of the channel that was the first to join after the one with the number
 * `place` (consumer.place), or NULL. 0 gives the first consumer. */
struct consumer *walk_consumer_after(const struct channel *channel, uint64_t place);

#endif
