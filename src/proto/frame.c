/* SPDX-License-Identifier: MIT */
/*
 * Implements nsq/frame.h: parsing and encoding of frames and messages. Must not know when a frame
 * is sent. Allocates nothing.
 */
#include <nsq/frame.h>

#define TYPE_SIZE 4 /* bytes of the type field, which the size field counts too */

enum nsq_parse nsq_frame_parse(struct span in, size_t max_data, struct nsq_frame *frame,
                               size_t *consumed)
{
    if (in.n < 4) {
        return NSQ_MORE;
    }
    uint32_t size = be32_load(in.p);
    if (size < TYPE_SIZE || size > INT32_MAX || size - TYPE_SIZE > max_data) {
        return NSQ_BAD;
    }
    if (in.n < NSQ_FRAME_HEADER_SIZE) {
        return NSQ_MORE;
    }
    uint32_t type = be32_load(in.p + 4);
    if (type > NSQ_FRAME_MESSAGE) {
        return NSQ_BAD;
    }
    size_t data_size = size - TYPE_SIZE;
    if (in.n - NSQ_FRAME_HEADER_SIZE < data_size) {
        return NSQ_MORE;
    }
    frame->type = (enum nsq_frame_type)type;
    frame->data = span_make(in.p + NSQ_FRAME_HEADER_SIZE, data_size);
    *consumed = NSQ_FRAME_HEADER_SIZE + data_size;
    return NSQ_OK;
}

enum nsq_parse nsq_message_parse(struct span data, struct nsq_message *message)
{
    if (data.n < NSQ_MESSAGE_HEADER_SIZE) {
        return NSQ_BAD;
    }
    message->timestamp = (int64_t)be64_load(data.p);
    message->attempts = be16_load(data.p + 8);
    message->id = data.p + 10;
    message->body = span_skip(data, NSQ_MESSAGE_HEADER_SIZE);
    return NSQ_OK;
}

bool nsq_frame_is_heartbeat(const struct nsq_frame *frame)
{
    return frame->type == NSQ_FRAME_RESPONSE && span_equal(frame->data, SPAN("_heartbeat_"));
}

void nsq_frame_header(uint8_t out[NSQ_FRAME_HEADER_SIZE], enum nsq_frame_type type,
                      size_t data_size)
{
    be32_store(out, (uint32_t)(data_size + TYPE_SIZE));
    be32_store(out + 4, (uint32_t)type);
}

void nsq_message_header(uint8_t out[NSQ_MESSAGE_HEADER_SIZE], const struct nsq_message *message)
{
    be64_store(out, (uint64_t)message->timestamp);
    be16_store(out + 8, message->attempts);
    memcpy(out + 10, message->id, NSQ_MESSAGE_ID_SIZE);
}

size_t nsq_frame_encode(enum nsq_frame_type type, struct span data, uint8_t *out, size_t room)
{
    if (data.n > NSQ_FRAME_DATA_MAX) {
        return 0;
    }
    size_t size = NSQ_FRAME_HEADER_SIZE + data.n;
    if (size <= room) {
        nsq_frame_header(out, type, data.n);
        if (data.n > 0) {
            memcpy(out + NSQ_FRAME_HEADER_SIZE, data.p, data.n);
        }
    }
    return size;
}
