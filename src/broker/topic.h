/* SPDX-License-Identifier: MIT */
/*
 * Owns: a topic: its channels, the messages that no channel has yet, and its id clock.
 * A topic keeps messages while it has no channel and while it is paused. The first channel of a
 * topic gets the messages that the topic has kept. Every other channel gets only messages that
 * leave the topic after the channel was created.
 */
#ifndef BROKER_TOPIC_H
#define BROKER_TOPIC_H

#include "base/table.h"
#include "broker/body.h"
#include "broker/channel.h"
#include "broker/core.h"
#include "broker/guid.h"

struct topic {
    UT_hash_handle hh; /* in the broker's table */
    struct broker_core *core;
    struct name name;
    uint64_t serial; /* > 0; no other topic of the broker has or had the same number */
    bool ephemeral;
    bool paused;
    struct queue queue;       /* messages that no channel has yet */
    struct channel *channels; /* table by name */
    struct guid_clock ids;    /* the id clock */
    /* nsqd's /stats shows the next two counters. */
    uint64_t message_count;
    uint64_t message_bytes;
    uint64_t drop_count; /* messages dropped because the queue was full; not in /stats. Tests and
                            the fuzz model use it to check that no other message is lost */
};

/* How many bytes the memory budget is charged for one topic. */
#define TOPIC_COST (sizeof(struct topic) + TABLE_COST + ALLOC_OVERHEAD)

/* Returns a new topic, which is not in the broker's table yet. */
struct topic *topic_new(struct broker_core *core, struct span name);

/* Frees a topic with its channels and messages. The channels must have no consumers, and the topic
 * must not be in the broker's table. */
void topic_free(struct topic *topic);

/* Returns the channel with this name, which must be valid. Creates the channel when it does not
 * exist. Returns NULL when the memory budget has no room for a new channel. The first channel of a
 * topic gets the messages that the topic has kept, and the delays of these messages begin at
 * `now`. */
struct channel *topic_channel(struct topic *topic, struct span name, int64_t now);

/* Returns the channel with this name, which must be valid, or NULL when it does not exist. */
struct channel *topic_find_channel(const struct topic *topic, struct span name);

/* Removes a channel from the topic and frees it. The channel must have no consumers. */
void topic_remove_channel(struct topic *topic, struct channel *channel);

/* Returns how many bytes the memory budget will be charged when `count` messages with this delay go
 * to the channels. Every channel after the first needs one more message for each body, and every
 * delayed message needs a struct deferred. The bodies have been charged before. */
size_t topic_publish_cost(const struct topic *topic, size_t count, int64_t delay);

/* Sets the id, the timestamp and the delay of a body. To be called before topic_publish. `wall` is
 * the time since 1970 in ns, `delay` is in ns. */
void topic_stamp(struct topic *topic, struct body *body, int64_t delay, int64_t wall);

/* Gives a message to every channel, or puts it into the topic's queue when the topic keeps
 * messages. When that queue is full, an ephemeral topic drops the message, as nsqd does. The
 * message must not be in a queue, and topic_stamp must have been called for its body. The topic
 * owns the message afterwards. */
void topic_publish(struct topic *topic, struct message *message, int64_t now);

/* Stops the moves of messages to the channels when `paused` is true, and resumes them when `paused`
 * is false. A delay begins when the channel gets the message. */
void topic_pause(struct topic *topic, bool paused, int64_t now);

#endif
