/* SPDX-License-Identifier: MIT */
/*
 * Owns: which bytes are a topic or channel name, and how a decimal parameter is read.
 * Must not know: what the parameters of a command mean.
 */
#ifndef NSQ_NAME_H
#define NSQ_NAME_H

#include <nsq/span.h>

#define NSQ_NAME_MAX 64 /* bytes of the longest name, with its suffix */
#define NSQ_EPHEMERAL "#ephemeral"

/*
 * Whether the bytes are a valid name of a topic or channel. A name is one or more of the bytes
 * [.a-zA-Z0-9_-]; "#ephemeral" may follow them. It has at most NSQ_NAME_MAX bytes in all.
 * Source: internal/protocol/names.go; tcp_protocol_spec, "Notes".
 */
bool nsq_name_valid(struct span name);

/*
 * Whether the bytes end in "#ephemeral". Like nsqd, this does not check whether they are a valid
 * name.
 * Source: nsqd/topic.go and channel.go, NewTopic and NewChannel.
 */
bool nsq_name_ephemeral(struct span name);

/*
 * Reads a decimal parameter: the count of RDY, the milliseconds of REQ and DPUB. Only digits are
 * allowed: no sign and no blanks. As in nsqd, the empty parameter is 0, and a number above 2^64 - 1
 * wraps around. Returns false, and sets *value to 0, when a byte is not a digit.
 * Source: internal/protocol/byte_base10.go.
 */
bool nsq_decimal_parse(struct span digits, uint64_t *value);

#endif
