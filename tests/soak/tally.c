/* SPDX-License-Identifier: MIT */
/*
 * Keeps one row for each message and compares every delivery and FIN with it. Must not know:
 * connections, commands.
 */
#include "soak/tally.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#define BODY_LEAST 16 /* bytes: the number, and some more in which damage shows */

enum state { OPEN, IN_DOUBT, FINISHED };

struct on_channel {
    uint32_t next;     /* ms; the server cannot send it again before this time */
    uint32_t owner;    /* the connection that it was delivered to */
    uint16_t attempts; /* the highest attempts delivered; 0: it was never delivered */
    uint8_t state;
    bool requeued; /* REQ was sent since the last delivery */
};

struct tally_row {
    uint32_t due;
    uint8_t fate;
    struct on_channel channels[TALLY_CHANNELS];
};

_Static_assert(TALLY_MOST * sizeof(struct tally_row) == 128000000, "as tally.h says");

void tally_fail(struct tally *t, const char *format, ...)
{
    va_list args;
    if (t->why[0] == '\0') {
        va_start(args, format);
        vsnprintf(t->why, sizeof t->why, format, args);
        va_end(args);
    }
}

uint32_t tally_add(struct tally *t, uint32_t due)
{
    if (t->count == t->room) {
        t->room = t->room == 0 ? 65536 : 2 * t->room;
        t->rows = alloc_resize(t->rows, t->room * sizeof *t->rows);
    }
    t->rows[t->count] = (struct tally_row){.due = due, .fate = TALLY_SENT};
    return t->count++;
}

/* --- bodies ----------------------------------------------------------------------------------- */

/* splitmix64 */
static uint64_t mixed(uint64_t x)
{
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

/* The number, then bytes and a length that depend on it. Returns the length. */
static size_t make_body(const struct tally *t, uint32_t number, uint8_t out[TALLY_BODY_MAX])
{
    uint64_t x = mixed(t->seed ^ number);
    size_t n = BODY_LEAST + x % (TALLY_BODY_MAX - BODY_LEAST);
    be32_store(out, number);
    for (size_t i = 4; i < n; i++) {
        out[i] = (uint8_t)((x >> i % 8 * 8) + i);
    }
    return n;
}

void tally_body(const struct tally *t, uint32_t number, struct buf *b, size_t *size)
{
    *size = make_body(t, number, buf_room(b, TALLY_BODY_MAX));
    buf_grew(b, *size);
}

static bool is_body(const struct tally *t, struct span body, uint32_t *number)
{
    uint8_t expected[TALLY_BODY_MAX];
    if (body.n < BODY_LEAST) {
        return false;
    }
    *number = be32_load(body.p);
    size_t n = make_body(t, *number, expected);
    return *number < t->count && body.n == n && memcmp(body.p, expected, n) == 0;
}

/* --- what happens ----------------------------------------------------------------------------- */

void tally_set_fate(struct tally *t, uint32_t first, uint32_t count, enum tally_fate fate)
{
    for (uint32_t i = first; i < first + count; i++) {
        if (t->rows[i].fate ==
            TALLY_SENT) { /* a message that was delivered is known to be published */
            t->rows[i].fate = (uint8_t)fate;
        }
    }
}

static void count_again(struct tally *t, const struct on_channel *at)
{
    if (at->requeued) {
        t->requeues++;
    } else {
        t->timeouts++;
    }
}

bool tally_deliver(struct tally *t, unsigned channel, struct span body, uint32_t now,
                   struct tally_delivery *d)
{
    uint32_t number;
    uint16_t attempts = d->attempts;
    if (!is_body(t, body, &number)) {
        tally_fail(t, "a message of %zu bytes was delivered that nobody published", body.n);
        return false;
    }
    struct tally_row *row = &t->rows[number];
    struct on_channel *at = &row->channels[channel];
    d->number = number;
    d->late = attempts < at->attempts;
    d->not_before = at->attempts == 0 ? row->due : at->next;
    t->deliveries++;
    if (row->fate == TALLY_CUT) {
        tally_fail(t, "message %u was delivered, but only a part of it was sent", number);
    } else if (!d->late && now < d->not_before) {
        tally_fail(t, "attempt %u of message %u came %u ms early", attempts, number,
                   d->not_before - now);
    } else if (attempts == at->attempts || attempts == 0) {
        tally_fail(t, "attempt %u of message %u came twice", attempts, number);
    } else if (!d->late && at->state == FINISHED) {
        tally_fail(t, "message %u came again after its FIN", number);
    }
    row->fate = TALLY_OK;
    if (!d->late) {
        if (attempts > 1) {
            count_again(t, at);
        }
        *at = (struct on_channel){.next = d->not_before + t->timeout,
                                  .owner = d->owner,
                                  .attempts = attempts,
                                  .state = OPEN};
    }
    return t->why[0] == '\0';
}

void tally_requeue(struct tally *t, unsigned channel, const struct tally_delivery *d, uint32_t due)
{
    struct on_channel *at = &t->rows[d->number].channels[channel];
    if (at->owner == d->owner) {
        at->requeued = true;
        at->next = due < at->next ? due : at->next; /* it may also time out before `due` */
    }
}

void tally_excuse(struct tally *t, unsigned channel, struct tally_delivery *d)
{
    d->not_before = 0;
    t->rows[d->number].channels[channel].next = 0;
}

void tally_finish(struct tally *t, unsigned channel, const struct tally_delivery *d)
{
    struct on_channel *at = &t->rows[d->number].channels[channel];
    if (at->state == FINISHED) {
        tally_fail(t, "message %u was finished twice", d->number);
    } else if (at->owner != d->owner) {
        tally_fail(t, "message %u was finished by a client that no longer owned it", d->number);
    }
    at->state = FINISHED;
}

void tally_doubt(struct tally *t, unsigned channel, const struct tally_delivery *d)
{
    struct on_channel *at = &t->rows[d->number].channels[channel];
    if (at->state == OPEN && at->owner == d->owner) {
        at->state = IN_DOUBT;
    }
}

int64_t tally_settle(struct tally *t)
{
    int64_t doubts = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        const struct tally_row *row = &t->rows[i];
        if (row->fate == TALLY_SENT) {
            tally_fail(t, "the publishing of message %u was never answered", i);
        }
        for (unsigned c = 0; c < TALLY_CHANNELS && row->fate == TALLY_OK; c++) {
            if (row->channels[c].state == OPEN) {
                tally_fail(t, "message %u is lost on channel %u after %u deliveries", i, c,
                           row->channels[c].attempts);
            }
            doubts += row->channels[c].state == IN_DOUBT;
        }
    }
    return doubts;
}

void tally_free(struct tally *t)
{
    alloc_free(t->rows);
    t->rows = NULL;
    t->count = t->room = 0;
}
