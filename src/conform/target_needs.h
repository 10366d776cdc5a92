/* SPDX-License-Identifier: MIT */
/*
 * Owns: whether a target has what a case needs (tls, snappy, deflate, auth, http), asked with a
 * little case of its own: IDENTIFY's answer says.
 */
#ifndef CONFORM_TARGET_NEEDS_H
#define CONFORM_TARGET_NEEDS_H

#include "conform/run_case.h"

/* False, with why, when the target lacks one of the file's needs. */
bool target_meets_needs(const struct case_setting *setting, const struct transcript *file,
                        struct buf *why);

#endif
