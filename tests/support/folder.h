/* SPDX-License-Identifier: MIT */
/*
 * Owns: a temporary folder of a test program, and the error messages of code that reads it.
 */
#ifndef TESTS_SUPPORT_FOLDER_H
#define TESTS_SUPPORT_FOLDER_H

#include <stdio.h>

#define FOLDER_PATH_MAX 256 /* bytes of a path, NUL included */

extern char folder_name[];
extern char *folder_said; /* what was written to the last folder_listen(), once it is closed */

/* cmocka's set-up and tear-down of a group: they make the folder, and remove it with its contents.
 */
int folder_make(void **state);
int folder_remove(void **state);

/* A path in it, borrowed until the next call. */
const char *folder_path(const char *name);

/* Write a file into it; make a folder in it. */
void folder_write(const char *name, const char *text);
void folder_add(const char *name);

/* Returns a stream that the caller closes; then folder_said is what was written to it. */
FILE *folder_listen(void);

#endif
