/* SPDX-License-Identifier: MIT */
#include "soak/ledger.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#define BODY_LEAST 16 /* bytes: the number twice as large as need be, and some to go wrong */

enum state { OPEN, IN_DOUBT, FINISHED };

struct on_channel {
    uint32_t next;     /* ms, before which the server cannot send it again */
    uint32_t owner;    /* the connection to which it came */
    uint16_t attempts; /* the highest that came; 0: it never did */
    uint8_t state;
    bool requeued; /* REQ was sent since */
};

struct ledger_row {
    uint32_t due;
    uint8_t fate;
    struct on_channel channels[LEDGER_CHANNELS];
};

_Static_assert(LEDGER_MOST * sizeof(struct ledger_row) == 128000000, "as ledger.h says");

void ledger_fail(struct ledger *l, const char *format, ...)
{
    va_list args;
    if (l->why[0] == '\0') {
        va_start(args, format);
        vsnprintf(l->why, sizeof l->why, format, args);
        va_end(args);
    }
}

uint32_t ledger_add(struct ledger *l, uint32_t due)
{
    if (l->count == l->room) {
        l->room = l->room == 0 ? 65536 : 2 * l->room;
        l->rows = alloc_resize(l->rows, l->room * sizeof *l->rows);
    }
    l->rows[l->count] = (struct ledger_row){.due = due, .fate = LEDGER_SENT};
    return l->count++;
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

/* The number, then bytes and a length that follow from it. Returns the length. */
static size_t make_body(const struct ledger *l, uint32_t number, uint8_t out[LEDGER_BODY_MAX])
{
    uint64_t x = mixed(l->seed ^ number);
    size_t n = BODY_LEAST + x % (LEDGER_BODY_MAX - BODY_LEAST);
    be32_store(out, number);
    for (size_t i = 4; i < n; i++) {
        out[i] = (uint8_t)((x >> i % 8 * 8) + i);
    }
    return n;
}

void ledger_body(const struct ledger *l, uint32_t number, struct buf *b, size_t *size)
{
    *size = make_body(l, number, buf_room(b, LEDGER_BODY_MAX));
    buf_grew(b, *size);
}

static bool is_body(const struct ledger *l, struct span body, uint32_t *number)
{
    uint8_t expected[LEDGER_BODY_MAX];
    if (body.n < BODY_LEAST) {
        return false;
    }
    *number = be32_load(body.p);
    size_t n = make_body(l, *number, expected);
    return *number < l->count && body.n == n && memcmp(body.p, expected, n) == 0;
}

/* --- what happens ----------------------------------------------------------------------------- */

void ledger_set_fate(struct ledger *l, uint32_t first, uint32_t count, enum ledger_fate fate)
{
    for (uint32_t i = first; i < first + count; i++) {
        if (l->rows[i].fate == LEDGER_SENT) { /* one that came is known to be published */
            l->rows[i].fate = (uint8_t)fate;
        }
    }
}

static void count_again(struct ledger *l, const struct on_channel *at)
{
    if (at->requeued) {
        l->requeues++;
    } else {
        l->timeouts++;
    }
}

bool ledger_deliver(struct ledger *l, unsigned channel, struct span body, uint32_t now,
                    struct ledger_delivery *d)
{
    uint32_t number;
    uint16_t attempts = d->attempts;
    if (!is_body(l, body, &number)) {
        ledger_fail(l, "a message of %zu bytes came that nobody published", body.n);
        return false;
    }
    struct ledger_row *row = &l->rows[number];
    struct on_channel *at = &row->channels[channel];
    d->number = number;
    d->late = attempts < at->attempts;
    d->not_before = at->attempts == 0 ? row->due : at->next;
    l->deliveries++;
    if (row->fate == LEDGER_CUT) {
        ledger_fail(l, "message %u came, of which only a part was sent", number);
    } else if (!d->late && now < d->not_before) {
        ledger_fail(l, "attempt %u of message %u came %u ms early", attempts, number,
                    d->not_before - now);
    } else if (attempts == at->attempts || attempts == 0) {
        ledger_fail(l, "attempt %u of message %u came twice", attempts, number);
    } else if (!d->late && at->state == FINISHED) {
        ledger_fail(l, "message %u came again after its FIN", number);
    }
    row->fate = LEDGER_OK;
    if (!d->late) {
        if (attempts > 1) {
            count_again(l, at);
        }
        *at = (struct on_channel){.next = d->not_before + l->timeout,
                                  .owner = d->owner,
                                  .attempts = attempts,
                                  .state = OPEN};
    }
    return l->why[0] == '\0';
}

void ledger_requeue(struct ledger *l, unsigned channel, const struct ledger_delivery *d,
                    uint32_t due)
{
    struct on_channel *at = &l->rows[d->number].channels[channel];
    if (at->owner == d->owner) {
        at->requeued = true;
        at->next = due < at->next ? due : at->next; /* or it has timed out by then */
    }
}

void ledger_excuse(struct ledger *l, unsigned channel, struct ledger_delivery *d)
{
    d->not_before = 0;
    l->rows[d->number].channels[channel].next = 0;
}

void ledger_finish(struct ledger *l, unsigned channel, const struct ledger_delivery *d)
{
    struct on_channel *at = &l->rows[d->number].channels[channel];
    if (at->state == FINISHED) {
        ledger_fail(l, "message %u was finished twice", d->number);
    } else if (at->owner != d->owner) {
        ledger_fail(l, "message %u was finished by whom it was taken from", d->number);
    }
    at->state = FINISHED;
}

void ledger_doubt(struct ledger *l, unsigned channel, const struct ledger_delivery *d)
{
    struct on_channel *at = &l->rows[d->number].channels[channel];
    if (at->state == OPEN && at->owner == d->owner) {
        at->state = IN_DOUBT;
    }
}

int64_t ledger_settle(struct ledger *l)
{
    int64_t doubts = 0;
    for (uint32_t i = 0; i < l->count; i++) {
        const struct ledger_row *row = &l->rows[i];
        if (row->fate == LEDGER_SENT) {
            ledger_fail(l, "the publishing of message %u was never answered", i);
        }
        for (unsigned c = 0; c < LEDGER_CHANNELS && row->fate == LEDGER_OK; c++) {
            if (row->channels[c].state == OPEN) {
                ledger_fail(l, "message %u is lost on channel %u after %u deliveries", i, c,
                            row->channels[c].attempts);
            }
            doubts += row->channels[c].state == IN_DOUBT;
        }
    }
    return doubts;
}

void ledger_free(struct ledger *l)
{
    alloc_free(l->rows);
    l->rows = NULL;
    l->count = l->room = 0;
}
