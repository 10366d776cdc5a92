/* SPDX-License-Identifier: MIT */
/*
 * Owns: the chunking runner of the command parser. It learns what an input means when it comes
 * byte by byte, and then holds every other way of cutting it against that.
 * Must not know: what an input should mean; the test says that, against the transcript.
 *
 * What is compared after each chunk is the parser's whole state (its place, and the bytes it has
 * not consumed, which a number tells: they end where the chunk ends) and the events so far. An
 * event is an item of the parser, or its NSQ_BAD; the parts of a body are one event, when the body
 * is whole. So no way of cutting may give an event earlier or later than another.
 */
#ifndef TESTS_SUPPORT_SEGMENTS_H
#define TESTS_SUPPORT_SEGMENTS_H

#include <nsq/command.h>

#include "support/exact.h"

#define SEGMENTS_INPUT_MAX 1024 /* bytes */

struct segments_event {
    enum nsq_parse outcome; /* NSQ_OK or NSQ_BAD */
    size_t at;              /* how many bytes were there when it came, one byte at a time */
    struct nsq_item item;   /* its spans point into the input; `part` is the whole body */
};

/* Everything that is left of the first bytes of an input. */
struct segments_state {
    struct nsq_place place;
    size_t taken;  /* bytes that the parser has consumed */
    size_t body;   /* where the body in hand starts */
    size_t events; /* how many have come */
    bool dead;     /* after NSQ_BAD nothing is parsed */
};

struct segments {
    const struct exact *wall; /* borrowed; every chunk is offered right before it */
    struct nsq_limits limits;
    struct span input; /* borrowed */
    struct segments_event event[SEGMENTS_INPUT_MAX + 1];
    struct segments_state state[SEGMENTS_INPUT_MAX + 1]; /* [i]: after i bytes */
    size_t checked;                                      /* chunks held against the above */
    char why[256];                                       /* set when a call returned false */
};

/* The result of the whole input. */
const struct segments_state *segments_end(const struct segments *s);

/*
 * All of the functions below return whether all is well; if not, s->why is one line that says what
 * went wrong. segments_learn comes first; it feeds the input byte by byte and checks what holds for
 * any parser run: NSQ_MORE consumes nothing, spans lie in the bytes that the item consumed, parts
 * of a body follow each other. `input` is at most SEGMENTS_INPUT_MAX bytes, `wall` has room for it.
 */
bool segments_learn(struct segments *s, const struct exact *wall, struct nsq_limits limits,
                    struct span input);

/* The next number of a xorshift generator whose state is *x, not 0. */
uint64_t segments_random(uint64_t *x);

/* The input whole, cut in two at every place, and in `random` random ways that follow from `seed`.
 */
bool segments_check_cuts(struct segments *s, unsigned random, uint64_t seed);

/*
 * Every chunk [i,j), pushed in the state after i bytes, gives the state after j bytes and the
 * events in between. By induction this is all 2^(n-1) ways to cut n bytes, in n(n+1)/2 checks.
 */
bool segments_check_induction(struct segments *s);

/*
 * The events as text, a line each, such as "10 size 4": first the event's `at`, then the stage and
 * what it yielded. Returns the bytes of the text; it was cut when that is `room` or more.
 */
size_t segments_transcript(const struct segments *s, char *out, size_t room);

#endif
