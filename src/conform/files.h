/* SPDX-License-Identifier: MIT */
/*
 * Owns: files and folders as the kit needs them: written whole, walked, removed.
 */
#ifndef CONFORM_FILES_H
#define CONFORM_FILES_H

#include <stdio.h>

#include "base/buf.h"

#define FILES_PATH_MAX 4096
#define FILES_DEPTH_MAX 16 /* of folders in folders */

/* A growing list of paths. */
struct files {
    char **paths; /* owned */
    size_t n;
    size_t cap;
};

/* Adds the path if it is a file, else all files below the folder whose names end in `ending`, in
 * order of their paths. False, after saying why, when there is no such thing. */
bool files_add(struct files *files, const char *path, const char *ending, FILE *err);
void files_free(struct files *files);

/* Appends a whole file. False, after saying why. */
bool files_read(const char *path, size_t most, struct buf *out, FILE *err);

/* Writes a whole file; "-" is standard output. False, after saying why. */
bool files_write(const char *path, struct span bytes, FILE *err);

bool files_is_folder(const char *path);

/* Removes a folder and what is in it; links are removed, not followed. */
void files_remove(const char *path);

#endif
