/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading and writing whole files, listing and removing folders. Must not know: what is in
 * the files.
 */
#ifndef CONFORM_FILES_H
#define CONFORM_FILES_H

#include <stdio.h>

#include "base/buf.h"

#define FILES_PATH_MAX 4096
#define FILES_DEPTH_MAX 16 /* levels of folders that are followed */

/* A growing list of paths. */
struct files {
    char **paths; /* owned */
    size_t n;
    size_t cap;
};

/* Adds the path if it is a file. If it is a folder, adds all files below it whose names end in
 * `ending`, sorted by path. False, after a message, when there is no such file or folder. */
bool files_add(struct files *files, const char *path, const char *ending, FILE *err);
void files_free(struct files *files);

/* Appends a whole file. False, after a message. */
bool files_read(const char *path, size_t most, struct buf *out, FILE *err);

/* Writes a whole file; "-" is standard output. False, after a message. */
bool files_write(const char *path, struct span bytes, FILE *err);

bool files_is_folder(const char *path);

/* Removes a folder and what is in it; links are removed and not followed. */
void files_remove(const char *path);

#endif
