/* SPDX-License-Identifier: MIT */
/*
 * Implements nsq/magic.h. Must not know the protocols that a magic selects.
 */
#include <nsq/magic.h>

enum nsq_parse nsq_magic_parse(struct span in, enum nsq_protocol *protocol)
{
    if (in.n < NSQ_MAGIC_SIZE) {
        return NSQ_MORE;
    }
    struct span magic = span_first(in, NSQ_MAGIC_SIZE);
    if (span_equal(magic, SPAN(NSQ_MAGIC_V2))) {
        *protocol = NSQ_PROTOCOL_V2;
        return NSQ_OK;
    }
    if (span_equal(magic, SPAN(NSQ_MAGIC_V1))) {
        *protocol = NSQ_PROTOCOL_V1;
        return NSQ_OK;
    }
    return NSQ_BAD;
}
