/* SPDX-License-Identifier: MIT */
/*
 * Owns: the check when a case ends: no connection may have a reply that no step has matched. Must
 * not know: the results of the steps.
 */
#ifndef CONFORM_PLAYER_END_H
#define CONFORM_PLAYER_END_H

#include "conform/player.h"

/* Checks every connection. If there is an unmatched reply, the case fails at `line`, which is the
 * line of the last step. */
void player_end(struct player *p, unsigned line);

#endif
