/* SPDX-License-Identifier: MIT */
/*
 * Owns: what became of every message of a soak, on every channel, and what may not: a message that
 * nobody published, one that comes again after its FIN was handled, one that is lost. Must not
 * know: connections, commands.
 *
 * Fate of a message, published once:      What is known of it on one channel:
 *     SENT --> OK        answered             OPEN --> FINISHED   its FIN was handled
 *          --> UNKNOWN   the connection       OPEN <-> IN_DOUBT   the connection ended with its FIN
 *                        ended before                             on the way: it may come again
 *     CUT                never sent whole
 */
#ifndef TESTS_SOAK_TALLY_H
#define TESTS_SOAK_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nsq/span.h>

#include "base/buf.h"

#define TALLY_CHANNELS 2
#define TALLY_MOST 4000000 /* messages: 128 MB of rows; publishing ends there */
#define TALLY_BODY_MAX 256 /* bytes of a body */

enum tally_fate { TALLY_SENT, TALLY_OK, TALLY_UNKNOWN, TALLY_CUT };

struct tally_row;

/* All zeros but `timeout` and `seed` is an empty tally. Times are ms of a clock of the caller's.
 */
struct tally {
    struct tally_row *rows;
    uint32_t count;
    uint32_t room;
    uint32_t timeout; /* of a message that is not answered */
    uint64_t seed;    /* bodies of another run differ */
    char why[160];    /* the first thing that may not be; empty: there is none */
    int64_t deliveries;
    int64_t requeues; /* came again after a REQ */
    int64_t timeouts; /* came again for no other reason */
};

/* One delivery. */
struct tally_delivery {
    uint32_t number;
    uint32_t not_before; /* the server cannot have sent it before this, by what was seen */
    uint32_t owner;
    uint16_t attempts;
    bool late; /* it is another's by now: nothing may be done with it */
};

/* Notes what may not be, unless something is noted already. */
void tally_fail(struct tally *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A message that is about to be sent, and not to be delivered before `due`. Returns its number. */
uint32_t tally_add(struct tally *t, uint32_t due);

/* Appends the body of a message. */
void tally_body(const struct tally *t, uint32_t number, struct buf *b, size_t *size);

/* Of `count` messages from `first` on. */
void tally_set_fate(struct tally *t, uint32_t first, uint32_t count, enum tally_fate fate);

/* A message came to a connection, of which no two have the same number. False when it may not. d
 * comes with owner and attempts, and the rest is filled in. */
bool tally_deliver(struct tally *t, unsigned channel, struct span body, uint32_t now,
                   struct tally_delivery *d);

/* REQ was sent, and has it come again at `due` or later. */
void tally_requeue(struct tally *t, unsigned channel, const struct tally_delivery *d, uint32_t due);

/* What was said of an earlier delivery may have met this one: it may come again at any time. */
void tally_excuse(struct tally *t, unsigned channel, struct tally_delivery *d);

/* The server has handled the FIN of a delivery, or of a later one to the same connection, and did
 * not complain. */
void tally_finish(struct tally *t, unsigned channel, const struct tally_delivery *d);

/* Nobody will know whether it has. */
void tally_doubt(struct tally *t, unsigned channel, const struct tally_delivery *d);

/* All was drained: nothing may be lost. Returns how many were left in doubt. */
int64_t tally_settle(struct tally *t);

void tally_free(struct tally *t);

#endif
