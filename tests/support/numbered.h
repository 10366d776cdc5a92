/* SPDX-License-Identifier: MIT */
/*
 * Owns: messages that can be counted by their bodies, which begin with a number of 8 digits.
 */
#ifndef TESTS_SUPPORT_NUMBERED_H
#define TESTS_SUPPORT_NUMBERED_H

#include "support/world.h"

#define NUMBERED_DIGITS 8

/* Appends such a body of `size` bytes, at least NUMBERED_DIGITS, its size in front. */
void numbered_append(struct buf *b, unsigned number, size_t size);

/* Appends a whole command, "PUB t" or "DPUB t 100" with such a body; or posts it. */
void numbered_command(struct buf *b, const char *line, unsigned number, size_t size);
void numbered_post(struct client *client, const char *line, unsigned number, size_t size);

/* The same for MPUB: `count` messages with numbers from `number` on. */
void numbered_post_mpub(struct client *client, const char *line, unsigned number, unsigned count,
                        size_t size);

/* The number of a body; fails the test when it has none. */
unsigned numbered_of(struct span body);

/* Takes and finishes messages `from` .. `to` - 1, which come in this order, between heartbeats. */
void numbered_finish(struct client *client, unsigned from, unsigned to, unsigned attempts);

#endif
