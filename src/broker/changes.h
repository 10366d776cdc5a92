/* SPDX-License-Identifier: MIT */
/*
 * Owns: the last changes of the set of topics and channels: what was made and what was deleted, in
 * order. Each change has a number, counted from 1. Each reader stores the number of the last change
 * that it has read. So this struct needs no memory for readers, and there may be any number of
 * readers. The memory is bounded: a change is forgotten when CHANGES_MAX later ones were noted. A
 * reader that is so far behind must look at all topics and channels again (broker/walk.h). Then it
 * does not see what was deleted. `lost_deleted` tells the reader whether it has missed a deletion.
 *
 * Must not know: who reads the changes.
 */
#ifndef BROKER_CHANGES_H
#define BROKER_CHANGES_H

#include "base/budget.h"
#include "broker/name.h"

#define CHANGES_MAX 4096 /* changes that are remembered */

struct change {
    struct name topic;
    struct name channel; /* empty: the change is of the topic */
    bool deleted;
};

/* A struct of zeros notes nothing. */
struct changes {
    struct change *ring;   /* the change of number n is at ring[n % CHANGES_MAX]; NULL: nothing is
                            * noted */
    uint64_t last;         /* the number of the newest change; 0: there was none */
    uint64_t lost_deleted; /* the number of the newest deletion that was forgotten; 0: none was */
};

/* From now on changes are noted. Calls after the first one have no effect. */
void changes_begin(struct changes *changes, struct budget *budget);
void changes_free(struct changes *changes, struct budget *budget);

/* Notes a change. `channel` is empty when a topic was made or deleted. */
void changes_note(struct changes *changes, struct span topic, struct span channel, bool deleted);

/* Returns the change that follows number `read`, or NULL when there is none. If that change was
 * forgotten, returns the oldest one that is remembered. Sets *number to its number. */
const struct change *changes_after(const struct changes *changes, uint64_t read, uint64_t *number);

#endif
