/* SPDX-License-Identifier: MIT */
/*
 * Owns: message ids, as nsqd makes them. Each topic has its own clock, so two topics may issue the
 * same id.
 *
 *     | wall clock in units of 2^20 ns, since 2012-10-28 | node id, 10 bits | sequence, 12 bits |
 *
 * printed as 16 lowercase hexadecimal digits. Source: nsqd/guid.go.
 *
 * When the 4,096 ids of a tick are used up, or the wall clock has gone back, nsqd sleeps. This
 * clock runs ahead of the wall clock instead: it is max(last, now) and never goes back, so ids
 * always rise and no publish waits.
 */
#ifndef BROKER_GUID_H
#define BROKER_GUID_H

#include <nsq/frame.h>
#include <nsq/span.h>

#define GUID_NODES 1024 /* node ids are in 0 .. 1023 */

/* A struct of zeros is a clock that has issued no id. */
struct guid_clock {
    int64_t tick;      /* of the last id; 2^20 ns since 1970 */
    uint32_t sequence; /* of the last id */
};

/* The next id; wall_ns is the time since 1970 in ns. */
uint64_t guid_next(struct guid_clock *clock, unsigned node_id, int64_t wall_ns);

void guid_print(uint64_t id, uint8_t out[NSQ_MESSAGE_ID_SIZE]);

/* Reads an id; false for a text that guid_print would not have printed. */
bool guid_parse(struct span text, uint64_t *id);

#endif
