/* SPDX-License-Identifier: MIT */
/*
 * Owns: the cases of a run. The cases are read from files and folders, and sorted by id. Some of
 * them are chosen for the run. Must not know: how a case is played.
 */
#ifndef CONFORM_SUITE_H
#define CONFORM_SUITE_H

#include <stdio.h>

#include "conform/args.h"
#include "conform/session_file.h"

#define SUITE_CASES "tests/conformance" /* the cases in the source of this project */
#define SUITE_PATH_MAX 4096

/* The version of the suite. The last lines of CHANGES.tsv (changes.h) list what this version has
 * changed. When cases change after a release of this project, the version increases by one. It does
 * not increase again before the next release. */
#define SUITE_VERSION 2U

/* Returns this version as a text. The string is static. */
const char *suite_version(void);

/* Finds the folder of the cases, which is the default of --cases. `program` is the path of a
 * program. The function tries three folders in this order, and returns the first one that exists.
 * The first is PREFIX/share/nsqref/conformance for the program PREFIX/bin/NAME ("make install" puts
 * the cases there). The second is SUITE_CASES in the current folder. The third is
 * ROOT/tests/conformance for the program ROOT/build/NAME. If none of them exists, returns
 * SUITE_CASES. The result is `path` or a static string. */
const char *suite_folder_beside(const char *program, char path[SUITE_PATH_MAX]);

/* Does the same as suite_folder_beside for the program that runs now. */
const char *suite_folder(char path[SUITE_PATH_MAX]);

struct suite_case {
    char *path; /* owned */
    struct transcript file;
    bool chosen;
};

struct suite {
    struct suite_case *cases; /* sorted by id */
    size_t n;
    size_t chosen;
    const char *folder; /* replaces {suite} in flags; borrowed; NULL: SUITE_CASES */
};

/* Reads these files and folders. All cases are chosen at first. Continues after a bad file. Returns
 * false if any file was bad. Then `err` has a line "file:line:column: expected ..." for each bad
 * file. */
bool suite_load(struct suite *suite, const char *const *paths, size_t n, FILE *err);
void suite_free(struct suite *suite);

/* Chooses the cases that the options select, and no other cases. All are about one program. */
void suite_choose(struct suite *suite, const struct args *args);

/* Removes from the choice all cases whose ids are not in this list. */
void suite_choose_ids(struct suite *suite, const struct span *ids, size_t n);

/* Returns true if an id matches a shell pattern. In this pattern, "*" also matches "/". */
bool suite_glob(const char *glob, struct span id);

/* These functions list the chosen cases. suite_list writes lines "id<TAB>level<TAB>title".
 * suite_list_json writes JSON. suite_list_flags writes a line "number of cases<TAB>flags" for each
 * set of flags. The sets are in the order of their first cases; the cases are in the order of their
 * ids. */
void suite_list(const struct suite *suite, struct buf *out);
void suite_list_flags(const struct suite *suite, struct buf *out);
void suite_list_json(const struct suite *suite, struct buf *out);

/* Returns the words of a header line as one text, with single spaces between the words. */
struct span suite_words(const struct word *words);

/* Returns the shortest possible time that a case waits, in ms. */
int64_t suite_duration(const struct transcript *file);

#endif
