/* SPDX-License-Identifier: MIT */
/*
 * Owns: whether a session file that can be read can also be played: each connection is there when
 * a step is about it, and each value is known when it is used.
 */
#ifndef CONFORM_SESSION_FILE_CHECK_H
#define CONFORM_SESSION_FILE_CHECK_H

#include "conform/session_file.h"

/* False: *error says what was expected where, as the parser does. */
bool transcript_check(const struct transcript *file, struct transcript_error *error);

#endif
