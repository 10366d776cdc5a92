/* SPDX-License-Identifier: MIT */
/*
 * Owns: what a topic or channel name is, and how decimal parameters are read.
 * Must not know: which parameter of which command is which.
 */
#ifndef NSQ_NAME_H
#define NSQ_NAME_H

#include <nsq/span.h>

#define NSQ_NAME_MAX 64 /* bytes, the suffix included */
#define NSQ_EPHEMERAL "#ephemeral"

/*
 * Whether the bytes are a valid topic or channel name: bytes of [.a-zA-Z0-9_-], at least one, then
 * optionally "#ephemeral"; 1 to 64 bytes in all. More than 64 are not looked at.
 * Source: internal/protocol/names.go; tcp_protocol_spec, "Notes".
 */
bool nsq_name_valid(struct span name);

/*
 * Whether the bytes end in "#ephemeral". They need not be a valid name: nsqd looks at the end only,
 * so this does too. Source: nsqd/topic.go and channel.go, NewTopic and NewChannel.
 */
bool nsq_name_ephemeral(struct span name);

/*
 * Reads a decimal parameter (RDY's count; REQ's and DPUB's milliseconds): digits only, no sign, no
 * blanks. Nothing at all is 0, and a value past 2^64-1 wraps around: both as nsqd does.
 * Returns false, with *value 0, when a byte is not a digit.
 * Source: internal/protocol/byte_base10.go.
 */
bool nsq_decimal_parse(struct span digits, uint64_t *value);

#endif
