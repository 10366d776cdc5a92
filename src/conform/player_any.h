/* SPDX-License-Identifier: MIT */
/*
 * Owns: "any { ... }": steps whose frames may arrive in any order, on any of the connections. An
 * "any" contains only replies, messages, heartbeats and the server's close. Must not know: all
 * other kinds of steps.
 */
#ifndef CONFORM_PLAYER_ANY_H
#define CONFORM_PLAYER_ANY_H

#include "conform/player.h"

/* Plays a step of kind "any". Returns false if a step was not matched by its deadline, or if a
 * frame came too early. */
bool player_any(struct player *p, const struct step *step);

#endif
