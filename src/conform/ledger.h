/* SPDX-License-Identifier: MIT */
/*
 * Owns: the ledger of requirements: lines "ID<TAB>source<TAB>sentence" in the files *.txt of the
 * folder "ledger"; and whether each case shows requirements that exist and each requirement is
 * shown by a case. Must not know: how cases are played.
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
    bool shown; /* some case names it */
};

struct ledger {
    struct files *files;
    struct buf *bytes; /* of each file */
    struct requirement *list;
    size_t n;
};

/* Reads the ledger below a folder of cases. Without such a folder the ledger is empty. False, after
 * lines "file:line:column: expected ..." on err. */
bool ledger_load(struct ledger *ledger, const char *cases, FILE *err);
void ledger_free(struct ledger *ledger);

/* The requirement with this id; NULL: there is none. */
struct requirement *ledger_find(const struct ledger *ledger, struct span id);

/* Appends a line "ID: sentence" for each requirement of a case. */
void ledger_rules(const struct ledger *ledger, const struct transcript *file, struct buf *out);

/* Checks the cases against the ledger, the retired ids and the table of departures. Returns the
 * number of errors, each printed on one line; *checked is the number of cases and requirements. */
size_t ledger_check(struct ledger *ledger, const struct suite *suite, const char *cases,
                    const char *departures, size_t *checked, FILE *err);

#endif
