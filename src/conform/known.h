/* SPDX-License-Identifier: MIT */
/*
 * Owns: the file of known failures of one target: lines "ID-GLOB  REASON", comments behind '#'.
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

/* Reads the file. False, after a line "file:line:column: expected ..". */
bool known_load(struct known *known, const char *path, FILE *err);
void known_free(struct known *known);

/* Tells that there is a case with this id. */
void known_see(struct known *known, struct span id);

/* Whether every line matched a case; says which did not. */
bool known_all_used(const struct known *known, const char *path, FILE *err);

/* What a verdict becomes: failing and unsupported is xfail, with *reason; passing is xpass. */
enum verdict known_apply(const struct known *known, struct span id, enum verdict verdict,
                         struct span *reason);

#endif
