/* SPDX-License-Identifier: MIT */
/*
 * Owns: a folder of a test program's own, and what was complained about while it was read.
 */
#ifndef TESTS_SUPPORT_FOLDER_H
#define TESTS_SUPPORT_FOLDER_H

#include <stdio.h>

#define FOLDER_PATH_MAX 256 /* bytes of a path, NUL included */

extern char folder_name[];
extern char *folder_said; /* what was written to the last folder_listen(), once it is closed */

/* cmocka's set-up and tear-down of a group: the folder is made, and goes with all that is in it. */
int folder_make(void **state);
int folder_remove(void **state);

/* A path in it, borrowed until the next call. */
const char *folder_path(const char *name);

/* Writes a file in it; makes a folder in it. */
void folder_write(const char *name, const char *text);
void folder_add(const char *name);

/* Returns a stream that the caller closes; then folder_said is what was written to it. */
FILE *folder_listen(void);

#endif
