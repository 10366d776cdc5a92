/* SPDX-License-Identifier: MIT */
/*
 * Owns: what a topic or channel name is, and how decimal parameters are read.
 */
#ifndef NSQ_NAME_H
#define NSQ_NAME_H

#include <nsq/span.h>

#define NSQ_NAME_MAX 64 /* bytes, the suffix included */
#define NSQ_EPHEMERAL "#ephemeral"

/*
 * Whether the bytes are a valid topic or channel name: 1 to 64 bytes of [.a-zA-Z0-9_-], then
 * optionally "#ephemeral", which counts into the 64 and does not stand alone.
 * Source: internal/protocol/names.go; tcp_protocol_spec, "Topic and Channel Names".
 */
bool nsq_name_valid(struct span name);

/* Whether the name ends in "#ephemeral". nsqd looks at the end only, so this does too. */
bool nsq_name_ephemeral(struct span name);

/*
 * Reads a decimal parameter (RDY's count; REQ's and DPUB's milliseconds): digits only, no sign, no
 * blanks. Nothing at all is 0, and a value past 2^64-1 wraps around: both as nsqd does.
 * Returns false, with *value 0, when a byte is not a digit.
 * Source: internal/protocol/byte_base10.go.
 */
bool nsq_decimal_parse(struct span digits, uint64_t *value);

#endif
