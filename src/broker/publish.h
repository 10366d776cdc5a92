/* SPDX-License-Identifier: MIT */
/*
 * Owns: publishing. Every command that publishes calls broker_publish; there is no other way to put
 * messages into a broker. broker_publish decides whether there is memory for the messages. The
 * broker keeps each publish that waits for the disk.
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
struct topic;

/* Identifies the messages of one publish. broker_moved uses this struct to find out whether all of
 * these messages were moved to the channels. */
struct publish_place {
    uint64_t serial; /* of the topic; 0: there is nothing to move */
    uint64_t last;   /* the value of topic->admitted after the last of these messages */
};

/* A publish: the messages of one PUB, MPUB or DPUB command. */
struct publish {
    struct name topic;
    int64_t delay; /* ns that each channel waits before it delivers the messages; 0: no delay */
    struct queue messages;      /* if it is empty, broker_publish only creates the topic */
    uint64_t bytes;             /* the sum of the sizes of their bodies */
    struct publish_place place; /* set by broker_publish: the messages that must still be moved */
};

/* What waits for the disk: a publish, or a change of topics and channels (broker_note_change). */
struct waiting_publish {
    UT_hash_handle hh; /* in broker->waiting */
    struct list link;  /* in broker->to_ask until broker_next_ticket has returned its ticket */
    uint64_t ticket;
    bool is_change; /* a change: `publish` has no messages */
    struct publish publish;
    uint64_t topic_serial; /* the serial of the topic. If another topic with this name was created
                            * since, its serial is different */
    size_t cost; /* bytes that were added to the memory budget for two things: this struct, and the
                    memory that the topic needs when it gets the messages. The second part is added
                    early because messages that the disk has stored cannot be refused */
};

enum publish_outcome {
    PUBLISH_DONE,    /* the topic has the messages */
    PUBLISH_REFUSED, /* the memory budget has no room for the messages */
    PUBLISH_WAITS,   /* the broker keeps the messages until broker_publish_settle */
};

/* Adds a complete body to the messages of a publish. The delay of the publish must be set before.
 * Sets the id and the timestamp of the body, as nsqd does when a message has arrived. The publish
 * owns the caller's reference afterwards. `wall` is the time since 1970 in ns. */
void broker_add_message(struct broker *broker, struct publish *publish, struct body *body,
                        int64_t wall);

/* Publishes all messages or none. Creates the topic when it does not exist. If the result is
 * PUBLISH_REFUSED, the caller still owns the messages. Otherwise the broker owns them. *ticket is
 * set when the result is PUBLISH_WAITS. The time of the call does not grow with the number of
 * messages. After PUBLISH_DONE, some of the messages may still have to be moved to their channels
 * (broker_moved). */
enum publish_outcome broker_publish(struct broker *broker, struct publish *publish, int64_t now,
                                    uint64_t *ticket);

/* Returns a struct that identifies all messages that the topic has admitted until now
 * (broker/topic.h). */
struct publish_place broker_place(const struct topic *topic);

/* Moves messages of the publish's topic while the current call has effort left. Returns whether all
 * messages that publish->place identifies were moved. When the topic was deleted, these messages
 * count as moved. */
bool broker_moved(struct broker *broker, struct publish *publish, int64_t now);

/* Returns the ticket of the next publish or change that must be stored on the disk, or 0 when there
 * is none. Each ticket is returned once, in the order of the publishes and changes. */
uint64_t broker_next_ticket(struct broker *broker);

/* Must be called when a client has created, deleted, emptied, paused or unpaused a topic or
 * channel, before the client gets an answer. Returns the ticket of the disk's answer. The client
 * may get its answer only after the disk's answer. Returns 0 when changes do not wait for the disk.
 */
uint64_t broker_note_change(struct broker *broker);

/* Called with the disk's answer: `safe` is true when the disk has stored the messages of this
 * ticket, or its change. If messages are safe and their topic exists, moves them to the topic and
 * returns true. If not, drops the messages and returns false. For a change, returns `safe`. Returns
 * false when nothing waits with this ticket. */
bool broker_publish_settle(struct broker *broker, uint64_t ticket, bool safe, int64_t now);

/* Drops all publishes and changes that wait. broker_publish_settle then returns false for their
 * tickets. */
void broker_drop_waiting(struct broker *broker);

#endif
