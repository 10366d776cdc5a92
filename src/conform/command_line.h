/* SPDX-License-Identifier: MIT */
/*
 * Owns: the command line of this run as text for a shell, and the command that plays one of its
 * cases again. Must not know: what the options mean.
 */
#ifndef CONFORM_COMMAND_LINE_H
#define CONFORM_COMMAND_LINE_H

#include "base/buf.h"
#include "conform/args.h"

/* Appends one word, in quotes if a shell would change it. */
void command_line_word(struct span word, struct buf *out);

/* Appends the whole command line. */
void command_line_whole(const struct args *args, struct buf *out);

/* Appends the beginning of the command that plays one case again: the program and its options,
 * without those that choose cases or write reports. If the run had operands, the path of the case
 * must follow. If not, the text ends with "--only", and the id of the case must follow. */
void command_line_again(const struct args *args, struct buf *out);

#endif
