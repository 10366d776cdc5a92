/* SPDX-License-Identifier: MIT */
/*
 * Owns: functions that read and write whole files, and list and remove folders. Must not know: the
 * contents of the files.
 */
#ifndef CONFORM_FILES_H
#define CONFORM_FILES_H

#include <stdio.h>

#include "base/buf.h"

#define FILES_PATH_MAX 4096
#define FILES_DEPTH_MAX 16 /* how many levels of folders are searched */

/* A growing list of paths. */
struct files {
    char **paths; /* owned */
    size_t n;
    size_t cap;
};

/* Adds the path if it is a file. If the path is a folder, adds all files in the folder and its
 * subfolders whose names end in `ending`, sorted by path. Prints a message and returns false if
 * there is no such file or folder. */
bool files_add(struct files *files, const char *path, const char *ending, FILE *err);
void files_free(struct files *files);

/* Appends a whole file to `out`. The file may have at most `most` bytes. On failure prints a
 * message and returns false. */
bool files_read(const char *path, size_t most, struct buf *out, FILE *err);

/* Writes a whole file. The path "-" is standard output. On failure prints a message and returns
 * false. */
bool files_write(const char *path, struct span bytes, FILE *err);

/* Returns true if files_write will probably succeed: the file exists and is writable, or the file
 * does not exist and its folder is writable. Changes nothing. On failure prints a message and
 * returns false. A program calls this function before long work, so that a wrong path is noticed
 * before the work and not after it. */
bool files_can_write(const char *path, FILE *err);

bool files_is_folder(const char *path);
bool files_exists(const char *path);

/* Makes a folder and the folders above it. Returns false, without a message, if a folder cannot be
 * made or is not writable. */
bool files_make_folder(const char *path);

/* Removes a folder and its contents. A symbolic link is removed, but the file that it names stays.
 */
void files_remove(const char *path);

#endif
