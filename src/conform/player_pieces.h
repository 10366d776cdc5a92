/* SPDX-License-Identifier: MIT */
/*
 * Owns: sending the bytes of a step, where they are cut into pieces, and the pauses between the
 * pieces. This finds servers that expect a size or a body in one read(). Must not know: what the
 * server answers.
 */
#ifndef CONFORM_PLAYER_PIECES_H
#define CONFORM_PLAYER_PIECES_H

#include "conform/player.h"

/* Sends the bytes of a step on connection `i`, and notes them in the exchange. `known` says whether
 * all values in the bytes are known. If it is false, nothing is sent, and the step cannot be
 * played. Returns `known`.
 *
 * The bytes are cut at no more than config.splits places: in the middle of the magic, of each size,
 * and of each body that follows a size. An HTTP request is cut in the middle of its first line, at
 * the end of its head, and in the middle of its body. If the step has none of these, its bytes are
 * cut once in the middle. The bytes of a step with `raw` are not encoded, and not cut. */
bool player_send_rendered(struct player *p, size_t i, const struct step *step, struct span bytes,
                          bool known);

#endif
