/* SPDX-License-Identifier: MIT */
/*
 * Owns: the ledger of requirements, lines "ID<TAB>source<TAB>sentence" in the files *.txt of a
 * folder, and whether it and the cases cover each other.
 */
#ifndef CONFORM_LEDGER_H
#define CONFORM_LEDGER_H

#include <stdio.h>

#include "conform/suite.h"

struct requirement {
    struct span id;
    struct span source;
    struct span sentence;
    size_t file; /* of the ledger */
    unsigned line;
    bool shown; /* by a case */
};

struct ledger {
    struct files *files;
    struct buf *bytes; /* of each file */
    struct requirement *list;
    size_t n;
};

/* Reads the ledger below a folder of cases; a folder without one has an empty one. False, after
 * lines "file:line:column: expected ..". */
bool ledger_load(struct ledger *ledger, const char *cases, FILE *err);
void ledger_free(struct ledger *ledger);

/* NULL: there is none. */
struct requirement *ledger_find(const struct ledger *ledger, struct span id);

/* Appends a line "ID: sentence" for each requirement of a case. */
void ledger_rules(const struct ledger *ledger, const struct transcript *file, struct buf *out);

/* Holds the cases against the ledger, the retired ids and the table of departures. Returns the
 * number of things that are wrong, each said in a line; *checked is the number looked at. */
size_t ledger_check(struct ledger *ledger, const struct suite *suite, const char *cases,
                    const char *departures, size_t *checked, FILE *err);

#endif
