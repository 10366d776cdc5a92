/* SPDX-License-Identifier: MIT */
/*
 * Owns: the file that has the report of the last run without --json: nsq-conform/last.json below
 * $XDG_STATE_HOME, or below ~/.local/state. It is the same in all folders. Must not know: what a
 * report says.
 */
#ifndef CONFORM_LAST_REPORT_H
#define CONFORM_LAST_REPORT_H

#include "base/buf.h"
#include "conform/files.h"

/* Writes the path of the file to `path` and returns it. Returns NULL if neither variable is set. */
const char *last_report_path(char path[FILES_PATH_MAX]);

/* Writes the file as a whole, so that a run at the same time does not see a part of it. A run does
 * not need this file: if it cannot be written, nothing is said. */
void last_report_write(struct span json);

#endif
