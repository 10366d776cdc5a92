/* SPDX-License-Identifier: MIT */
/*
 * Owns: NSQ's queueing model: all topics, the delivery of their messages, and the timers
 * of these messages. Must not know: connections, frames, commands, clocks. The time is an argument.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include "broker/publish.h"
#include "broker/topic.h"
#include "broker/topology.h"

/* One channel delivers at most this many messages before another channel has its turn. */
#define BROKER_DELIVERIES_A_TURN 64
/* One topic makes at most this many moves before another topic has its turn. */
#define BROKER_MOVES_A_TURN 256
/* The effort of a call from outside is divided into this many equal shares. Each kind of work in
 * the call gets one share. A step has eleven kinds of work (engine/engine.c). */
#define BROKER_SHARES 11

#define BROKER_LOST_ROWS 500

struct broker {
    struct broker_core core;
    struct split_table topics;       /* of struct topic, by name */
    struct sorted topics_in_order;   /* the same topics, in the order of their names */
    struct waiting_publish *waiting; /* table by ticket: publishes that wait for the disk */
    struct list to_ask;   /* of struct waiting_publish: broker_next_ticket has not returned them
                           * yet */
    uint64_t last_ticket; /* the newest ticket; 0: there was no ticket yet */
};

/* Initialises a broker without topics. `log` must exist for as long as the broker exists. */
void broker_init(struct broker *broker, const struct broker_config *config, struct log *log);

/* Begins a call from outside: the broker may use config.effort_a_call units until the next call. */
static inline void broker_begin_call(struct broker *broker)
{
    effort_allow(&broker->core.effort, broker->core.config.effort_a_call);
}

/* Begins one kind of work in a call. It may use only its share of the units (BROKER_SHARES). So
 * each kind of work can continue in every call. */
static inline void broker_begin_share(struct broker *broker)
{
    effort_allow(&broker->core.effort, broker->core.effort_a_share);
}

/* Does the same as broker_begin_share, but this kind of work may also use the units that the kind
 * of work before it has not used. So the last of several kinds of work can use the units that the
 * others did not need. */
static inline void broker_add_share(struct broker *broker)
{
    size_t left = broker->core.effort.left;
    effort_allow(&broker->core.effort, left + broker->core.effort_a_share);
}

/* Frees all topics with their channels and messages. No consumer may be subscribed. */
void broker_free(struct broker *broker);

/* broker_first_topic returns any topic, or NULL when there is no topic. broker_topic_after returns
 * another topic, or NULL when every topic was returned once. */
struct topic *broker_first_topic(const struct broker *broker);
struct topic *broker_topic_after(const struct broker *broker, const struct topic *topic);

/* Takes a topic out of the tables of the broker. Only the files of src/broker may call this
 * function. */
void broker_remove_topic(struct broker *broker, struct topic *topic);

/* Returns the topic with this name, which must be valid. Creates the topic when it does not exist.
 * Returns NULL when the memory budget has no room for a new topic. For a publisher, `use` must be
 * BUDGET_QUEUE. Then a publisher that creates many topics cannot use up the budget's reserve. */
struct topic *broker_topic(struct broker *broker, struct span name, enum budget_use use);

/* Returns the topic with this name, which must be valid, or NULL when it does not exist. */
struct topic *broker_find_topic(const struct broker *broker, struct span name);

/* Moves one message from a queue to the messages in flight, and sets *delivery. Returns false in
 * two cases: there is no message for any ready consumer, or the current call has no effort left.
 * The caller repeats the call until it returns false. The channels take turns: after
 * BROKER_DELIVERIES_A_TURN messages, another channel has its turn. */
bool broker_deliver(struct broker *broker, int64_t now, struct delivery *delivery);

/* Does the same as broker_deliver, but only for the channel of `consumer`. The message may go to
 * another consumer of that channel. Returns true if it has delivered a message. Returns false, and
 * delivers nothing, in three cases: `consumer` is not ready, its channel has no message that can be
 * delivered, or the current call has no effort left. */
bool broker_deliver_to(struct broker *broker, struct consumer *consumer, int64_t now,
                       struct delivery *delivery);

/* Returns whether there is a message for a consumer that is ready. The function is inline because
 * it is called after every command. */
static inline bool broker_can_deliver(const struct broker *broker)
{
    return !list_empty(&broker->core.active);
}

/* Returns the time at which the next timer of a message is due: the timeout of a message in flight,
 * or the end of a delay. Returns TIME_NEVER when there is no timer. */
int64_t broker_next_deadline(const struct broker *broker);

/* Handles one timer that is due: puts its message into the queue of its channel. Returns false in
 * two cases: no timer is due, or the current call has no effort left. */
bool broker_expire(struct broker *broker, int64_t now);

/* Moves admitted messages (broker/topic.h) to their channels while the current call has effort
 * left. The topics take turns: after BROKER_MOVES_A_TURN moves, another topic has its turn. */
void broker_move(struct broker *broker, int64_t now);

/* Drops all messages of a queue: adds them to the garbage, which broker_collect frees. */
void broker_discard(struct broker *broker, struct queue *messages);

/* Frees memory while the current call has effort left. It frees the garbage, the messages that
 * channels have dropped, and the channels of deleted topics. It frees a deleted channel after all
 * consumers of the channel have become orphans (broker/topology.h). */
void broker_collect(struct broker *broker);

/* broker_can_move returns whether broker_move has work left. broker_can_collect returns whether
 * broker_collect has work left. Both are inline because every step calls them. */
static inline bool broker_can_move(const struct broker *broker)
{
    return !list_empty(&broker->core.moving);
}

static inline bool broker_can_collect(const struct broker *broker)
{
    const struct broker_core *core = &broker->core;
    return core->garbage.n > 0 || !list_empty(&core->ending) ||
           !list_empty(&core->ending_channels) || !list_empty(&core->ending_topics);
}

/* Returns whether there is an orphan (broker/topology.h). The function is inline because the engine
 * calls it in every round. */
static inline bool broker_has_orphans(const struct broker *broker)
{
    return !list_empty(&broker->core.orphans);
}

/* Logs how many messages are lost if the server stops now: first the sum, then the number for each
 * topic and each channel, for at most BROKER_LOST_ROWS topics and channels. */
void broker_log_lost(const struct broker *broker);

#endif
