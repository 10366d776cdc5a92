/* SPDX-License-Identifier: MIT */
/*
 * Owns: message ids, which have the form of nsqd's ids. All topics of a broker share one id clock.
 * In nsqd each topic has its own id clock, so two topics may issue the same id. An id is a number
 * of 64 bits:
 *
 *     | wall clock in units of 2^20 ns, since 2012-10-28 | node id, 10 bits | sequence, 12 bits |
 *
 * An id is printed as 16 lowercase hexadecimal digits. Source: nsqd/guid.go.
 *
 * A tick is one unit of 2^20 ns. nsqd sleeps when the 4,096 ids of a tick are used up, and when the
 * wall clock has gone back. The id clock of this server does not sleep, and never goes back. When
 * necessary, it shows a later time than the wall clock. It begins in 2012, even if the wall clock
 * shows an earlier time. So each id is greater than the previous id, and no publish waits.
 */
#ifndef BROKER_GUID_H
#define BROKER_GUID_H

#include <nsq/frame.h>
#include <nsq/span.h>

#define GUID_NODES 1024 /* node ids are in 0 .. 1023 */

/* A struct of zeros is an id clock that has issued no id. */
struct guid_clock {
    int64_t tick;      /* of the last id; in units of 2^20 ns since 1970 */
    uint32_t sequence; /* of the last id */
};

/* Returns the next id. wall_ns is the time since 1970 in ns. */
uint64_t guid_next(struct guid_clock *clock, unsigned node_id, int64_t wall_ns);

/* Writes an id as 16 lowercase hexadecimal digits. */
void guid_print(uint64_t id, uint8_t out[NSQ_MESSAGE_ID_SIZE]);

/* Reads an id. Returns false when the text is not 16 lowercase hexadecimal digits. */
bool guid_parse(struct span text, uint64_t *id);

#endif
