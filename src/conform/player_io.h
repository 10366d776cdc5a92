/* SPDX-License-Identifier: MIT */
/*
 * Owns: how a case's connections are found by name, how the player sends and waits through the
 * transport, and the times of a step. Must not know: frames.
 */
#ifndef CONFORM_PLAYER_IO_H
#define CONFORM_PLAYER_IO_H

#include "conform/player.h"

/* Returns the number of the connection with this name, or PLAYER_CONNS_MAX if no connection has
 * this name. */
size_t player_find_conn(const struct player *p, struct span name);

/* Returns the time of the transport's clock, in ns. */
int64_t player_now(struct player *p);

/* Returns the deadline of a step that begins now. A step with "within" may wait for the time of its
 * "within". Another step may wait for the time of its "after" plus the reply timeout. "within" and
 * the reply timeout are multiplied by config.time_scale. No step waits longer than until p->end_by.
 * The longest wait is also stored in p->step_wait. */
int64_t player_deadline(struct player *p, const struct step *step);

/* Returns true if the time of the step's "after", minus config.slack, has passed since
 * p->last_step_end, or if the step has no "after". Otherwise the step fails, and the result is
 * false. */
bool player_in_time(struct player *p, const struct step *step);

/* Waits until something arrives, or until the deadline. Then sends what the codecs answer. */
void player_wait_until(struct player *p, int64_t deadline);

/* Encodes bytes with the connection's codecs and sends them. player_send and player_send_raw also
 * send what the codecs answer. */
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
