/* SPDX-License-Identifier: MIT */
/*
 * Owns: the test whether a target has the features that a case needs (tls, snappy, deflate, auth,
 * http). Must not know: how a case is played.
 */
#ifndef CONFORM_TARGET_NEEDS_H
#define CONFORM_TARGET_NEEDS_H

#include "conform/run_case.h"

/* Returns true if the target has all features that the file needs. Otherwise `why` names a feature
 * that the target does not have. */
bool target_meets_needs(const struct case_setting *setting, const struct transcript *file,
                        struct buf *why);

#endif
