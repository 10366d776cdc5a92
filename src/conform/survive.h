/* SPDX-License-Identifier: MIT */
/*
 * Owns: playing the inputs of a fuzz corpus at a server over TCP, and finding out after each of
 * them whether the server still answers. Must not know: which answers are right.
 */
#ifndef CONFORM_SURVIVE_H
#define CONFORM_SURVIVE_H

#include "conform/args.h"

/* Plays all files below args->survive and prints each finding and a summary to `out`. Returns
 * EXIT_DOES_NOT if there is a finding: an input after which the server ended, or did not answer.
 * Returns EXIT_UNREACHABLE if the server does not answer before the first input. Stops if *end_fd
 * becomes readable. */
enum conform_exit survive(const struct args *args, const int *end_fd, FILE *out, FILE *err);

#endif
