/* SPDX-License-Identifier: MIT */
/*
 * Owns: the operations that delete, empty or pause a whole topic or channel. These
 * operations are allowed while consumers are subscribed and messages are in flight.
 *
 * When a channel is deleted, the connections of its consumers must be closed, and only the session
 * layer can close them. A consumer whose channel was deleted is called an orphan. An orphan is
 * subscribed to nothing and has no messages in flight. A consumer stops being an orphan when
 * broker_next_orphan returns it, or when its owner calls broker_unsubscribe.
 */
#ifndef BROKER_TOPOLOGY_H
#define BROKER_TOPOLOGY_H

#include "broker/channel.h"

struct broker;

enum topology_result {
    TOPOLOGY_OK,
    TOPOLOGY_NO_TOPIC,   /* there is no topic with this name */
    TOPOLOGY_NO_CHANNEL, /* the topic has no channel with this name */
};

/* Deletes a topic with its channels and messages. From then on, no message of the topic is
 * delivered, and a new topic with this name can be created. Later calls of broker_collect delete
 * the channels; each call deletes a part of them. Messages for this topic that still wait for the
 * disk are dropped when the disk has answered. */
enum topology_result broker_delete_topic(struct broker *broker, struct span topic);

/* Deletes a channel with its messages. From then on, no message of the channel is delivered, and a
 * new channel with this name can be created. Later calls of broker_collect make the consumers
 * orphans; each call does this for a part of them. Deletes the topic too when the topic is
 * ephemeral and this was its last channel. */
enum topology_result broker_delete_channel(struct broker *broker, struct span topic,
                                           struct span channel);

/* Drops the messages that the topic keeps (broker/topic.h). The counters of the topic do not
 * change. */
enum topology_result broker_empty_topic(struct broker *broker, struct span topic);

/* Drops all messages of a channel: queued, in flight and deferred. The counters of the channel do
 * not change. */
enum topology_result broker_empty_channel(struct broker *broker, struct span topic,
                                          struct span channel);

/* When `paused` is true, the topic keeps the messages that are published from now on. When `paused`
 * is false, its channels get the messages that it has kept. */
enum topology_result broker_pause_topic(struct broker *broker, struct span topic, bool paused,
                                        int64_t now);

/* Stops the deliveries from a channel to its consumers when `paused` is true, and resumes them when
 * `paused` is false. */
enum topology_result broker_pause_channel(struct broker *broker, struct span topic,
                                          struct span channel, bool paused);

/* Removes a consumer from its channel. Deletes the channel when it is ephemeral and this was its
 * last consumer. If the consumer is an orphan, removes it from the list of orphans. Does nothing
 * when the consumer is not subscribed and is not an orphan. */
void broker_unsubscribe(struct broker *broker, struct consumer *consumer);

/* Ends one channel of a topic in constant time: removes it from the topic. broker_collect makes
 * orphans of its consumers and frees it. Only the files of src/broker may call this function. */
void topology_end_channel(struct channel *channel);

/* Removes one orphan from the list of orphans and returns it. Returns NULL when the list is
 * empty. */
struct consumer *broker_next_orphan(struct broker *broker);

#endif
