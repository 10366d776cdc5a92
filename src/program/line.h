/* SPDX-License-Identifier: MIT */
/*
 * Owns: a line of text that grows in a buffer of the caller. When the text does not fit, its end is
 * replaced by "..." and `cut` is set. Nothing is ever written beyond the buffer, and the text
 * always ends with a NUL. Must not know: what the line is about.
 */
#ifndef PROGRAM_LINE_H
#define PROGRAM_LINE_H

#include <stdbool.h>
#include <stddef.h>

struct line {
    char *p;    /* borrowed, NUL-terminated at p[n] */
    size_t cap; /* bytes at p, at least 1 */
    size_t n;   /* bytes written, without the NUL; n < cap */
    bool cut;   /* the text did not fit */
};

/* Starts an empty line in buf (borrowed, cap >= 1). */
void line_start(struct line *l, char *buf, size_t cap);

/* Appends as printf does. */
__attribute__((format(printf, 2, 3))) void line_add(struct line *l, const char *format, ...);

/* Appends s in the form of Go's %q. Upstream's nsqd prints bad values in this form. */
void line_add_quoted(struct line *l, const char *s);

#endif
