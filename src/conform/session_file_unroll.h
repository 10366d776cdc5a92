/* SPDX-License-Identifier: MIT */
/*
 * Owns: the steps of a session file, written out: repeat { } and repeat( ) are replaced by what
 * they stand for, counters by their numbers. So the code that plays a file does not have to know
 * about repetitions. Must not know: how a step is played.
 */
#ifndef CONFORM_SESSION_FILE_UNROLL_H
#define CONFORM_SESSION_FILE_UNROLL_H

#include "conform/session_file.h"

/* The most steps and items of a file, counted after each repetition was replaced by its steps. One
 * of them needs less than 400 bytes of memory. Stops a file of a few lines that stands for millions
 * of steps. */
#define UNROLLED_MAX 200000

struct unrolled {
    /* No comments, and no STEP_REPEAT, ITEM_REPEAT or ITEM_COUNTER. Each `origin` is set. */
    const struct step *steps;
    const struct step *too_long; /* not NULL: the step of the file with which UNROLLED_MAX was
                                    passed; the rest is missing */
    void *memory;
};

/* Writes out the steps of a file, which must live longer than the result. The caller frees the
 * result with unrolled_free. */
void transcript_unroll(const struct transcript *file, struct unrolled *out);
void unrolled_free(struct unrolled *unrolled);

/* Returns true if a step with this actor may use the connection `name`: they are the same, or the
 * actor is "c*" and the name is c and a number. */
bool actor_is_of(struct span actor, struct span name);

#endif
