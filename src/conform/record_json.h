/* SPDX-License-Identifier: MIT */
/*
 * Owns: which parts of the JSON of an IDENTIFY, and of its reply, a recording keeps. Values that
 * differ between machines are replaced. Must not know: how a recording is made.
 */
#ifndef CONFORM_RECORD_JSON_H
#define CONFORM_RECORD_JSON_H

#include "base/buf.h"

/* Appends an IDENTIFY body in which the names of the client and of its host are replaced by
 * "recorded". A body that is not valid JSON, or is nested too deeply, is appended as it is. */
void record_json_identify(struct span body, struct buf *out);

/* Appends the reply to an IDENTIFY in which the server's version is replaced by null, which matches
 * everything (conform/json_subset.h). */
void record_json_reply(struct span data, struct buf *out);

/* Returns how many codecs (TLS, snappy, deflate) both sides enable after this reply to an IDENTIFY.
 */
size_t record_json_upgrades(struct span data);

#endif
