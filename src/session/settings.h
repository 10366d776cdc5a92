/* SPDX-License-Identifier: MIT */
/*
 * Owns: the settings of an IDENTIFY: which values are valid, where they are stored, and the reply
 * that reports them. Must not know: how JSON is parsed, and when the reply is sent.
 */
#ifndef SESSION_SETTINGS_H
#define SESSION_SETTINGS_H

#include "session/session.h"

/* Checks and applies the settings one after the other, in nsqd's order. Returns true when all
 * settings are valid. If not, stops at the first invalid setting, appends the reason to `text` and
 * returns false. The settings before the invalid setting stay applied, as in nsqd. */
bool settings_apply(struct session *session, const struct identify *identify, struct buf *text,
                    int64_t now);

/* Frees session->identity if it is set. */
void settings_forget_identity(struct session *session);

/* Sets session->tls and session->upgrade to the codecs that the client wants and the server offers.
 * Returns false when the client wants TLS a second time. */
bool settings_choose_upgrade(struct session *session, const struct identify *identify);

/* Appends the JSON document that is the reply to an IDENTIFY with feature_negotiation. */
void settings_append_reply(const struct session *session, struct buf *text);

#endif
