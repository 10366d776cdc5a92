/* SPDX-License-Identifier: MIT */
/*
 * Owns: the check, at the end of a program, that its whole standard output was written.
 * Must not know: what was written.
 */
#ifndef SHELL_STANDARD_OUTPUT_H
#define SHELL_STANDARD_OUTPUT_H

#include <stdbool.h>

/* Writes out what the program has printed. If any of its output could not be written, for example
 * because the disk is full, prints a message with the program's name on standard error and returns
 * false. A program that prints a result must call this function at its end. If the function returns
 * false, the program must exit with an error. */
bool standard_output_end(const char *program);

#endif
