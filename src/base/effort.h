/* SPDX-License-Identifier: MIT */
/*
 * Owns: the effort that is left in one call. Work is counted in units. Each call from outside (from
 * the shell or a test) begins with an allowance of units, and stops when the allowance is used up.
 * A later call does the rest of the work. So no peer waits long for the work of another peer.
 *
 * One unit is about 50 to 100 ns of processor time. An operation that has begun is done completely,
 * even if it needs more units than are left. Then no units are left afterwards. So a call with an
 * allowance of 1 unit does one operation.
 *
 * Must not know: clocks. Units are counted and not measured, so a run with the same input does the
 * same work in each call.
 */
#ifndef BASE_EFFORT_H
#define BASE_EFFORT_H

#include <stdbool.h>
#include <stddef.h>

#define EFFORT_MOVE 1       /* a message goes from a topic to one channel */
#define EFFORT_FREE 1       /* a queued message is freed */
#define EFFORT_FREE_TIMED 4 /* a message with a timer is freed */
#define EFFORT_DELIVERY 2   /* a message goes to a consumer */
#define EFFORT_TIMER 4      /* a timer of a message is handled */
#define EFFORT_END 8        /* a channel or topic is deleted */
#define EFFORT_ORPHAN 4     /* a consumer loses its channel, which was deleted */
/* A line, or the last part of a command, is parsed and executed. Or an auth server has answered. */
#define EFFORT_COMMAND 4
/* nsqlookupd registers a producer, or removes a registration. */
#define EFFORT_REGISTRATION 8
#define EFFORT_ITEM 4        /* nsqlookupd writes one name or producer of a page */
#define EFFORT_AUTHORIZED 16 /* a command goes on after the auth servers have answered */
/* Another part of a command or HTTP request is parsed: a size, a count, a piece of a body. */
#define EFFORT_PART 1
#define EFFORT_REQUEST 24    /* an HTTP request is handled, apart from its body */
#define EFFORT_HEAD_BYTES 16 /* bytes of an HTTP head: to parse them costs one unit */
#define EFFORT_BYTES 1024    /* bytes: a copy of this many bytes costs one unit */
#define EFFORT_JSON_BYTES 8  /* bytes: to parse this many bytes of JSON costs one unit */

/* A connection has an event when it has input, when its input has ended, or when it has room for
 * output. Let p be n / EFFORT_CROWD, rounded down, when n connections have an event at the same
 * time. Usually a call with input may use u units. If p is 2 or more, it may use 1 + u / p units.
 */
#define EFFORT_CROWD 4

struct effort {
    size_t left;  /* units */
    size_t crowd; /* how many connections have an event now; 0: unknown */
};

/* Begins a call that may use this number of units. */
static inline void effort_allow(struct effort *e, size_t units)
{
    e->left = units;
}

/* Begins a call with input of one connection. The call may use this number of units, or fewer if
 * many connections have an event (EFFORT_CROWD). The reason: each connection waits until the calls
 * of the other connections are over. */
static inline void effort_allow_input(struct effort *e, size_t units)
{
    size_t parts = e->crowd / EFFORT_CROWD;
    e->left = parts <= 1 ? units : 1 + units / parts;
}

/* Returns whether the call may do one more operation. */
static inline bool effort_is_left(const struct effort *e)
{
    return e->left > 0;
}

/* Counts an operation of this number of units. */
static inline void effort_use(struct effort *e, size_t units)
{
    e->left = e->left > units ? e->left - units : 0;
}

#endif
