/* SPDX-License-Identifier: MIT */
/*
 * Owns: which parts of the JSON of an IDENTIFY, and of its reply, a recording keeps. Values that
 * differ between machines or servers are replaced. Must not know: how a recording is made.
 */
#ifndef CONFORM_RECORD_JSON_H
#define CONFORM_RECORD_JSON_H

#include "base/buf.h"

/* Appends an IDENTIFY body in which the names of the client and of its host are replaced by
 * "recorded". A body that is not valid JSON, or is nested too deeply, is appended as it is. */
void record_json_identify(struct span body, struct buf *out);

/* Returns true if the body of an IDENTIFY asks for a reply in JSON. */
bool record_json_negotiates(struct span body);

/* Appends the reply to an IDENTIFY. `asked` is the body of the IDENTIFY. A member of the reply
 * keeps its value only if the body of the IDENTIFY has a member with the same name, whose value in
 * the body is not null and not 0. For deflate_level the body must also ask for deflate. All other
 * values depend on the server alone. They are replaced by null, which matches every value
 * (conform/json_subset.h). */
void record_json_reply(struct span data, struct span asked, struct buf *out);

/* Appends a document with all its values. */
void record_json_whole(struct span data, struct buf *out);

/* Returns how many codecs (TLS, snappy, deflate) both sides enable after this reply to an IDENTIFY.
 */
size_t record_json_upgrades(struct span data);

#endif
