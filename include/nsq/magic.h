/* SPDX-License-Identifier: MIT */
/*
 * Owns: the four bytes that a client sends first, which select the protocol of the connection.
 * Must not know: what is spoken after them.
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
 * Reads the magic at the start of `in` (borrowed). NSQ_OK: `*protocol` is set and exactly
 * NSQ_MAGIC_SIZE bytes were consumed; otherwise `*protocol` is left alone. NSQ_MORE: fewer than
 * NSQ_MAGIC_SIZE bytes are there; a first wrong byte is not yet an error, because nsqd reads all
 * four before it looks. NSQ_BAD: four bytes that name no protocol. Each server speaks one of the
 * two, and answers E_BAD_PROTOCOL to the other as well: nsqd as an error frame, nsqlookupd without
 * a frame type.
 * Source: nsqd/tcp.go and nsqlookupd/tcp.go, Handle.
 */
enum nsq_parse nsq_magic_parse(struct span in, enum nsq_protocol *protocol);

#endif
