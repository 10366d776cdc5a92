/* SPDX-License-Identifier: MIT */
/*
 * Owns: memory between two pages that nobody may touch, so that a byte read or written too far
 * faults at once, in every build and not under a sanitizer alone.
 */
#ifndef TESTS_SUPPORT_EXACT_H
#define TESTS_SUPPORT_EXACT_H

#include <nsq/span.h>

#define EXACT_CANARY 0xA5 /* what exact_room fills its bytes with */

struct exact {
    uint8_t *start; /* the first usable byte; the one before it faults */
    uint8_t *end;   /* behind the last usable byte; faults */
    size_t page;    /* bytes of the wall on either side */
};

/* Maps at least `room` usable bytes between two walls; ends the program when it cannot. */
void exact_open(struct exact *exact, size_t room);
void exact_close(struct exact *exact);

/*
 * A copy of `bytes` whose last byte stands before the wall (or whose first stands behind it). It
 * is borrowed from `exact` and lives until the next call of any of the three.
 */
struct span exact_at_end(const struct exact *exact, struct span bytes);
struct span exact_at_start(const struct exact *exact, struct span bytes);

/* `n` bytes to write to, all EXACT_CANARY, with the wall behind them; borrowed like the above. */
uint8_t *exact_room(const struct exact *exact, size_t n);

#endif
