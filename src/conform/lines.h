/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading text line by line, and a line field by field. Must not know: what the lines mean.
 */
#ifndef CONFORM_LINES_H
#define CONFORM_LINES_H

#include <nsq/span.h>

#include <stdbool.h>

/* Removes the first line from the text and returns it without its newline. */
struct span lines_take(struct span *rest);

/* Removes the text before the next tab, and the tab, from the line. Returns false if there is no
 * tab, or no text before it. */
bool lines_take_field(struct span *line, struct span *field);

#endif
