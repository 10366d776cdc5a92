/* SPDX-License-Identifier: MIT */
/*
 * Owns: what an IDENTIFY may set and what it is answered.
 */
#ifndef SESSION_SETTINGS_H
#define SESSION_SETTINGS_H

#include "session/session.h"

/* Checks and applies the settings in nsqd's order. False at the first that is invalid, with the
 * rest of the error's text appended; those before it are applied, as in nsqd. */
bool settings_apply(struct session *session, const struct identify *identify, struct buf *text,
                    int64_t now);

/* Drops what an IDENTIFY said about the client, if one did. */
void settings_forget_identity(struct session *session);

/* Chooses what of the upgrades that a client asks for it gets. */
void settings_choose_upgrade(struct session *session, const struct identify *identify);

/* Appends the JSON that answers a client which negotiates features. */
void settings_append_reply(const struct session *session, struct buf *text);

#endif
