/* SPDX-License-Identifier: MIT */
/*
 * Owns: the test whether a target has what a case needs: the features in the header of the case
 * (tls, snappy, deflate, auth, http), and the optional commands that the case sends. These are
 * MPUB, DPUB, TOUCH and AUTH. Must not know: how a case is played.
 */
#ifndef CONFORM_TARGET_NEEDS_H
#define CONFORM_TARGET_NEEDS_H

#include "conform/run_case.h"

#define TARGET_ANSWERS_MAX 1024 /* answers beyond that are not kept, but asked for again */

struct target_answer {
    struct span word;
    struct span flags; /* of the server; borrowed from the case */
    bool has;
};

/* The answers of targets to the questions about optional commands. They are kept, so that a
 * question is not asked again for each case. */
struct target_answers {
    struct target_answer list[TARGET_ANSWERS_MAX];
    size_t n;
};

/* Returns true if the target has all that the file needs. Otherwise `why` names what the target
 * does not have. If `answers` is NULL, no answer is kept. */
bool target_meets_needs(const struct case_setting *setting, const struct transcript *file,
                        struct target_answers *answers, struct buf *why);

#endif
