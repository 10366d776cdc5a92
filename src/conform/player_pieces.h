/* SPDX-License-Identifier: MIT */
/*
 * Owns: where the bytes of a step are cut into pieces, and sending the pieces with pauses between
 * them. A server that expects a size or a body in one read() is noticed in this way. Must not know:
 * what the server answers.
 */
#ifndef CONFORM_PLAYER_PIECES_H
#define CONFORM_PLAYER_PIECES_H

#include "conform/player.h"

/* Sends the bytes of a step. They are cut in the middle of the magic, in each size and in the
 * middle of what has this size, at up to config.splits places; without such a place, in the middle.
 */
void player_send_pieces(struct player *p, size_t i, const struct step *step, struct span bytes);

#endif
