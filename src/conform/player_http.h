/* SPDX-License-Identifier: MIT */
/*
 * Owns: the steps of HTTP: sending a request, and comparing a response. Must not know: the steps
 * before and after them.
 */
#ifndef CONFORM_PLAYER_HTTP_H
#define CONFORM_PLAYER_HTTP_H

#include "conform/player.h"

/* The value of the header Host in a request. It is the same for every server, so that the same
 * bytes are sent to each. */
#define PLAYER_HTTP_HOST "nsq"

/* Sends a request on connection `i`. Returns false if the step cannot be played. */
bool player_request(struct player *p, size_t i, const struct step *step);

/* Waits for a response, and removes it from the input. Returns false if it does not match. */
bool player_response(struct player *p, struct player_conn *c, const struct step *step);

/* Returns true if the head of a request matches this step. The server under test has sent the
 * request. */
bool player_request_matches(struct player *player, const struct step *step, struct span request);

/* Sends a response to the server under test. */
bool player_send_response(struct player *player, size_t i, const struct step *step);

#endif
