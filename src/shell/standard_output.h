/* SPDX-License-Identifier: MIT */
/*
 * Owns: the check, at the end of a program, that its whole standard output was written.
 * Must not know: what was written.
 */
#ifndef SHELL_STANDARD_OUTPUT_H
#define SHELL_STANDARD_OUTPUT_H

#include <stdbool.h>

/* Writes out what the program has printed. Returns false if any of the output could not be written,
 * for example because the disk is full. Then a message with the program's name was printed on
 * standard error. A program that prints a result must call this function at its end. If the
 * function returns false, the program must exit with an error. */
bool standard_output_end(const char *program);

#endif
