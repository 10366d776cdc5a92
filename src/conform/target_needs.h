/* SPDX-License-Identifier: MIT */
/*
 * Owns: whether a target has the features that a case needs (tls, snappy, deflate, auth, http).
 * Must not know: how a case is played.
 */
#ifndef CONFORM_TARGET_NEEDS_H
#define CONFORM_TARGET_NEEDS_H

#include "conform/run_case.h"

/* False, with why: the target lacks a feature that the file needs. */
bool target_meets_needs(const struct case_setting *setting, const struct transcript *file,
                        struct buf *why);

#endif
