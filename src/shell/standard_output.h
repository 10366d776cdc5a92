/* SPDX-License-Identifier: MIT */
/*
 * Owns: the end of a program's standard output: whether all of it was written.
 * Must not know: what was written.
 */
#ifndef SHELL_STANDARD_OUTPUT_H
#define SHELL_STANDARD_OUTPUT_H

#include <stdbool.h>

/* Writes out what the program has printed. If any of its output could not be written, for example
 * because the disk is full, prints a message with the program's name on standard error and returns
 * false. A program that prints a result must call it at the end, and exit with an error when it
 * returns false. */
bool standard_output_end(const char *program);

#endif
