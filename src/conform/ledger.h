/* SPDX-License-Identifier: MIT */
/*
 * Owns: the ledger of requirements, and its checks. Every case may name only requirements that
 * exist. Each requirement must be named by at least one case. A case of level MUST must have a line
 * "effect:". The ledger consists of all files *.txt in the folder "ledger", with lines of the form
 * "ID<TAB>source<TAB>sentence". Must not know: how cases are played.
 */
#ifndef CONFORM_LEDGER_H
#define CONFORM_LEDGER_H

#include <stdio.h>

#include "conform/suite.h"

struct requirement {
    struct span id;
    struct span source;
    struct span sentence;
    size_t file; /* index in ledger.files */
    unsigned line;
    bool shown; /* at least one case names the requirement */
};

struct ledger {
    struct files *files;
    struct buf *bytes; /* the contents of each file */
    struct requirement *list;
    size_t n;
};

/* Reads the ledger in a folder of cases. If there is no folder "ledger", the ledger is empty. On
 * failure prints lines "file:line:column: expected ..." on err and returns false. */
bool ledger_load(struct ledger *ledger, const char *cases, FILE *err);
void ledger_free(struct ledger *ledger);

/* Returns the requirement with this id, or NULL if no requirement has this id. */
struct requirement *ledger_find(const struct ledger *ledger, struct span id);

/* Appends a line "ID: sentence" for each requirement of a case. */
void ledger_rules(const struct ledger *ledger, const struct transcript *file, struct buf *out);

/* Checks the cases against the ledger, the retired ids, the list of changes (changes.h) and the
 * table of departures. Prints each error on one line and returns the number of errors. Sets
 * *checked to the number of cases plus the number of requirements. `departures` is the file with
 * that table; NULL: DEPARTURES.md in the folder of the cases. */
size_t ledger_check(struct ledger *ledger, const struct suite *suite, const char *cases,
                    const char *departures, size_t *checked, FILE *err);

#endif
