/* SPDX-License-Identifier: MIT */
/*
 * Owns: whether a session file can be played: a connection is open when a step uses it, and a value
 * is known when a step uses it. Must not know: how a step is played.
 */
#ifndef CONFORM_SESSION_FILE_CHECK_H
#define CONFORM_SESSION_FILE_CHECK_H

#include "conform/session_file.h"

/* False: *error says what was expected and where, as transcript_parse does. */
bool transcript_check(const struct transcript *file, struct transcript_error *error);

#endif
