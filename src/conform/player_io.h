/* SPDX-License-Identifier: MIT */
/*
 * Owns: finding a case's connections by name, sending and waiting on them through the transport,
 * and the times of a step. Must not know: frames.
 */
#ifndef CONFORM_PLAYER_IO_H
#define CONFORM_PLAYER_IO_H

#include "conform/player.h"

/* Returns the number of the connection with this name, or PLAYER_CONNS_MAX if no connection has
 * this name. */
size_t player_find_conn(const struct player *p, struct span name);

/* Returns the time of the transport's clock, in ns. */
int64_t player_now(struct player *p);

/* Returns the deadline of a step that begins now. The longest wait of a step with "within" is the
 * duration of its "within". The longest wait of another step is the duration of its "after" plus
 * the reply timeout. The longest wait is also stored in p->step_wait. */
int64_t player_deadline(struct player *p, const struct step *step);

/* Subtracts the slack (player.h) from the time of the step's "after". Returns true if the resulting
 * time has passed since the end of the previous step. Otherwise the step fails, and the result is
 * false. */
bool player_in_time(struct player *p, const struct step *step);

/* Waits until something arrives, or until the deadline. */
void player_wait_until(struct player *p, int64_t deadline);

/* Encodes bytes with the connection's codecs and sends them. */
void player_send(struct player *p, size_t i, struct span bytes);

/* Sends bytes without encoding them. */
void player_send_raw(struct player *p, size_t i, struct span bytes);

/* Sends the bytes that the codecs themselves want to send as an answer, for example the next
 * message of a handshake. */
void player_send_answers(struct player *p);

/* Sends the bytes that the codecs add before a client closes its output, for example TLS's
 * close_notify. */
void player_finish_output(struct player *p, size_t i);

#endif
