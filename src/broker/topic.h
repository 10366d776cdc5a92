/* SPDX-License-Identifier: MIT */
/*
 * Owns: a topic: its channels, the messages that no channel has taken yet, and its id clock.
 * A topic keeps messages while it has no channel or is paused. Its first channel gets what was
 * kept; a later channel gets only later messages.
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
    uint64_t serial; /* no other topic of the broker has or had it; more than 0 */
    bool ephemeral;
    bool paused;
    struct queue queue;       /* messages that no channel has yet */
    struct channel *channels; /* table by name */
    struct guid_clock ids;    /* its last id */
    /* nsqd's /stats shows these two. */
    uint64_t message_count;
    uint64_t message_bytes;
    uint64_t drop_count; /* messages that found a full ephemeral topic. Not in /stats; tests and the
                            fuzz model prove with it that no other message is lost */
};

/* Bytes charged for one. */
#define TOPIC_COST (sizeof(struct topic) + TABLE_COST + ALLOC_OVERHEAD)

struct topic *topic_new(struct broker_core *core, struct span name);

/* Ends a topic whose channels have no consumers, with its channels and messages. It must be out of
 * the broker's table. */
void topic_free(struct topic *topic);

/* The channel with a valid name. topic_channel makes it when it is missing; NULL when the memory
 * budget has no room for it. A first channel gets the messages that the topic has kept, and their
 * delays begin at `now`. topic_find_channel makes none. */
struct channel *topic_channel(struct topic *topic, struct span name, int64_t now);
struct channel *topic_find_channel(const struct topic *topic, struct span name);

/* Takes a channel that has no consumers out of the topic, and ends it. */
void topic_remove_channel(struct topic *topic, struct channel *channel);

/* How many bytes publishing `count` messages with this delay adds to what they cost now: their
 * shares in channels, and the wait for their delay. One body may become as many messages as there
 * are channels, so broker_publish asks for room first. */
size_t topic_publish_cost(const struct topic *topic, size_t count, int64_t delay);

/* Gives a body its id, its timestamp and its delay, before it is published. `wall` is the time
 * since 1970 in ns. */
void topic_stamp(struct topic *topic, struct body *body, int64_t delay, int64_t wall);

/* Takes a message that is in no queue and whose body is stamped, and hands it to the channels. A
 * full ephemeral topic drops it, as nsqd does. */
void topic_publish(struct topic *topic, struct message *message, int64_t now);

/* Stops and resumes the move to the channels. A delay begins when a channel gets the message. */
void topic_pause(struct topic *topic, bool paused, int64_t now);

#endif
