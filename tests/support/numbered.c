/* SPDX-License-Identifier: MIT */
/*
 * Messages whose bodies begin with a number, so that tests can count them.
 */
#include "support/numbered.h"

#include <stdio.h>

#include <nsq/name.h>

#include "base/text.h"

static void append_size(struct buf *b, size_t size)
{
    be32_store(buf_room(b, 4), (uint32_t)size);
    buf_grew(b, 4);
}

void numbered_append(struct buf *b, unsigned number, size_t size)
{
    char digits[16];
    snprintf(digits, sizeof digits, "%08u", number);
    append_size(b, size);
    buf_append(b, span_make(digits, NUMBERED_DIGITS));
    size_t rest = size - NUMBERED_DIGITS;
    if (rest > 0) {
        memset(buf_room(b, rest), 'x', rest);
        buf_grew(b, rest);
    }
}

void numbered_command(struct buf *b, const char *line, unsigned number, size_t size)
{
    buf_append(b, span_make(line, strlen(line)));
    text_append(b, "\n");
    numbered_append(b, number, size);
}

void numbered_post(struct client *c, const char *line, unsigned number, size_t size)
{
    struct buf b = {0};
    numbered_command(&b, line, number, size);
    client_post(c, buf_span(&b));
    buf_free(&b);
}

void numbered_post_mpub(struct client *c, const char *line, unsigned number, unsigned count,
                        size_t size)
{
    struct buf b = {0};
    buf_append(&b, span_make(line, strlen(line)));
    text_append(&b, "\n");
    append_size(&b, 4 + count * (4 + size));
    append_size(&b, count);
    for (unsigned i = 0; i < count; i++) {
        numbered_append(&b, number + i, size);
    }
    client_post(c, buf_span(&b));
    buf_free(&b);
}

unsigned numbered_of(struct span body)
{
    uint64_t number = 0;
    if (!nsq_decimal_parse(span_first(body, NUMBERED_DIGITS), &number)) {
        world_fail(__FILE__, __LINE__, "a body without a number");
    }
    return (unsigned)number;
}

void numbered_finish(struct client *c, unsigned from, unsigned to, unsigned attempts)
{
    struct nsq_frame frame;
    struct nsq_message m;
    for (unsigned i = from; i < to;) {
        if (!client_next(c, &frame, &m)) {
            world_fail(__FILE__, __LINE__, "message %u has not come", i);
        }
        if (nsq_frame_is_heartbeat(&frame)) {
            continue;
        }
        if (frame.type != NSQ_FRAME_MESSAGE || numbered_of(m.body) != i || m.attempts != attempts) {
            world_fail(__FILE__, __LINE__, "expected message %u, attempt %u", i, attempts);
        }
        client_sendf(c, "FIN %.*s\n", NSQ_MESSAGE_ID_SIZE, (const char *)m.id);
        i++;
    }
}
