/* SPDX-License-Identifier: MIT */
/*
 * Owns: the rules for the names of topics and channels, and the parser for decimal parameters.
 * Must not know: what the parameters of a command mean.
 */
#ifndef NSQ_NAME_H
#define NSQ_NAME_H

#include <nsq/span.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NSQ_NAME_MAX 64 /* bytes of the longest name, including its suffix */
#define NSQ_EPHEMERAL "#ephemeral"

/*
 * Returns whether the bytes are a valid name of a topic or channel. A name consists of one or more
 * of the bytes [.a-zA-Z0-9_-]. The suffix "#ephemeral" may follow. The whole name has at most
 * NSQ_NAME_MAX bytes.
 * Source: internal/protocol/names.go; tcp_protocol_spec, "Notes".
 */
bool nsq_name_valid(struct span name);

/*
 * Returns whether the bytes end with "#ephemeral". Like nsqd, the function does not check whether
 * the bytes are a valid name.
 * Source: nsqd/topic.go and channel.go, NewTopic and NewChannel.
 */
bool nsq_name_ephemeral(struct span name);

/*
 * Reads a decimal parameter: the count of RDY, or the milliseconds of REQ and DPUB. Only digits are
 * allowed: no sign and no space. As in nsqd, an empty parameter has the value 0, and a number above
 * 2^64 - 1 wraps around. If a byte is not a digit, the function returns false and sets *value to 0.
 * Source: internal/protocol/byte_base10.go.
 */
bool nsq_decimal_parse(struct span digits, uint64_t *value);

#ifdef __cplusplus
}
#endif

#endif
