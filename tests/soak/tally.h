/* SPDX-License-Identifier: MIT */
/*
 * Owns: what became of every message of a soak, on every channel, and which results are errors: a
 * delivery of a message that nobody published, a delivery after its FIN was handled, a lost
 * message. Must not know: connections, commands.
 *
 * The fate of a publish:                  What is known of a message on one channel:
 *     SENT --> OK        answered             OPEN --> FINISHED   its FIN was handled
 *          --> UNKNOWN   the connection       OPEN <-> IN_DOUBT   the connection ended while its
 *                        ended before                             FIN was on the way: it may be
 *     CUT                never sent whole                         delivered again
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

/* An empty tally has zeros in all members except `timeout` and `seed`. Times are ms of the caller's
 * clock. */
struct tally {
    struct tally_row *rows;
    uint32_t count;
    uint32_t room;
    uint32_t timeout; /* the server's msg_timeout */
    uint64_t seed;    /* makes the bodies of different runs different */
    char why[160];    /* the first error; empty: none */
    int64_t deliveries;
    int64_t requeues; /* deliveries after a REQ */
    int64_t timeouts; /* deliveries again for no other reason */
};

/* One delivery. */
struct tally_delivery {
    uint32_t number;
    uint32_t not_before; /* by all that is known, the server cannot have sent it before this time */
    uint32_t owner;
    uint16_t attempts;
    bool late; /* another client owns the message by now, so nothing may be done with it */
};

/* Notes an error, unless one is noted already. */
void tally_fail(struct tally *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a message that is about to be sent and must not be delivered before `due`. Returns its
 * number. */
uint32_t tally_add(struct tally *t, uint32_t due);

/* Appends the body of a message. */
void tally_body(const struct tally *t, uint32_t number, struct buf *b, size_t *size);

/* Sets the fate of `count` messages from number `first` on. */
void tally_set_fate(struct tally *t, uint32_t first, uint32_t count, enum tally_fate fate);

/* Notes a delivery. False: it is an error. The caller sets d's owner, a number that no other
 * connection has, and attempts; the rest is filled in. */
bool tally_deliver(struct tally *t, unsigned channel, struct span body, uint32_t now,
                   struct tally_delivery *d);

/* REQ was sent; the message must not be delivered again before `due`. */
void tally_requeue(struct tally *t, unsigned channel, const struct tally_delivery *d, uint32_t due);

/* A command that was meant for an earlier delivery may apply to this one, so the message may be
 * delivered again at any time. */
void tally_excuse(struct tally *t, unsigned channel, struct tally_delivery *d);

/* The server has handled the FIN of this delivery, or of a later one to the same connection,
 * without an error. */
void tally_finish(struct tally *t, unsigned channel, const struct tally_delivery *d);

/* It cannot be known whether the server has handled the FIN. */
void tally_doubt(struct tally *t, unsigned channel, const struct tally_delivery *d);

/* All messages were drained: checks that none is lost. Returns how many remain in doubt. */
int64_t tally_settle(struct tally *t);

void tally_free(struct tally *t);

#endif
