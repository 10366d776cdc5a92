/* SPDX-License-Identifier: MIT */
/*
 * Owns: the test whether a session file can be played. Each connection must be open, and each value
 * must be known, when a step uses it. Must not know: how a step is played.
 */
#ifndef CONFORM_SESSION_FILE_CHECK_H
#define CONFORM_SESSION_FILE_CHECK_H

#include "conform/session_file.h"

/* Returns true if the file can be played. Otherwise *error says what was expected and where, as in
 * transcript_parse. */
bool transcript_check(const struct transcript *file, struct transcript_error *error);

#endif
