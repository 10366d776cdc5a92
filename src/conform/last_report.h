/* SPDX-License-Identifier: MIT */
/*
 * Owns: the file nsq-conform/last.json below $XDG_STATE_HOME, or below ~/.local/state. A run that
 * has no option --json writes its report there. The file does not depend on the current folder.
 * Must not know: what a report says.
 */
#ifndef CONFORM_LAST_REPORT_H
#define CONFORM_LAST_REPORT_H

#include "base/buf.h"
#include "conform/files.h"

/* Writes the path of the file to `path` and returns it. Returns NULL if neither $XDG_STATE_HOME nor
 * $HOME is set. */
const char *last_report_path(char path[FILES_PATH_MAX]);

/* Writes the file as a whole, so that another run at the same time never reads a part of it. If the
 * file cannot be written, no error is printed, because a run does not need this file. */
void last_report_write(struct span json);

#endif
