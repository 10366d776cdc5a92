/* SPDX-License-Identifier: MIT */
/*
 * Owns: the magic, which is the first four bytes that a client sends. It selects the protocol of
 * the connection.
 * Must not know: how the protocols work.
 */
#ifndef NSQ_MAGIC_H
#define NSQ_MAGIC_H

#include <nsq/error.h>
#include <nsq/span.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NSQ_MAGIC_SIZE 4
#define NSQ_MAGIC_V1 "  V1" /* nsqlookupd's protocol */
#define NSQ_MAGIC_V2 "  V2" /* nsqd's protocol */

enum nsq_protocol { NSQ_PROTOCOL_V1 = 1, NSQ_PROTOCOL_V2 = 2 };

/*
 * Parses the magic at the start of `in`.
 *
 * NSQ_OK: `*protocol` is set. The first command begins directly after these NSQ_MAGIC_SIZE bytes.
 * NSQ_MORE: `in` has fewer than NSQ_MAGIC_SIZE bytes. A wrong byte among them does not change this
 *     result, because nsqd reads all four bytes before it compares them. `*protocol` is not
 *     changed.
 * NSQ_BAD: the four bytes name no protocol. `*protocol` is not changed.
 *
 * Each server speaks only one of the two protocols. If a client selects the other protocol, the
 * server replies with E_BAD_PROTOCOL: nsqd sends an error frame, and nsqlookupd sends a reply,
 * which has no frame type.
 * Source: nsqd/tcp.go and nsqlookupd/tcp.go, Handle.
 */
enum nsq_parse nsq_magic_parse(struct span in, enum nsq_protocol *protocol);

#ifdef __cplusplus
}
#endif

#endif
