/* SPDX-License-Identifier: MIT */
/*
 * Owns: messages whose bodies begin with a number of 8 digits, so that tests can count them.
 */
#ifndef TESTS_SUPPORT_NUMBERED_H
#define TESTS_SUPPORT_NUMBERED_H

#include "support/world.h"

#define NUMBERED_DIGITS 8

/* Appends such a body, after its size. `size` is its length in bytes, at least NUMBERED_DIGITS. */
void numbered_append(struct buf *b, unsigned number, size_t size);

/* Append a whole command, for example "PUB t" or "DPUB t 100" with such a body; or post it. */
void numbered_command(struct buf *b, const char *line, unsigned number, size_t size);
void numbered_post(struct client *client, const char *line, unsigned number, size_t size);

/* Posts an MPUB of `count` messages with numbers from `number` on. */
void numbered_post_mpub(struct client *client, const char *line, unsigned number, unsigned count,
                        size_t size);

/* The number of a body. Fails the test if it has none. */
unsigned numbered_of(struct span body);

/* Receives and finishes messages `from` .. `to` - 1, which must arrive in this order; heartbeats
 * may arrive between them. */
void numbered_finish(struct client *client, unsigned from, unsigned to, unsigned attempts);

#endif
