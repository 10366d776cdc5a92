/* SPDX-License-Identifier: MIT */
/*
 * Owns: what a run of a scenario or a gate has shown. Must not know: how it is measured.
 */
#ifndef TESTS_SOAK_VERDICT_H
#define TESTS_SOAK_VERDICT_H

/* From the worst to the best. SLOW: everything was correct, but something took too long. Other
 * programs on the machine can cause that, so the same run is tried again, at most TRIES times. A
 * fault of the server makes every run slow, because each run is the same work. */
enum verdict { WRONG, SLOW, CORRECT };

#define TRIES 5

static inline enum verdict worse(enum verdict a, enum verdict b)
{
    return a < b ? a : b;
}

#endif
