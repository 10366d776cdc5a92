/* SPDX-License-Identifier: MIT */
/*
 * Owns: playing one step of a session file. Must not know: the other steps.
 */
#ifndef CONFORM_PLAYER_STEPS_H
#define CONFORM_PLAYER_STEPS_H

#include "conform/player.h"

/* Plays the step. Returns false if the case has failed. */
bool player_step(struct player *p, const struct step *step);

#endif
