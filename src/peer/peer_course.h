/* SPDX-License-Identifier: MIT */
/*
 * Owns: what one nsqlookupd must still be told, and in which order. At the beginning of a
 * conversation everything is registered: the walk goes over all topics and channels in the order of
 * their names. The later changes of the broker (broker/changes.h) are told one by one. A change is
 * told as the present state of its topic or channel: what exists is registered, and what does not
 * exist is unregistered. So the nsqlookupd knows the right set when everything was told, even if
 * something was made and deleted several times in between. There is one exception: the deletion of
 * a topic is always told as an UNREGISTER, even if the topic exists again. The reason: only an
 * UNREGISTER removes a tombstone of the topic. If the topic was made again, the broker has a later
 * change for this. When that change is told, the topic is registered again. (The exception does not
 * hold for channels, which have no tombstones. The deletion of an old channel may be noted after a
 * new topic and channel with the same names were made. Then the new channel must stay registered.)
 * During the walk, the changes and the walk take turns. A change is left out if it would be told as
 * a REGISTER and the walk will still visit the topic or channel.
 *
 * The memory is constant. When more changes were made than the broker remembers, a new walk begins,
 * which registers everything again. If one of the forgotten changes is a deletion, the nsqlookupd
 * is not told about it. It still shows the deleted topic or channel until this connection ends.
 * Then it forgets everything that was registered on the connection.
 *
 * Must not know: connections, replies, times.
 */
#ifndef PEER_PEER_COURSE_H
#define PEER_PEER_COURSE_H

#include <nsq/lookup.h>

#include "broker/broker.h"

/* One call of peer_course_next leaves out at most this many changes that need not be told. */
#define PEER_SKIPS_A_CALL 64

struct peer_command {
    enum nsq_lookup_id id;
    bool is_change; /* true: the command tells a change; false: it is a step of the walk */
    struct name topic;
    struct name channel; /* empty: the command is about the topic */
};

/* A struct of zeros has nothing to tell and has read no change. */
struct peer_course {
    uint64_t read; /* the number of the last change that was told or left out */
    bool walking;
    bool again;          /* another walk must follow this one */
    bool walk_has_turn;  /* the walk tells something before the next change */
    bool missed;         /* a deletion was not told, and cannot be told any more */
    bool ping;           /* a PING must be sent, after all else */
    bool has_first;      /* `first` must be told after the walk */
    struct change first; /* the change that has caused the conversation. The walk tells it. After
                          * the walk it is told a second time, as in upstream's nsqd */
    struct name topic;   /* what the walk has visited last; empty: nothing */
    struct name channel; /* empty: no channel of this topic */
};

/* Skips all changes that were made until now: they will not be told. */
void peer_course_skip(struct peer_course *course, const struct broker *broker);

/* A conversation begins: everything must be registered. */
void peer_course_begin(struct peer_course *course, const struct broker *broker);

/* Returns whether something must be told. If so, peer_course_first sets *command to the
 * command for the oldest change that was not told, or to PING if there is none. */
bool peer_course_has_more(const struct peer_course *course, const struct broker *broker);
void peer_course_first(const struct peer_course *course, const struct broker *broker,
                       struct peer_command *command);

/* Finds the next command. Returns false when there is none, or when this call has left out
 * PEER_SKIPS_A_CALL changes. */
bool peer_course_next(struct peer_course *course, const struct broker *broker,
                      struct peer_command *command);

#endif
