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
#ifndef TESTS_SOAK_LEDGER_H
#define TESTS_SOAK_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nsq/span.h>

#include "base/buf.h"

#define LEDGER_CHANNELS 2
#define LEDGER_MOST 4000000 /* messages: 128 MB of rows; publishing ends there */
#define LEDGER_BODY_MAX 256 /* bytes of a body */

enum ledger_fate { LEDGER_SENT, LEDGER_OK, LEDGER_UNKNOWN, LEDGER_CUT };

struct ledger_row;

/* All zeros but `timeout` and `seed` is an empty ledger. Times are ms of a clock of the caller's.
 */
struct ledger {
    struct ledger_row *rows;
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
struct ledger_delivery {
    uint32_t number;
    uint32_t not_before; /* the server cannot have sent it before this, by what was seen */
    uint32_t owner;
    uint16_t attempts;
    bool late; /* it is another's by now: nothing may be done with it */
};

/* Notes what may not be, unless something is noted already. */
void ledger_fail(struct ledger *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A message that is about to be sent, and not to be delivered before `due`. Returns its number. */
uint32_t ledger_add(struct ledger *l, uint32_t due);

/* Appends the body of a message. */
void ledger_body(const struct ledger *l, uint32_t number, struct buf *b, size_t *size);

/* Of `count` messages from `first` on. */
void ledger_set_fate(struct ledger *l, uint32_t first, uint32_t count, enum ledger_fate fate);

/* A message came to a connection, of which no two have the same number. False when it may not. d
 * comes with owner and attempts, and the rest is filled in. */
bool ledger_deliver(struct ledger *l, unsigned channel, struct span body, uint32_t now,
                    struct ledger_delivery *d);

/* REQ was sent, and has it come again at `due` or later. */
void ledger_requeue(struct ledger *l, unsigned channel, const struct ledger_delivery *d,
                    uint32_t due);

/* What was said of an earlier delivery may have met this one: it may come again at any time. */
void ledger_excuse(struct ledger *l, unsigned channel, struct ledger_delivery *d);

/* The server has handled the FIN of a delivery, or of a later one to the same connection, and did
 * not complain. */
void ledger_finish(struct ledger *l, unsigned channel, const struct ledger_delivery *d);

/* Nobody will know whether it has. */
void ledger_doubt(struct ledger *l, unsigned channel, const struct ledger_delivery *d);

/* All was drained: nothing may be lost. Returns how many were left in doubt. */
int64_t ledger_settle(struct ledger *l);

void ledger_free(struct ledger *l);

#endif
