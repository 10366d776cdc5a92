/* SPDX-License-Identifier: MIT */
/*
 * Owns: what happens to topics and channels as a whole, with consumers on them and messages in
 * flight: they are deleted, emptied and paused.
 *
 * A channel that is deleted has consumers whose connections must be closed, which only the session
 * layer can do. Such a consumer is an orphan: it is subscribed to nothing, has nothing in flight,
 * and waits until broker_next_orphan hands it out or its owner calls broker_unsubscribe.
 */
#ifndef BROKER_TOPOLOGY_H
#define BROKER_TOPOLOGY_H

#include "broker/channel.h"

struct broker;

enum topology_result {
    TOPOLOGY_OK,
    TOPOLOGY_NO_TOPIC,   /* there is no topic with this name */
    TOPOLOGY_NO_CHANNEL, /* there is, but it has no channel with this name */
};

/* Deletes a topic with its channels, or one channel, and all messages. An ephemeral topic is
 * deleted with its last channel. Publishes that wait for the disk are dropped when it answers. */
enum topology_result broker_delete_topic(struct broker *broker, struct span topic);
enum topology_result broker_delete_channel(struct broker *broker, struct span topic,
                                           struct span channel);

/* Drops the messages that no channel of the topic has yet; or all of a channel, also those in
 * flight and deferred. Counters of what has happened stay as they are. */
enum topology_result broker_empty_topic(struct broker *broker, struct span topic);
enum topology_result broker_empty_channel(struct broker *broker, struct span topic,
                                          struct span channel);

/* Stops and resumes what goes from the topic to its channels, or from the channel to its consumers.
 */
enum topology_result broker_pause_topic(struct broker *broker, struct span topic, bool paused,
                                        int64_t now);
enum topology_result broker_pause_channel(struct broker *broker, struct span topic,
                                          struct span channel, bool paused);

/* Ends a subscription, and with it an ephemeral channel that has lost its last consumer. Does
 * nothing for a consumer that is not subscribed. */
void broker_unsubscribe(struct broker *broker, struct consumer *consumer);

/* Hands out one orphan; NULL: there is none. */
struct consumer *broker_next_orphan(struct broker *broker);

#endif
