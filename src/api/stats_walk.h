/* SPDX-License-Identifier: MIT */
/*
 * Owns: the way of a report of statistics through all topics, channels, consumers and connections.
 * A struct stats_walk remembers its place by names and numbers, and has no pointer to a topic,
 * channel or connection. So a report can stop after every step, and continue later, even if there
 * are other topics, channels or clients now. To find the next one of n topics, channels or
 * consumers needs O(log n).
 * Must not know: which figures are reported, how they are printed.
 *
 * Topics and channels are visited in the order of their names, consumers in the order in which they
 * subscribed, and connections in the order of their slots. What is asked for and exists from the
 * first to the last step of a walk is visited exactly once. What is made or deleted during the walk
 * may be visited or not. No name of a topic is visited twice. In one topic, no name of a channel is
 * visited twice. When the current topic is deleted, the walk visits no more of its channels, even
 * if a new topic has the same name. The same is true for the consumers of the current channel.
 */
#ifndef API_STATS_WALK_H
#define API_STATS_WALK_H

#include "api/stats_values.h"

/* Units of effort. */
#define STATS_EFFORT_STEP 4   /* a topic, channel or client is found */
#define STATS_EFFORT_SLOT 1   /* a slot of serve is looked at */
#define STATS_EFFORT_BYTES 32 /* bytes: to write this many bytes of text costs one unit */

/* A name that a request gives. */
struct stats_name {
    bool given;
    bool possible; /* the bytes are not too long for a name */
    struct name name;
};

/* stats_walk_start sets all fields. The fields after `channel` are only for stats_walk.c and for
 * the functions in this file. */
struct stats_walk {
    struct broker *broker; /* not const, because reading the latencies changes them */
    const struct serve *serve;
    struct stats_name only_topic;
    struct stats_name only_channel;
    struct name topic;     /* the current topic; 0 bytes: there was none yet */
    uint64_t topic_serial; /* differs if the topic was deleted and made again */
    struct name channel;   /* the current channel of the topic; 0 bytes: there was none yet */
    uint64_t channel_serial;
    uint64_t consumer;   /* the number of the current consumer; 0: there was none yet */
    size_t slot;         /* the next slot of serve */
    struct latency *sum; /* of the latencies of the channels of the topic; NULL: none */
    struct name summed;  /* the channel that was added last to the sum */
};

/* Begins a walk. If `topic` or `channel` has 0 bytes, the walk visits all of them; otherwise only
 * those with this name. The bytes need not be a valid name. `broker` and `serve` are borrowed until
 * stats_walk_end. `serve` may be NULL when the slots are not visited. */
struct stats_walk stats_walk_start(struct broker *broker, const struct serve *serve,
                                   struct span topic, struct span channel);

/* Begins the same walk again. */
void stats_walk_rewind(struct stats_walk *walk);

/* Frees the sum of latencies. The walk need not be complete. */
void stats_walk_end(struct stats_walk *walk);

/* Returns whether stats_walk_next_topic would return a topic. */
bool stats_walk_has_topic(const struct stats_walk *walk);

/* Goes to the next topic. Returns NULL when there is no more topic. */
struct topic *stats_walk_next_topic(struct stats_walk *walk);

/* Returns whether the current topic was not deleted. */
bool stats_walk_topic_is_there(const struct stats_walk *walk);

/* Goes to the next channel of the current topic. Returns NULL when there is no more channel, or
 * when the topic was deleted. */
struct channel *stats_walk_next_channel(struct stats_walk *walk);

/* Returns whether stats_walk_next_channel would return a channel. */
bool stats_walk_has_channel(const struct stats_walk *walk);

/* Goes to the next consumer of the current channel. Returns NULL when there is no more consumer, or
 * when the channel was deleted. */
const struct consumer *stats_walk_next_consumer(struct stats_walk *walk);

/* Returns whether there is one more slot of serve. A slot may contain one connection. */
static inline bool stats_walk_has_slot(const struct stats_walk *walk)
{
    return walk->slot < walk->serve->slot_count;
}

/* Goes to the next slot of serve, which must exist. Returns its connection, or NULL when the slot
 * is free. */
const struct conn *stats_walk_next_slot(struct stats_walk *walk);

/* Returns the session of a connection of a V2 client, or NULL. `conn` may be NULL. */
const struct session *stats_session_of(const struct conn *conn);

/* Begins to add up the latencies of all channels of the current topic, also of channels that the
 * walk does not visit (as in nsqd). Returns false if there is nothing to add up, or no memory for
 * the sum. The memory budget counts the sum. */
bool stats_walk_begin_sum(struct stats_walk *walk, int64_t now);

/* Adds the latencies of one more channel. Returns true when the sum is complete. Then *figures is
 * set, and the memory of the sum is free. */
bool stats_walk_add(struct stats_walk *walk, struct stats_latency *figures, int64_t now);

/* Counts the work of one step in the effort of the current call. `slot`: the step has only looked
 * at a slot of serve, which is little work. `bytes`: how many bytes the step has written. */
void stats_walk_count(const struct stats_walk *walk, bool slot, size_t bytes);

#endif
