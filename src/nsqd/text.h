/* SPDX-License-Identifier: MIT */
/*
 * Owns: text that grows in a buffer of the caller's. What does not fit is left off, with "..."
 * in its place and `cut` set; the buffer is never overrun and always ends with a NUL. Quoting is
 * that of Go's %q, in which nsqd names bad values. Must not know what the text is about.
 */
#ifndef NSQREF_NSQD_TEXT_H
#define NSQREF_NSQD_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *p;    /* borrowed, NUL-terminated at p[n] */
    size_t cap; /* bytes at p, at least 1 */
    size_t n;   /* bytes written, without the NUL; n < cap */
    bool cut;   /* something was left off */
};

/* Starts an empty text in buf (borrowed, cap >= 1). */
void text_start(struct text *t, char *buf, size_t cap);

/* Appends as printf does. */
__attribute__((format(printf, 2, 3))) void text_add(struct text *t, const char *format, ...);

/*
 * Appends s in double quotes with everything escaped that Go's strconv.Quote escapes: control
 * characters, bytes that are no UTF-8, and what does not show (also bidirectional marks, so a value
 * cannot rearrange the line it is quoted in). Code points that Unicode has not assigned are the one
 * difference: Go escapes them, this does not.
 */
void text_add_quoted(struct text *t, const char *s);

#endif
