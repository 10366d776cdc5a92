/* SPDX-License-Identifier: MIT */
/* Busy polling for a bounded time when recent waits were short; otherwise a sleep. */
#include "shell/pacer.h"

#include <sched.h>

#include "base/time.h"
#include "shell/clock.h"

#define BUSY_MAX (TIME_MS / 10) /* ns of busy polling in one wait; longer waits are long ones */
#define BUSY_AFTER 8            /* short waits that make the next one begin with busy polling */
#define SHORT_WAITS_MAX 16      /* more of them are not remembered */

/* Gives the processor to other processes between two looks. */
static size_t poll_busily(const struct waiter *waiter, int64_t until, struct waiter_event *events,
                          size_t room)
{
    size_t n;
    while ((n = waiter->wait(waiter->self, 0, events, room)) == 0 && clock_now() < until) {
        sched_yield();
    }
    return n;
}

static size_t sleep_until(const struct waiter *waiter, int64_t until, struct waiter_event *events,
                          size_t room)
{
    int64_t timeout = -1;
    if (until != TIME_NEVER) {
        int64_t now = clock_now();
        timeout = until > now ? until - now : 0;
    }
    return waiter->wait(waiter->self, timeout, events, room);
}

size_t pacer_wait(struct pacer *pacer, const struct waiter *waiter, int64_t start, int64_t until,
                  struct waiter_event *events, size_t room)
{
    size_t n = 0;
    if (pacer->short_waits >= BUSY_AFTER && until > start) {
        n = poll_busily(waiter, time_earlier(until, start + BUSY_MAX), events, room);
    }
    return n > 0 ? n : sleep_until(waiter, until, events, room);
}

/* One long wait outweighs several short ones. So clients that pace themselves cost no more than
 * without busy polling. */
void pacer_remember(struct pacer *pacer, int64_t lasted)
{
    if (lasted >= BUSY_MAX) {
        pacer->short_waits -= pacer->short_waits < BUSY_AFTER ? pacer->short_waits : BUSY_AFTER;
    } else if (pacer->short_waits < SHORT_WAITS_MAX) {
        pacer->short_waits++;
    }
}
