/* SPDX-License-Identifier: MIT */
/*
 * Owns: the end of a case: no connection may hold a reply that no step has matched. Must not know:
 * how the steps before it went.
 */
#ifndef CONFORM_PLAYER_END_H
#define CONFORM_PLAYER_END_H

#include "conform/player.h"

/* Checks every connection. A reply too many fails the case at `line`, that of the last step. */
void player_end(struct player *p, unsigned line);

#endif
