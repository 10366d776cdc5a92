/* SPDX-License-Identifier: MIT */
/*
 * Owns: whether a session file that can be read can also be played: each connection is there when
 * a step is about it, and each value is known when it is used.
 */
#ifndef CONFORM_SESSION_CHECK_H
#define CONFORM_SESSION_CHECK_H

#include "conform/session_file.h"

/* False: *error says what was expected where, as the parser does. */
bool session_check(const struct session_file *file, struct session_error *error);

#endif
