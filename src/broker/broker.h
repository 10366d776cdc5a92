/* SPDX-License-Identifier: MIT */
/*
 * Owns: NSQ's queueing model as a value: all topics, the delivery of their messages, their timers.
 * Must not know: connections, frames, commands, clocks. Time is an argument.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include "broker/publish.h"
#include "broker/topic.h"
#include "broker/topology.h"

struct broker {
    struct broker_core core;
    struct topic *topics;            /* table by name */
    struct waiting_publish *waiting; /* table by ticket: publishes that wait for the disk */
    struct list to_ask; /* of struct waiting_publish: the disk was not asked about them yet */
    uint64_t last_ticket;
};

/* `log` is borrowed as long as the broker lives. */
void broker_init(struct broker *broker, const struct broker_config *config, struct log *log);

/* Ends all topics; no consumer may be subscribed any more. */
void broker_free(struct broker *broker);

/* The topic with a valid name. broker_topic makes it when it is missing; NULL when the memory
 * account has no room for it. `use` tells publishers from consumers: who publishes must not use up
 * the reserve with ever new topics. broker_find_topic makes none. */
struct topic *broker_topic(struct broker *broker, struct span name, enum budget_use use);
struct topic *broker_find_topic(const struct broker *broker, struct span name);

/* Takes one message out of a queue and puts it in flight. False when no consumer that is ready has
 * anything to get; call it again until then. */
bool broker_deliver(struct broker *broker, int64_t now, struct delivery *delivery);

/* Whether broker_deliver has something to do. */
bool broker_can_deliver(const struct broker *broker);

/* When the next message times out or ends its deferral; INT64_MAX when none will. */
int64_t broker_next_deadline(const struct broker *broker);

/* Does what is due for one message; false when nothing is. */
bool broker_expire(struct broker *broker, int64_t now);

/* Says in the log what a stop now would lose: the sum, then topic by topic and channel by channel.
 */
void broker_log_lost(const struct broker *broker);

#endif
