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

/* Ends all topics. No consumer may be subscribed any more. */
void broker_free(struct broker *broker);

/* The topic with a valid name. broker_topic makes it when it is missing; NULL when the memory
 * budget has no room for it. `use` tells publishers from consumers: a publisher must not use up the
 * reserve by making ever new topics. broker_find_topic makes none. */
struct topic *broker_topic(struct broker *broker, struct span name, enum budget_use use);
struct topic *broker_find_topic(const struct broker *broker, struct span name);

/* Takes one message out of a queue and puts it in flight. To be called until it returns false: then
 * there is no message for any consumer that is ready. */
bool broker_deliver(struct broker *broker, int64_t now, struct delivery *delivery);

/* Whether broker_deliver has anything to do. */
bool broker_can_deliver(const struct broker *broker);

/* When the next message times out or has waited for its delay; TIME_NEVER when none will. */
int64_t broker_next_deadline(const struct broker *broker);

/* Does what is due for one message; false when nothing is due. */
bool broker_expire(struct broker *broker, int64_t now);

/* Whether broker_next_orphan has one to hand out; asked in every step. */
static inline bool broker_has_orphans(const struct broker *broker)
{
    return !list_empty(&broker->core.orphans);
}

/* Logs what a stop now would lose: the sum, then each topic and each channel. */
void broker_log_lost(const struct broker *broker);

#endif
