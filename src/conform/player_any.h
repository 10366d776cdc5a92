/* SPDX-License-Identifier: MIT */
/*
 * Owns: "any { ... }": steps whose frames may arrive in any order, on any of the connections. Must
 * not know: the steps that cannot stand in it (all but replies, messages and the server's end).
 */
#ifndef CONFORM_PLAYER_ANY_H
#define CONFORM_PLAYER_ANY_H

#include "conform/player.h"

/* Plays an "any". False: at its deadline a step was not matched, or a frame came too early. */
bool player_any(struct player *p, const struct step *step);

#endif
