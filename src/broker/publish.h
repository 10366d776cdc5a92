/* SPDX-License-Identifier: MIT */
/*
 * Owns: the one door through which messages enter a broker, for every command and protocol that
 * publishes. It decides whether there is memory for them, gives them their ids and timestamps, and
 * keeps those that wait until the disk has them.
 *
 *     broker_publish --done-----------------------------------> topic
 *         |     \                                                 ^
 *      refused   waits(ticket) -- broker_publish_settle --safe----+
 *                                          |
 *                                          +-- not safe, or the topic was deleted --> dropped
 */
#ifndef BROKER_PUBLISH_H
#define BROKER_PUBLISH_H

#include "base/table.h"
#include "broker/core.h"
#include "broker/message.h"

struct broker;

/* What a client publishes with one command. */
struct publish {
    struct name topic;
    int64_t delay;         /* ns that each channel waits before it delivers; 0 = none */
    struct queue messages; /* may be empty; that only makes the topic */
};

/* One that waits for the disk. */
struct waiting_publish {
    UT_hash_handle hh; /* in broker->waiting */
    struct list link;  /* in broker->to_ask until broker_next_ticket has named it */
    uint64_t ticket;
    struct publish publish;
    uint64_t topic_serial; /* a topic that is made anew under the same name is another topic */
    size_t cost; /* bytes charged: for this, and ahead for what publishing will take, because what
                    is safe on the disk can no longer be refused */
};

enum publish_outcome {
    PUBLISH_DONE,    /* the topic has the messages */
    PUBLISH_REFUSED, /* the memory budget has no room for them */
    PUBLISH_WAITS,   /* the broker keeps the messages until broker_publish_settle */
};

/* Publishes all messages or none. Makes the topic when it is missing. Takes the messages, unless
 * they are refused. `wall` is the time since 1970 in ns. PUBLISH_WAITS sets *ticket. */
enum publish_outcome broker_publish(struct broker *broker, struct publish *publish, int64_t now,
                                    int64_t wall, uint64_t *ticket);

/* The next publish that the disk must be asked about, each once and in order; 0: there is none. */
uint64_t broker_next_ticket(struct broker *broker);

/* The disk has answered. True: the messages are safe and in their topic. False: they were dropped,
 * because they are not safe, because their topic was deleted, or because nothing waits with this
 * ticket. */
bool broker_publish_settle(struct broker *broker, uint64_t ticket, bool safe, int64_t now);

/* Drops all that waits; its tickets are then unknown. */
void broker_drop_waiting(struct broker *broker);

#endif
