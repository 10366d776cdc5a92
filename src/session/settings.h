/* SPDX-License-Identifier: MIT */
/*
 * Owns: what an IDENTIFY may set, and what the client is told about it. Must not know: JSON's
 * syntax, and when the reply is sent.
 */
#ifndef SESSION_SETTINGS_H
#define SESSION_SETTINGS_H

#include "session/session.h"

/* Checks and applies the settings in nsqd's order. False when one is invalid: `text` then has why,
 * and the settings before it are applied, as in nsqd. */
bool settings_apply(struct session *session, const struct identify *identify, struct buf *text,
                    int64_t now);

/* Drops what an IDENTIFY said about the client, if one did. */
void settings_forget_identity(struct session *session);

/* Sets session->tls and session->upgrade to what the client asks for and the server offers. False:
 * it asks for TLS a second time. */
bool settings_choose_upgrade(struct session *session, const struct identify *identify);

/* Appends the JSON that is the reply to a client that negotiates features. */
void settings_append_reply(const struct session *session, struct buf *text);

#endif
