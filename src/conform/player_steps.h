/* SPDX-License-Identifier: MIT */
/*
 * Owns: playing one step of a session file. Must not know: which steps come before and after it.
 */
#ifndef CONFORM_PLAYER_STEPS_H
#define CONFORM_PLAYER_STEPS_H

#include "conform/player.h"

/* Plays the step. False: the case has failed. */
bool player_step(struct player *p, const struct step *step);

#endif
