/* SPDX-License-Identifier: MIT */
/*
 * Owns: the chunking runner of the command parser. It learns the events of an input that arrives
 * byte by byte, and compares every other way of cutting the input with them.
 * Must not know: which events are correct; the test checks that with segments_transcript.
 *
 * After each chunk it compares the events so far and the parser's whole state: its place, and the
 * number of bytes that it has not consumed, which end where the chunk ends. An event is an item of
 * the parser, or its NSQ_BAD. The parts of a body are one event, when the body is complete. So no
 * way of cutting may give an event earlier or later than another.
 */
#ifndef TESTS_SUPPORT_SEGMENTS_H
#define TESTS_SUPPORT_SEGMENTS_H

#include <nsq/command.h>

#include "support/exact.h"

#define SEGMENTS_INPUT_MAX 1024 /* bytes */

struct segments_event {
    enum nsq_parse outcome; /* NSQ_OK or NSQ_BAD */
    size_t at;              /* how many bytes had arrived, byte by byte, when it was found */
    struct nsq_item item;   /* its spans point into the input; `part` is the whole body */
};

/* The state after the first bytes of an input. */
struct segments_state {
    struct nsq_place place;
    size_t taken;  /* bytes that the parser has consumed */
    size_t body;   /* where the current body starts */
    size_t events; /* how many were found */
    bool dead;     /* after NSQ_BAD nothing is parsed */
};

struct segments {
    const struct exact *wall; /* borrowed; every chunk is offered directly before it */
    struct nsq_limits limits;
    struct span input; /* borrowed */
    struct segments_event event[SEGMENTS_INPUT_MAX + 1];
    struct segments_state state[SEGMENTS_INPUT_MAX + 1]; /* [i]: after i bytes */
    size_t checked; /* how many chunks were compared with the above */
    char why[256];  /* set by a call that returns false */
};

/* The result of the whole input. */
const struct segments_state *segments_end(const struct segments *s);

/*
 * The functions below return whether everything is correct. If not, s->why says in one line what is
 * wrong. Call segments_learn first. It feeds the input byte by byte and checks what holds for every
 * run: NSQ_MORE consumes nothing, spans lie in the bytes that the item consumed, and the parts of a
 * body follow each other. `input` has at most SEGMENTS_INPUT_MAX bytes, and `wall` has room for it.
 */
bool segments_learn(struct segments *s, const struct exact *wall, struct nsq_limits limits,
                    struct span input);

/* The next number of a xorshift generator. *x is its state and must not be 0. */
uint64_t segments_random(uint64_t *x);

/* Checks the input in one piece, cut in two at every place, and cut in `random` random ways that
 * depend on `seed`. */
bool segments_check_cuts(struct segments *s, unsigned random, uint64_t seed);

/*
 * Checks that every chunk [i,j), fed in the state after i bytes, gives the state after j bytes and
 * the events in between. By induction this proves all 2^(n-1) ways to cut n bytes with n(n+1)/2
 * checks.
 */
bool segments_check_induction(struct segments *s);

/*
 * The events as text, one line each, such as "10 size 4": the event's `at`, the stage and its
 * value. Returns the bytes of the text; `room` or more means that it was cut.
 */
size_t segments_transcript(const struct segments *s, char *out, size_t room);

#endif
