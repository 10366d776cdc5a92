/* SPDX-License-Identifier: MIT */
/*
 * Owns: the files of a recording: DIR/SLUG.session.part gets the steps while they are recorded, and
 * DIR/SLUG.session is the finished file. Must not know: where the recorded bytes come from.
 */
#ifndef CONFORM_RECORD_FILE_H
#define CONFORM_RECORD_FILE_H

#include <stdio.h>

#include "conform/record.h"

struct record_file {
    const char *dir;  /* borrowed */
    const char *id;   /* borrowed; AREA/SLUG, a valid id */
    FILE *part;       /* the steps so far, without a header */
    size_t part_size; /* bytes */
};

/* Opens the part file. So a folder in which nothing can be written is noticed before the recording
 * begins, and a recording that is killed is not lost. On failure prints a message and returns
 * false. */
bool record_file_open(struct record_file *file);

/* Appends the new steps of the recording to the part file. An error is reported when the finished
 * file is written. */
void record_file_add(struct record_file *file, const struct record *record);

/* Writes the finished file and parses it. Prints the error and returns false if the file cannot be
 * written, is incomplete or cannot be played. */
bool record_file_write(const struct record_file *file, struct record *record,
                       const struct record_header *header);

/* Closes the part file, and removes it when the finished file was written. */
void record_file_close(struct record_file *file, bool written);

#endif
