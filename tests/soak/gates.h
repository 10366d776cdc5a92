/* SPDX-License-Identifier: MIT */
/*
 * The gates: work that one peer can cause must not keep the others waiting. Each gate prepares a
 * load, lets it happen, and judges what a bystander noticed, how much processor time the server
 * used in one turn, and how fast SIGTERM ends the server.
 */
#ifndef TESTS_SOAK_GATES_H
#define TESTS_SOAK_GATES_H

#include <stdbool.h>

/* Runs all gates; with `only`, those whose name matches that pattern of fnmatch(). `quick`: smaller
 * loads. `flag`: one more flag of the server; NULL: none. Adds to the counts. */
void gates_run(const char *program, const char *only, bool quick, const char *flag,
               unsigned *passed, unsigned *failed);

#endif
