/* SPDX-License-Identifier: MIT */
/*
 * Owns: the decision whether a wait for events begins with busy polling. When clients send again as
 * soon as they get an answer, waits are short. A sleep and its wake-up then cost more (up to 80 us)
 * than the work between two waits. Must not know: what is waited for.
 */
#ifndef SHELL_PACER_H
#define SHELL_PACER_H

#include "shell/waiter.h"

/* At the start, all fields are zero. */
struct pacer {
    unsigned short_waits; /* number of recent short waits; each long wait reduces it by several */
};

/* Waits until there are events or the time is `until` (ns, as clock_now; TIME_NEVER: no limit).
 * `start` is the current time. Writes at most `room` events. Returns how many events it has
 * written. */
size_t pacer_wait(struct pacer *pacer, const struct waiter *waiter, int64_t start, int64_t until,
                  struct waiter_event *events, size_t room);

/* Remembers that a wait has lasted `lasted` ns. Later waits use this time to decide whether they
 * begin with busy polling. */
void pacer_remember(struct pacer *pacer, int64_t lasted);

#endif
