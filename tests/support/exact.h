/* SPDX-License-Identifier: MIT */
/*
 * Owns: memory between two pages that may not be accessed (walls). A read or write past its end, or
 * before its start, faults at once, in every build and not only under a sanitizer.
 */
#ifndef TESTS_SUPPORT_EXACT_H
#define TESTS_SUPPORT_EXACT_H

#include <nsq/span.h>

#define EXACT_CANARY 0xA5 /* exact_room fills its bytes with this */

struct exact {
    uint8_t *start; /* the first usable byte; an access before it faults */
    uint8_t *end;   /* the byte after the last usable one; an access to it faults */
    size_t page;    /* bytes of each wall */
};

/* Maps at least `room` usable bytes between two walls. Ends the program on an error. */
void exact_open(struct exact *exact, size_t room);
void exact_close(struct exact *exact);

/*
 * A copy of `bytes` whose last byte is directly before the wall (or whose first byte is directly
 * after it). It is borrowed from `exact` until the next call of any of the three functions.
 */
struct span exact_at_end(const struct exact *exact, struct span bytes);
struct span exact_at_start(const struct exact *exact, struct span bytes);

/* `n` bytes to write to, all EXACT_CANARY, directly before the wall; borrowed as above. */
uint8_t *exact_room(const struct exact *exact, size_t n);

#endif
