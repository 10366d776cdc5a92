/* SPDX-License-Identifier: MIT */
/*
 * Owns: what a play says in words: the exchange (one line for each thing that was sent or
 * received), and why a step failed. Must not know: what makes a step fail.
 */
#ifndef CONFORM_PLAYER_EXCHANGE_H
#define CONFORM_PLAYER_EXCHANGE_H

#include <nsq/frame.h>

#include "conform/player.h"

/* Appends one line to the exchange: the actor, then `what`, then the bytes as a string. */
void player_note(struct player *p, struct span actor, struct span what);
void player_note_bytes(struct player *p, struct span actor, struct span what, struct span bytes);

/* Appends the line "conn < frame" to the exchange. */
void player_note_frame(struct player *p, const struct player_conn *c,
                       const struct nsq_frame *frame);

/* Appends a frame as a session file would write it; a long body is cut. */
void player_show_frame(struct buf *out, const struct nsq_frame *frame);

/* Begins the explanation of a failure: "expected: <step>", then "received: ". The caller appends
 * what was received to the buffer that is returned. */
struct buf *player_expected(struct player *p, const struct step *step);

/* The case fails at this step with this verdict. Only the first failure counts. Always false. */
bool player_fail(struct player *p, const struct step *step, enum verdict verdict);

#endif
