/* SPDX-License-Identifier: MIT */
/*
 * Owns: the side of a scripted nsqlookupd in a case about nsqd: its connections, the commands that
 * arrive on them, and what is sent to nsqd. A command counts as a frame, so it is received as
 * frames are (player_frames.h). Must not know: what nsqd does.
 */
#ifndef CONFORM_PLAYER_LOOKUPD_H
#define CONFORM_PLAYER_LOOKUPD_H

#include <nsq/frame.h>

#include "conform/player.h"

/* Sets the values with the addresses of the scripted nsqlookupds. */
void player_lookupd_init(struct player *player);

/* Waits for the connection of STEP_ACCEPT. */
bool player_accept(struct player *player, const struct step *step);

/* Parses the command at the start of `in`, which this connection has received: the magic, a line,
 * IDENTIFY with its size and body, or the head of a request of HTTP. `frame` becomes a response
 * with all bytes of the command. */
enum nsq_parse player_command_parse(const struct player_conn *c, struct span in,
                                    struct nsq_frame *frame, size_t *size);

/* Returns true if a command is an IDENTIFY. Then *json is its body. */
bool player_command_is_identify(struct span command, struct span *json);

/* Plays a step that sends to the server under test, or closes the connection. */
bool player_reply(struct player *player, size_t i, const struct step *step);

/* Sends the reply "OK". */
void player_reply_ok(struct player *player, const struct player_conn *c);

#endif
