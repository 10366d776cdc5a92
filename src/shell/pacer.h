/* SPDX-License-Identifier: MIT */
/*
 * Owns: whether a wait for events begins with busy polling. While clients send again as soon as
 * they are answered, waits are short, and a sleep with its wake-up (up to 80 us) costs more than
 * the work between two of them. Must not know: what is waited for.
 */
#ifndef SHELL_PACER_H
#define SHELL_PACER_H

#include "shell/waiter.h"

/* All zeros has seen no wait yet. */
struct pacer {
    unsigned short_waits; /* recent ones; each long wait takes several away */
};

/* Waits until events are there, at most until the time `until` (ns, clock_now's; TIME_NEVER: for
 * ever). `start` is the time now. Writes at most `room` events and returns how many. */
size_t pacer_wait(struct pacer *pacer, const struct waiter *waiter, int64_t start, int64_t until,
                  struct waiter_event *events, size_t room);

/* Takes into account that a wait has lasted so long (ns). */
void pacer_remember(struct pacer *pacer, int64_t lasted);

#endif
