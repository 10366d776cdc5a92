/* SPDX-License-Identifier: MIT */
/* Follows a client's output with the protocol's own parser. Must not know: what the server answers.
 */
#include "conform/stream.h"

#include <nsq/magic.h>

static void take_magic(struct stream *s)
{
    enum nsq_protocol protocol;
    if (s->rest.n >= NSQ_MAGIC_SIZE) {
        s->magic =
            nsq_magic_parse(span_first(buf_span(&s->rest), NSQ_MAGIC_SIZE), &protocol) == NSQ_OK &&
            protocol == (s->v1 ? NSQ_PROTOCOL_V1 : NSQ_PROTOCOL_V2);
        s->lost = !s->magic;
        buf_drop(&s->rest, NSQ_MAGIC_SIZE);
    }
}

/* The limits are the largest ones: whether a size is too big is the server's decision. Each
 * function takes one item, and sets how many bytes it has. */
static enum nsq_parse take_v2(struct stream *s, size_t *consumed)
{
    static const struct nsq_limits limits = {
        .max_line = NSQ_LINE_MAX, .max_msg_size = INT32_MAX, .max_body_size = INT32_MAX};
    struct nsq_item item;
    enum nsq_parse outcome = nsq_command_parse(&s->place, &limits, buf_span(&s->rest), &item);
    *consumed = outcome == NSQ_OK ? item.consumed : 0;
    return outcome;
}

static enum nsq_parse take_v1(struct stream *s, size_t *consumed)
{
    static const struct nsq_lookup_limits limits = {.max_line = NSQ_LOOKUP_LINE_MAX,
                                                    .max_body = INT32_MAX};
    struct nsq_lookup_item item;
    enum nsq_parse outcome = nsq_lookup_parse(&s->v1_place, &limits, buf_span(&s->rest), &item);
    *consumed = outcome == NSQ_OK ? item.consumed : 0;
    return outcome;
}

void stream_add(struct stream *s, struct span bytes)
{
    enum nsq_parse outcome = NSQ_OK;
    buf_append(&s->rest, bytes);
    if (!s->magic) {
        take_magic(s);
    }
    while (s->magic && !s->lost && outcome == NSQ_OK) {
        size_t consumed;
        outcome = s->v1 ? take_v1(s, &consumed) : take_v2(s, &consumed);
        s->lost = outcome == NSQ_BAD;
        buf_drop(&s->rest, consumed);
    }
}

void stream_free(struct stream *s)
{
    buf_free(&s->rest);
    *s = (struct stream){0};
}

bool stream_at_command(const struct stream *s)
{
    return s->magic && !s->lost && s->rest.n == 0 && s->place.stage == NSQ_STAGE_LINE &&
           s->v1_place.stage == NSQ_LOOKUP_STAGE_LINE;
}
