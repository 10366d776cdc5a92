/* SPDX-License-Identifier: MIT */
/*
 * Owns: the file of known failures of one target, lines "ID-GLOB  REASON" and comments behind '#'.
 * Must not know: how cases are played.
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
    bool used; /* it matched the id of a case */
};

struct known {
    struct buf bytes;
    struct known_line *lines;
    size_t n;
};

/* Reads the file. False, after a line "file:line:column: expected ..." on err. */
bool known_load(struct known *known, const char *path, FILE *err);
void known_free(struct known *known);

/* A case with this id exists: marks the lines that match it as used. */
void known_see(struct known *known, struct span id);

/* Whether every line matches a case. Prints the lines that do not. */
bool known_all_used(const struct known *known, const char *path, FILE *err);

/* The verdict that is reported: a failing or unsupported case becomes xfail, with *reason; a
 * passing one becomes xpass. */
enum verdict known_apply(const struct known *known, struct span id, enum verdict verdict,
                         struct span *reason);

#endif
