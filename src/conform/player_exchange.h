/* SPDX-License-Identifier: MIT */
/*
 * Owns: the description of a play in words: the exchange (one line for each thing that was sent or
 * received), and why a step failed. Must not know: the rules by which a step fails.
 */
#ifndef CONFORM_PLAYER_EXCHANGE_H
#define CONFORM_PLAYER_EXCHANGE_H

#include <nsq/frame.h>

#include "conform/player.h"

/* These functions append one line to the exchange. player_note writes the actor and then `what`.
 * player_note_bytes writes the actor, then `what`, then the bytes as a string. */
void player_note(struct player *p, struct span actor, struct span what);
void player_note_bytes(struct player *p, struct span actor, struct span what, struct span bytes);

/* Returns the buffer for the next line. The caller appends the line and a newline. Of a long
 * exchange only the first lines and the last lines are kept. */
struct buf *player_line(struct player *p);

/* Joins the parts of the exchange. If lines were left out, adds a line that says how many. */
void player_end_exchange(struct player *p);

/* Appends the line "conn < frame" to the exchange. */
void player_note_frame(struct player *p, const struct player_conn *c,
                       const struct nsq_frame *frame);

/* Appends a frame as a session file writes it. A long body is shortened. */
void player_show_frame(struct buf *out, const struct nsq_frame *frame);

/* Appends bytes as a string. A long string is shortened. */
void player_show_bytes(struct span bytes, struct buf *out);

/* Appends a step as a session file writes it, and adds two explanations. A name whose value is
 * known is followed by its value. The time of the keyword "after" is followed by "(not
 * earlier)". */
void player_show_step(struct player *p, const struct step *step, unsigned indent, struct buf *out);

/* Appends how long the step was allowed to wait, for example " within 8 s". */
void player_show_wait(const struct player *p, struct buf *out);

/* Begins the explanation of a failure with "expected: <step>" and then "received: ". Returns the
 * buffer to which the caller must append what was received. */
struct buf *player_expected(struct player *p, const struct step *step);

/* Makes the case fail at this step with this verdict. Only the first failure counts. Always returns
 * false. */
bool player_fail(struct player *p, const struct step *step, enum verdict verdict);

#endif
