/* SPDX-License-Identifier: MIT */
/*
 * Owns: the magic: the four bytes that a client sends first. They select the protocol of the
 * connection.
 * Must not know: the protocols that they select.
 */
#ifndef NSQ_MAGIC_H
#define NSQ_MAGIC_H

#include <nsq/error.h>
#include <nsq/span.h>

#define NSQ_MAGIC_SIZE 4
#define NSQ_MAGIC_V1 "  V1" /* nsqlookupd's protocol */
#define NSQ_MAGIC_V2 "  V2" /* nsqd's protocol */

enum nsq_protocol { NSQ_PROTOCOL_V1 = 1, NSQ_PROTOCOL_V2 = 2 };

/*
 * Parses the magic at the start of `in`.
 *
 * NSQ_OK: `*protocol` is set. The magic took NSQ_MAGIC_SIZE bytes.
 * NSQ_MORE: `in` has fewer than NSQ_MAGIC_SIZE bytes. The result is this even if a byte is wrong
 *     already, because nsqd reads all four bytes before it compares them. `*protocol` is not
 *     changed.
 * NSQ_BAD: the four bytes name no protocol. `*protocol` is not changed.
 *
 * Each server has one of the two protocols. It answers E_BAD_PROTOCOL to the other one too: nsqd
 * with an error frame, nsqlookupd with a response that has no frame type.
 * Source: nsqd/tcp.go and nsqlookupd/tcp.go, Handle.
 */
enum nsq_parse nsq_magic_parse(struct span in, enum nsq_protocol *protocol);

#endif
