/* SPDX-License-Identifier: MIT */
/*
 * Owns: playing a conformance case that a test gives as a text, against the engine, and judging how
 * it went. Must not know: cases in files, sockets.
 */
#ifndef TESTS_SUPPORT_CASE_TEXTS_H
#define TESTS_SUPPORT_CASE_TEXTS_H

#include "conform/run_case.h"

/* Plays the case once; with `cuts` also with its input cut everywhere. The test fails at once when
 * the text is no case, or when a cut changes something. The caller frees the result. */
enum verdict case_run(const char *text, struct case_result *result, bool cuts);

/* The case passes. */
void case_passes(const char *text, bool cuts);

/* The case fails at this line, and the reason contains `why`. */
void case_fails(const char *text, unsigned line, const char *why);

/* `part` is in the bytes. */
void case_contains(const struct buf *bytes, const char *part);

#endif
