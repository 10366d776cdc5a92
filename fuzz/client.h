/* SPDX-License-Identifier: MIT */
/*
 * Owns: one client of a server. The server's output is read and checked, first while the client's
 * bytes arrive one by one, then while they arrive in pieces. The targets session and upgrade share
 * this.
 *
 * The server runs on virtual time. Its wall clock stands still at the moment whose ids are 0: the
 * messages of each topic are 0000000000000000, 0000000000000001 and so on in hexadecimal.
 *
 * Input: the ten bytes of struct choice in client_parts.h, then up to 1,024 bytes that the client
 * sends.
 */
#ifndef FUZZ_CLIENT_H
#define FUZZ_CLIENT_H

#include <nsq/span.h>

#define CLIENT_HEADER 10

/* Runs one input; returns what a target returns. With `codecs` the server offers codecs, and the
 * input holds the client's bytes before they are encoded: see fuzz_upgrade.c. */
int client_run(struct span in, bool codecs);

#endif
