/* SPDX-License-Identifier: MIT */
/*
 * Owns: the file of known failures of one target. A line has the form "ID-GLOB REASON", or is a
 * comment and begins with '#'. Must not know: how cases are played.
 */
#ifndef CONFORM_KNOWN_H
#define CONFORM_KNOWN_H

#include <stdio.h>

#include "conform/player.h"

#define KNOWN_GLOB_MAX 128

struct known_line {
    char glob[KNOWN_GLOB_MAX];
    struct span reason;
    unsigned line;
    bool used; /* the glob matched the id of at least one case */
};

struct known {
    struct buf bytes;
    struct known_line *lines;
    size_t n;
};

/* Reads the file. On failure prints a line "file:line:column: expected ..." on err and returns
 * false. */
bool known_load(struct known *known, const char *path, FILE *err);
void known_free(struct known *known);

/* A run calls this function for each case, with the case's id. Sets `used` in all lines that match
 * the id. */
void known_see(struct known *known, struct span id);

/* Returns true if every line matches a case. Prints the lines that match no case. */
bool known_all_used(const struct known *known, const char *path, FILE *err);

/* Returns the verdict for the report. If no line matches the id, the verdict does not change. If a
 * line matches, *reason is the line's reason. Then the verdict changes as follows:
 *   - "pass" becomes "xpass". But if the reason begins with "sometimes: ", it stays "pass".
 *   - "unreachable" and "flaky" do not change.
 *   - Every other verdict becomes "xfail", even "non-strict" and "unsupported". */
enum verdict known_apply(const struct known *known, struct span id, enum verdict verdict,
                         struct span *reason);

#endif
