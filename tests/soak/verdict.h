/* SPDX-License-Identifier: MIT */
/*
 * Owns: what a run of a scenario or a gate has shown. Must not know: how it is measured.
 */
#ifndef TESTS_SOAK_VERDICT_H
#define TESTS_SOAK_VERDICT_H

/* From the worst to the best. SLOW: everything was correct, but something took too long. Other
 * programs on the machine can cause that, so the same run is tried again, until the runs that were
 * not slow are more than the slow ones. After TOO_SLOW slow runs, the server is at fault: each run
 * is the same work, so a fault makes most of them slow. */
enum verdict { WRONG, SLOW, CORRECT };

#define TOO_SLOW 5

static inline enum verdict worse(enum verdict a, enum verdict b)
{
    return a < b ? a : b;
}

#endif
