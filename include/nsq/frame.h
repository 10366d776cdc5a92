/* SPDX-License-Identifier: MIT */
/*
 * Owns: the frames that a server sends, and the messages inside message frames. A server needs the
 * encoders, a client needs the parsers; this header has both.
 * Must not know: when a server sends which frame. The server's session layer knows this.
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

#ifdef __cplusplus
extern "C" {
#endif

#define NSQ_FRAME_HEADER_SIZE 8
#define NSQ_MESSAGE_HEADER_SIZE 26
#define NSQ_MESSAGE_ID_SIZE 16
/* The largest number of data bytes in a frame. The size field is an int32; it counts the data and
 * the 4 bytes of the type. */
#define NSQ_FRAME_DATA_MAX ((size_t)INT32_MAX - 4)

enum nsq_frame_type {
    NSQ_FRAME_RESPONSE = 0,
    NSQ_FRAME_ERROR = 1,
    NSQ_FRAME_MESSAGE = 2,
};

struct nsq_frame {
    enum nsq_frame_type type;
    struct span data; /* points into the parser's input */
};

struct nsq_message {
    int64_t timestamp; /* when the message was published: ns since 1970-01-01 UTC */
    uint16_t attempts; /* number of deliveries, including this one; wraps from 65535 to 0 */
    const uint8_t *id; /* NSQ_MESSAGE_ID_SIZE bytes, without NUL; borrowed */
    struct span body;  /* any bytes; borrowed */
};

/*
 * Parses the frame at the start of `in`. A frame may have at most `max_data` bytes of data. Pass
 * NSQ_FRAME_DATA_MAX to accept every size that the protocol allows.
 *
 * NSQ_OK: `*frame` is set and points into `in`. The whole frame has `*consumed` bytes.
 * NSQ_MORE: the frame is not complete. Nothing is set.
 * NSQ_BAD: the size is below 4 or above `max_data` + 4, or the type does not exist. The parser
 *     finds a bad size after 4 bytes, and a bad type after 8 bytes. Nothing is set.
 *
 * Source: internal/protocol/protocol.go, SendFramedResponse; tcp_protocol_spec, "Data Format".
 */
enum nsq_parse nsq_frame_parse(struct span in, size_t max_data, struct nsq_frame *frame,
                               size_t *consumed);

/*
 * Parses `data`, the data of a message frame.
 *
 * NSQ_OK: `*message` is set and points into `data`. The body may be empty here, although nsqd does
 *     not accept an empty message from a publisher.
 * NSQ_BAD: `data` is shorter than NSQ_MESSAGE_HEADER_SIZE. `*message` is not changed.
 * The result is never NSQ_MORE, because `data` belongs to a complete frame.
 *
 * Source: nsqd/message.go, decodeMessage.
 */
enum nsq_parse nsq_message_parse(struct span data, struct nsq_message *message);

/*
 * Returns whether the frame is a heartbeat. A client must answer a heartbeat with a command, for
 * example NOP.
 * Source: tcp_protocol_spec, the introduction; protocol_v2.go, heartbeatBytes.
 */
bool nsq_frame_is_heartbeat(const struct nsq_frame *frame);

/*
 * Writes the header of a frame (size and type) into the caller's `out`. The frame has `data_size`
 * bytes of data, at most NSQ_FRAME_DATA_MAX. The caller must send the data after the header.
 * Source: internal/protocol/protocol.go, SendFramedResponse.
 */
void nsq_frame_header(uint8_t out[NSQ_FRAME_HEADER_SIZE], enum nsq_frame_type type,
                      size_t data_size);

/*
 * Writes the header of a message (timestamp, attempts, id) into the caller's `out`. The data of a
 * message frame is this header and then the body. The function does not use message->body.
 * Source: nsqd/message.go, WriteTo.
 */
void nsq_message_header(uint8_t out[NSQ_MESSAGE_HEADER_SIZE], const struct nsq_message *message);

/*
 * Writes a whole frame into `out`, a buffer of the caller with `room` bytes, and returns the number
 * of bytes that the frame needs. If this number is above `room`, the function has written nothing.
 * So a call with room 0 returns this number and writes nothing. In such a call `out` may be NULL.
 * Returns 0 if `data` is longer than NSQ_FRAME_DATA_MAX.
 * Source: internal/protocol/protocol.go, SendFramedResponse.
 */
size_t nsq_frame_encode(enum nsq_frame_type type, struct span data, uint8_t *out, size_t room);

#ifdef __cplusplus
}
#endif

#endif
