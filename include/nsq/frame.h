/* SPDX-License-Identifier: MIT */
/*
 * Owns: what a server sends: frames, and the messages inside message frames. Both directions:
 * servers encode, clients decode.
 *
 * A frame:
 *     | size, int32 | type, int32 | data, size - 4 bytes ...
 * The data of a message frame:
 *     | timestamp, int64 ns | attempts, uint16 | id, 16 bytes of ASCII | body ...
 */
#ifndef NSQ_FRAME_H
#define NSQ_FRAME_H

#include <nsq/error.h>
#include <nsq/span.h>

#define NSQ_FRAME_HEADER_SIZE 8
#define NSQ_MESSAGE_HEADER_SIZE 26
#define NSQ_MESSAGE_ID_SIZE 16
/* The most data a frame can carry: its size field is a positive int32 and counts the type too. */
#define NSQ_FRAME_DATA_MAX ((size_t)INT32_MAX - 4)

enum nsq_frame_type {
    NSQ_FRAME_RESPONSE = 0,
    NSQ_FRAME_ERROR = 1,
    NSQ_FRAME_MESSAGE = 2,
};

struct nsq_frame {
    enum nsq_frame_type type;
    struct span data; /* borrowed from the parser's input */
};

struct nsq_message {
    int64_t timestamp; /* ns since 1970, when the message was published */
    uint16_t attempts; /* 1 at the first delivery; wraps from 65535 to 0 */
    const uint8_t *id; /* NSQ_MESSAGE_ID_SIZE bytes, borrowed */
    struct span body;  /* borrowed; may be anything */
};

/*
 * Reads one frame at the start of `in` (borrowed). `max_data` bounds the data that is accepted, in
 * bytes; pass NSQ_FRAME_DATA_MAX for no bound of one's own. NSQ_OK: `*frame` points into `in`, and
 * `*consumed` bytes were used. NSQ_MORE: nothing is set. NSQ_BAD: a size below 4 or above
 * `max_data` + 4 (said after 4 bytes), or a type that does not exist (said after 8); nothing is
 * set.
 * Source: internal/protocol/protocol.go, SendFramedResponse; tcp_protocol_spec, "Data Format".
 */
enum nsq_parse nsq_frame_parse(struct span in, size_t max_data, struct nsq_frame *frame,
                               size_t *consumed);

/*
 * Reads the data of a message frame (borrowed). NSQ_OK: `*message` points into `data`. NSQ_BAD: it
 * is shorter than NSQ_MESSAGE_HEADER_SIZE and `*message` is left alone; a frame is whole, so there
 * is never more to come. The body may be empty here, although nsqd never publishes an empty one.
 * Source: nsqd/message.go, decodeMessage.
 */
enum nsq_parse nsq_message_parse(struct span data, struct nsq_message *message);

/*
 * Whether the frame is the heartbeat that a client must answer, with a NOP for example.
 * Source: tcp_protocol_spec, the introduction; protocol_v2.go, heartbeatBytes.
 */
bool nsq_frame_is_heartbeat(const struct nsq_frame *frame);

/*
 * Writes the header of a frame with `data_size` bytes of data, at most NSQ_FRAME_DATA_MAX, into the
 * caller's `out`. The data itself follows as it is.
 * Source: internal/protocol/protocol.go, SendFramedResponse.
 */
void nsq_frame_header(uint8_t out[NSQ_FRAME_HEADER_SIZE], enum nsq_frame_type type,
                      size_t data_size);

/*
 * Writes what stands in front of a message's body into the caller's `out`: the frame's data is this
 * and the body. message->id is read, message->body is not. Source: nsqd/message.go, WriteTo.
 */
void nsq_message_header(uint8_t out[NSQ_MESSAGE_HEADER_SIZE], const struct nsq_message *message);

/*
 * Writes a whole frame into `out`, which has room for `room` bytes. Returns the bytes that the
 * frame takes; when that is more than `room`, nothing was written, so a call with room 0 measures.
 * data.n must be at most NSQ_FRAME_DATA_MAX; otherwise 0 is returned.
 */
size_t nsq_frame_encode(enum nsq_frame_type type, struct span data, uint8_t *out, size_t room);

#endif
