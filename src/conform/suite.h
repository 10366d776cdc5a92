/* SPDX-License-Identifier: MIT */
/*
 * Owns: the cases of a run: read from files and folders, in order of their ids, and chosen among.
 * Must not know: how a case is played.
 */
#ifndef CONFORM_SUITE_H
#define CONFORM_SUITE_H

#include <stdio.h>

#include "conform/args.h"
#include "conform/session_file.h"

#define SUITE_CASES "tests/conformance" /* unless --cases says otherwise */

struct suite_case {
    char *path; /* owned */
    struct transcript file;
    bool chosen;
};

struct suite {
    struct suite_case *cases; /* by id */
    size_t n;
    size_t chosen;
};

/* Reads these files and folders, all of them even when one is bad; all cases are chosen. False:
 * some were bad, and `err` has a line "file:line:column: expected .." for each. */
bool suite_load(struct suite *suite, const char *const *paths, size_t n, FILE *err);
void suite_free(struct suite *suite);

/* Leaves those chosen that the options ask for. */
void suite_choose(struct suite *suite, const struct args *args);

/* Leaves those chosen whose ids are in this list. */
void suite_choose_ids(struct suite *suite, const struct span *ids, size_t n);

/* Whether an id matches a shell's pattern; "*" matches "/" too. */
bool suite_glob(const char *glob, struct span id);

/* Prints the chosen ones: "id level title", or JSON. */
void suite_list(const struct suite *suite, struct buf *out);
void suite_list_json(const struct suite *suite, struct buf *out);

/* Words of a header line, with single spaces, as they stand in the file. */
struct span suite_words(const struct word *words);

/* ms of waiting that a case asks for. */
int64_t suite_duration(const struct transcript *file);

#endif
