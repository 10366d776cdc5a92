/* SPDX-License-Identifier: MIT */
/* Does busy polling for a bounded time when recent waits were short. Otherwise it sleeps. */
#include "shell/pacer.h"

#include <sched.h>

#include "base/time.h"
#include "shell/clock.h"

/* ns; the longest busy polling in one wait. A wait that takes this time or more is a long wait. */
#define BUSY_MAX (TIME_MS / 10)
#define BUSY_AFTER 8       /* after this many short waits, a wait begins with busy polling */
#define SHORT_WAITS_MAX 16 /* a higher number of short waits is not remembered */

/* Calls sched_yield between two polls, so that other processes can run. */
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

/* A long wait reduces the number of short waits by several. So a client that sends slowly costs no
 * more processor time than without busy polling. */
void pacer_remember(struct pacer *pacer, int64_t lasted)
{
    if (lasted >= BUSY_MAX) {
        pacer->short_waits -= pacer->short_waits < BUSY_AFTER ? pacer->short_waits : BUSY_AFTER;
    } else if (pacer->short_waits < SHORT_WAITS_MAX) {
        pacer->short_waits++;
    }
}
