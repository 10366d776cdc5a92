/* SPDX-License-Identifier: MIT */
/*
 * Owns: message ids, as nsqd makes them: one clock a topic, so two topics may issue the same id.
 *
 *     | wall clock in units of 2^20 ns, since 2012-10-28 | node id, 10 bits | sequence, 12 bits |
 *
 * printed as 16 lowercase hexadecimal digits. Source: nsqd/guid.go.
 *
 * Where nsqd sleeps when a tick's 4,096 ids are used up or the wall clock went back, this clock
 * runs ahead of the wall: it is max(last, now) and never goes back, so ids rise and nobody waits.
 */
#ifndef BROKER_GUID_H
#define BROKER_GUID_H

#include <nsq/frame.h>
#include <nsq/span.h>

#define GUID_NODES 1024 /* node ids are in 0 .. 1023 */

/* All zeros is a clock that has issued nothing. */
struct guid_clock {
    int64_t tick; /* of the last id */
    uint32_t sequence;
};

/* The next id; wall_ns is the time since 1970 in ns. */
uint64_t guid_next(struct guid_clock *clock, unsigned node_id, int64_t wall_ns);

void guid_print(uint64_t id, uint8_t out[NSQ_MESSAGE_ID_SIZE]);

/* Reads an id of NSQ_MESSAGE_ID_SIZE bytes; false when guid_print would not have printed it. */
bool guid_parse(struct span text, uint64_t *id);

#endif
