/* SPDX-License-Identifier: MIT */
/*
 * Owns: the cases of a run: read from files and folders, sorted by id, and which of them are
 * chosen. Must not know: how a case is played.
 */
#ifndef CONFORM_SUITE_H
#define CONFORM_SUITE_H

#include <stdio.h>

#include "conform/args.h"
#include "conform/session_file.h"

#define SUITE_CASES "tests/conformance" /* the default of --cases */

struct suite_case {
    char *path; /* owned */
    struct transcript file;
    bool chosen;
};

struct suite {
    struct suite_case *cases; /* sorted by id */
    size_t n;
    size_t chosen;
};

/* Reads these files and folders. Goes on when a file is bad. At first all cases are chosen. False:
 * some files were bad, and `err` has a line "file:line:column: expected ..." for each. */
bool suite_load(struct suite *suite, const char *const *paths, size_t n, FILE *err);
void suite_free(struct suite *suite);

/* Keeps only the cases that the options choose. */
void suite_choose(struct suite *suite, const struct args *args);

/* Keeps only the chosen cases whose ids are in this list. */
void suite_choose_ids(struct suite *suite, const struct span *ids, size_t n);

/* Whether an id matches a shell pattern, in which "*" matches "/" too. */
bool suite_glob(const char *glob, struct span id);

/* Lists the chosen cases: lines "id<TAB>level<TAB>title", or JSON. */
void suite_list(const struct suite *suite, struct buf *out);
void suite_list_json(const struct suite *suite, struct buf *out);

/* The words of a header line as one text, with single spaces between them. */
struct span suite_words(const struct word *words);

/* How long a case waits at least, in ms. */
int64_t suite_duration(const struct transcript *file);

#endif
