/* SPDX-License-Identifier: MIT */
/*
 * Owns: a topic: its channels, the messages that it keeps, and the messages on their way to the
 * channels. A topic keeps messages while it has no channel, while it is paused and while it is
 * starting. All other messages are admitted. A message that is admitted goes to all channels that
 * exist at this moment. The moves to these channels may take several calls, because the effort of
 * one call is limited (base/effort.h). The memory for all moves is reserved before the messages are
 * admitted. For messages that the topic keeps, the memory for their moves is reserved too. So a
 * move never fails. A channel that is made later does not get these messages, even if some of their
 * moves are not done yet. So clients cannot see that the moves take several calls.
 *
 * The first channel of a topic gets the messages that the topic has kept.
 */
#ifndef BROKER_TOPIC_H
#define BROKER_TOPIC_H

#include "base/table.h"
#include "broker/body.h"
#include "broker/channel.h"
#include "broker/core.h"

struct topic {
    struct table_entry entry;     /* in broker->topics */
    struct sorted_entry in_order; /* in broker->topics_in_order */
    struct broker_core *core;
    struct name name;
    uint64_t serial; /* > 0; no other topic of the broker has or had the same number */
    bool ephemeral;
    bool paused;
    bool starting;                   /* the topic is new, and more channels may be made for its
                                      * first messages. Until topic_start it keeps messages */
    bool ended;                      /* the topic was deleted, and has channels that must still be
                                      * deleted */
    struct split_table table;        /* of struct channel, by name */
    struct sorted channels_in_order; /* the same channels, in the order of their names */
    struct list channels;            /* of struct channel, in the order in which they were made */
    struct queue queue;              /* messages that the topic keeps */
    size_t queue_delayed;            /* how many messages of `queue` have a delay */
    struct queue moving;             /* admitted messages that at least one channel has not got
                                      * yet */
    size_t moving_delayed;           /* how many messages of `moving` have a delay */
    struct list moving_link;         /* in core->moving while `moving` is not empty */
    struct list ending_link;         /* in core->ending_topics while `ended` is true */
    struct list starting_link;       /* in core->starting_topics while `starting` is true, until
                                        peer/peer_channels.c takes it out to ask about the topic */
    int64_t starts_by; /* set and used by peer/peer_channels.c: the time at which the topic must
                          start; 0: not set yet */
    /* The channel to which the first message of `moving` goes next. NULL: no channel has got this
     * message yet, so it goes to the first channel. */
    struct channel *next;
    uint64_t admitted;         /* how many messages were ever admitted */
    uint64_t admitted_delayed; /* how many of these messages had a delay */
    size_t moves_held;         /* the part of core->held that comes from moves of this topic */
    size_t moves_left;         /* number of moves that are not done. A move puts one message of
                                * `moving` into one channel */
    size_t delayed_moves_left; /* how many of these moves are of messages with a delay */
    size_t reserved;           /* bytes that were added to the memory budget for these moves, and
                                * for the moves of the messages in `queue` */
    /* nsqd's /stats shows the next two counters. */
    uint64_t message_count;
    uint64_t message_bytes;
    uint64_t drop_count; /* messages dropped because the queue was full; not in /stats. Tests and
                            the fuzz model use it to check that no other message is lost */
};

/* How many bytes of the memory budget one topic uses. */
#define TOPIC_COST (sizeof(struct topic) + TABLE_COST + ALLOC_OVERHEAD)

/* Returns the oldest channel of the topic, or NULL. */
static inline struct channel *topic_first_channel(const struct topic *topic)
{
    const struct list *first = topic->channels.next;
    return first == &topic->channels ? NULL : container_of(first, struct channel, link);
}

/* Returns the channel that was made after this one, or NULL. */
static inline struct channel *topic_next_channel(const struct channel *channel)
{
    const struct list *next = channel->link.next;
    return next == &channel->topic->channels ? NULL : container_of(next, struct channel, link);
}

/* Returns a new topic, which is not in the broker's table yet. */
struct topic *topic_new(struct broker_core *core, struct span name);

/* Frees a topic in constant time. broker_collect frees its messages. The topic must have no
 * channels, and must not be in the broker's table. */
void topic_free(struct topic *topic);

/* Ends the state `starting`. If the topic has a channel and is not paused, the kept messages are
 * admitted. Otherwise the topic still keeps them. In this case an ephemeral topic drops the
 * messages that do not fit into its queue. */
void topic_start(struct topic *topic, int64_t now);

/* Called when the topic was deleted and removed from the broker's table. Drops its messages and
 * adds the topic to core->ending_topics. */
void topic_end(struct topic *topic);

/* Returns the channel with this name, which must be valid. Creates the channel when it does not
 * exist. A new channel needs memory for itself, and for moving the kept messages of the topic to
 * it. Returns NULL when the memory budget has no room for both. When the channel is the first one
 * of the topic, and the topic is neither paused nor starting, the messages that it has kept are
 * admitted. */
struct channel *topic_channel(struct topic *topic, struct span name, int64_t now);

/* Returns the channel with this name, which must be valid, or NULL when it does not exist. */
struct channel *topic_find_channel(const struct topic *topic, struct span name);

/* Removes a channel from the topic and frees it, in constant time. The channel must have no
 * consumers. */
void topic_remove_channel(struct topic *topic, struct channel *channel);

/* When messages go from the topic to its channels, they need more memory. Every channel after the
 * first needs one more message for each body. Every delayed message needs a struct deferred.
 * Returns how many bytes of this memory `count` messages need, if each of them has the delay
 * `delay` and the topic has the channels that exist now. The bodies are not included, because they
 * were added to the memory budget before.
 */
size_t topic_publish_cost(const struct topic *topic, size_t count, int64_t delay);

/* Admits messages, or keeps them; topic_move must be called afterwards. All messages have the delay
 * `delay`. `bytes` is the sum of the sizes of their bodies. When the queue of an ephemeral topic is
 * full, the topic drops the messages that do not fit, as nsqd does. The topic owns the messages
 * afterwards, and `messages` is empty. */
void topic_publish(struct topic *topic, struct queue *messages, uint64_t bytes, int64_t delay);

/* Moves admitted messages to the channels while the current call has effort left, but makes at most
 * `most` moves. A move puts one message into one channel. The delay of a message begins when a
 * channel gets the message. In nsqd, the function messagePump of a topic makes these moves, and
 * there too the delay begins at the move. */
void topic_move(struct topic *topic, size_t most, int64_t now);

/* Returns how many admitted messages a channel of the topic has not got yet. nsqd counts them as
 * messages of the channel. */
size_t topic_moves_to(const struct topic *topic, const struct channel *channel);

/* Does the same as topic_moves_to, but only for the messages with a delay. The channel will defer
 * them. */
size_t topic_delayed_moves_to(const struct topic *topic, const struct channel *channel);

/* Drops the messages that the topic keeps. Messages that are on their way to channels stay. */
void topic_empty(struct topic *topic);

/* Keeps new messages when `paused` is true. When `paused` is false, the messages that the topic has
 * kept are admitted. Messages that were admitted before the pause still go to the channels. */
void topic_pause(struct topic *topic, bool paused, int64_t now);

#endif
