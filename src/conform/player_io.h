/* SPDX-License-Identifier: MIT */
/*
 * Owns: the connections of a case, by name; sending and waiting on them through the transport; and
 * the times of a step. Must not know: frames.
 */
#ifndef CONFORM_PLAYER_IO_H
#define CONFORM_PLAYER_IO_H

#include "conform/player.h"

/* The number of the connection with this name; PLAYER_CONNS_MAX: there is none. */
size_t player_find_conn(const struct player *p, struct span name);

/* The transport's clock, in ns. */
int64_t player_now(struct player *p);

/* Until when a step waits, if it begins now: its "within", or the reply timeout behind its
 * "after". */
int64_t player_deadline(struct player *p, const struct step *step);

/* Whether at least the step's "after" has passed since the step before it ended. False: the step
 * has failed. */
bool player_in_time(struct player *p, const struct step *step);

/* Lets time pass until something arrives, or until the deadline. */
void player_wait_until(struct player *p, int64_t deadline);

/* Sends through the connection's codecs. */
void player_send(struct player *p, size_t i, struct span bytes);

/* Sends past the codecs. */
void player_send_raw(struct player *p, size_t i, struct span bytes);

/* Sends what the codecs answer by themselves, such as a handshake's next message. */
void player_send_answers(struct player *p);

/* Sends what the codecs send before a client ends its output, such as TLS's close_notify. */
void player_finish_output(struct player *p, size_t i);

#endif
