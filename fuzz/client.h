/* SPDX-License-Identifier: MIT */
/*
 * Owns: one client on a server, heard and checked while its bytes come one by one, and again while
 * they come in pieces. What the targets session and upgrade have in common.
 *
 * The server stands on virtual time, and its wall clock stands still at the moment whose ids are 0:
 * the messages of each topic are 0000000000000000, 0000000000000001 and so on in hexadecimal.
 *
 * Input: the ten bytes of struct choice in client.c, then what the client sends, 1,024 bytes of it.
 */
#ifndef FUZZ_CLIENT_H
#define FUZZ_CLIENT_H

#include <nsq/span.h>

#define CLIENT_HEADER 10

/* One input; returns what a target returns. With codecs the server offers them, and what the client
 * sends is what it means, see fuzz_upgrade.c. */
int client_run(struct span in, bool codecs);

#endif
