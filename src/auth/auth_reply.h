/* SPDX-License-Identifier: MIT */
/*
 * Owns: the reading of the permissions in an auth server's answer, in slices: first the document,
 * then the patterns are compiled one after the other. Must not know: HTTP, the client.
 */
#ifndef AUTH_AUTH_REPLY_H
#define AUTH_AUTH_REPLY_H

#include "auth/auth_state.h"

/* The largest size of the texts `identity` and `identity_url`, in bytes of the document. The reply
 * to AUTH contains them and is written in one piece, so they must not be long. */
#define AUTH_IDENTITY_MAX 16384

struct auth_reply;

/* Begins an answer. The permissions may use at most cost_max bytes. This limit is needed because
 * the patterns may use much more memory than the body. */
struct auth_reply *auth_reply_new(size_t cost_max);

/* Reads a slice of the body as Go's decoder does, or makes one attempt to compile a pattern. Does
 * this while effort is left, and at least once. Every call must get the same body. Returns true
 * when the answer is read, or when it is refused. */
bool auth_reply_go_on(struct auth_reply *reply, struct span body, struct effort *effort);

/* Returns how many bytes of memory the permissions use so far, and how many bytes the reading uses
 * besides. */
size_t auth_reply_cost(const struct auth_reply *reply);
size_t auth_reply_memory(const struct auth_reply *reply);

/* Must be called when auth_reply_go_on has returned true. Returns the permissions, which the caller
 * frees with auth_state_free. Returns NULL, and appends the reason to `why`, in two cases. First,
 * the answer is one that nsqd refuses. Second, a limit is exceeded. No reason quotes the body,
 * because the body may contain the client's secret. */
struct auth_state *auth_reply_take(struct auth_reply *reply, struct buf *why);

void auth_reply_free(struct auth_reply *reply); /* NULL is allowed */

#endif
