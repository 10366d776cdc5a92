/* SPDX-License-Identifier: MIT */
/*
 * Owns: the unrolled steps of a session file. Each repeat { } is replaced by the steps that it
 * repeats, each repeat( ) by its items, and each counter by its number. So the code that plays a
 * file does not have to know about repetitions. Must not know: how a step is played.
 */
#ifndef CONFORM_SESSION_FILE_UNROLL_H
#define CONFORM_SESSION_FILE_UNROLL_H

#include "conform/session_file.h"

/* The largest number of steps and items of a file, counted after each repetition was replaced. A
 * step or item needs less than 400 bytes of memory. Without this limit, a file of a few lines could
 * become millions of steps. */
#define UNROLLED_MAX 200000

struct unrolled {
    /* No comments, and no STEP_REPEAT, ITEM_REPEAT or ITEM_COUNTER. Each `origin` is set. */
    const struct step *steps;
    const struct step *too_long; /* not NULL: the step of the file at which the number of steps
                                    became greater than UNROLLED_MAX; the rest is missing */
    void *memory;
};

/* Unrolls the steps of a file, which must live longer than the result. The caller frees the result
 * with unrolled_free. */
void transcript_unroll(const struct transcript *file, struct unrolled *out);
void unrolled_free(struct unrolled *unrolled);

/* Returns true if a step with this actor may use the connection `name`: the two are equal, or the
 * actor is "c*" and the name is "c" followed by digits. */
bool actor_is_of(struct span actor, struct span name);

#endif
