/* SPDX-License-Identifier: MIT */
/*
 * Owns: a client of the HTTP API that makes many topics and channels. Must not know: what is
 * measured.
 */
#ifndef TESTS_SOAK_GATE_HTTP_H
#define TESTS_SOAK_GATE_HTTP_H

#include <stdint.h>

/* Makes this many topics, and channels that are shared out among them. Turns the log off first, and
 * waits for all answers. Ends this process if that fails. */
void gate_http_make(const char *address, uint64_t topics, uint64_t channels);

#endif
