/* SPDX-License-Identifier: MIT */
/*
 * Owns: the list of changes of the suite, CHANGES.tsv in the folder of the cases, with lines of the
 * form "VERSION<TAB>ID<TAB>LEVEL" or "VERSION<TAB>ID<TAB>retired". A line says that the version has
 * a new case, has moved a case to this level, or has retired it. A later line replaces an earlier
 * line of the same case. So together the lines give the ids and levels of all cases. Must not know:
 * what is in a case.
 */
#ifndef CONFORM_CHANGES_H
#define CONFORM_CHANGES_H

#include <stdio.h>

#include "conform/suite.h"

#define CHANGES_FILE "CHANGES.tsv"

/* Checks three rules: the list gives the cases of the suite and their levels; retired.txt names
 * every retired id; the last version is SUITE_VERSION. Prints each error on one line and returns
 * the number of errors. A folder without a list has no errors. */
size_t changes_check(const struct suite *suite, const char *cases, FILE *err);

#endif
