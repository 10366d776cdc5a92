/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes the heads of segments and frames. The layouts are drawn in the header. Must not
 * know what is in a payload.
 */
#include "store/format.h"

#include <assert.h>

#include "base/crc32c.h"

static const char magic[] = "NSQLOG\r\n";
#define MAGIC_SIZE (sizeof magic - 1)

struct span parsed_text(enum parsed parsed)
{
    static const struct span texts[PARSED_COUNT] = {
        [PARSED_VALID] = SPAN_LITERAL("valid"),
        [PARSED_CUT] = SPAN_LITERAL("cut off"),
        [WRONG_MAGIC] = SPAN_LITERAL("no segment of the log"),
        [WRONG_VERSION] = SPAN_LITERAL("unknown version"),
        [WRONG_CHECKSUM] = SPAN_LITERAL("wrong checksum"),
        [WRONG_ZEROS] = SPAN_LITERAL("nothing written"),
        [WRONG_LENGTH] = SPAN_LITERAL("wrong length"),
        [WRONG_PAYLOAD] = SPAN_LITERAL("wrong checksum of the payload"),
        [WRONG_TYPE] = SPAN_LITERAL("unknown record"),
        [WRONG_FIELD] = SPAN_LITERAL("wrong field of a record"),
    };
    assert(parsed < PARSED_COUNT);
    return texts[parsed];
}

/* --- the head of a segment -------------------------------------------------------------------- */

/* Returns the checksum of one copy of the head, without the bytes of the checksum itself. */
static uint32_t head_checksum(const uint8_t copy[SEGMENT_HEAD_USED])
{
    uint32_t crc = crc32c(span_make(copy, 12));
    return crc32c_more(crc, span_make(copy + 16, SEGMENT_HEAD_USED - 16));
}

void segment_head_write(const struct segment_head *head, uint8_t out[SEGMENT_HEAD_SIZE])
{
    memset(out, 0, SEGMENT_HEAD_SIZE);
    memcpy(out, magic, MAGIC_SIZE);
    be32_store(out + 8, SEGMENT_VERSION);
    be64_store(out + 16, head->number);
    be64_store(out + 24, head->salt);
    be64_store(out + 32, head->previous);
    be64_store(out + 40, head->previous_end);
    be64_store(out + 48, (uint64_t)head->wall);
    be32_store(out + 12, head_checksum(out));
    memcpy(out + SEGMENT_HEAD_COPY, out, SEGMENT_HEAD_USED);
}

static enum parsed parse_copy(const uint8_t copy[SEGMENT_HEAD_USED], struct segment_head *head)
{
    if (memcmp(copy, magic, MAGIC_SIZE) != 0) {
        return WRONG_MAGIC;
    }
    if (be32_load(copy + 12) != head_checksum(copy)) {
        return WRONG_CHECKSUM;
    }
    if (be32_load(copy + 8) != SEGMENT_VERSION) {
        return WRONG_VERSION;
    }
    *head = (struct segment_head){
        .number = be64_load(copy + 16),
        .salt = be64_load(copy + 24),
        .previous = be64_load(copy + 32),
        .previous_end = be64_load(copy + 40),
        .wall = (int64_t)be64_load(copy + 48),
    };
    return PARSED_VALID;
}

enum parsed segment_head_parse(struct span in, struct segment_head *head, bool *damaged)
{
    if (in.n < SEGMENT_HEAD_COPY + SEGMENT_HEAD_USED) {
        return PARSED_CUT;
    }
    struct segment_head unused;
    enum parsed first = parse_copy(in.p, head);
    if (first == PARSED_VALID) {
        *damaged = memcmp(in.p, in.p + SEGMENT_HEAD_COPY, SEGMENT_HEAD_USED) != 0;
        return PARSED_VALID;
    }
    if (first == WRONG_VERSION || parse_copy(in.p + SEGMENT_HEAD_COPY, &unused) != PARSED_VALID) {
        return first;
    }
    *head = unused;
    *damaged = true;
    return PARSED_VALID;
}

/* --- frames ----------------------------------------------------------------------------------- */

/* Returns the checksum of the salt and of the head's bytes, without the checksum itself. */
static uint32_t frame_checksum(const uint8_t *frame, uint64_t salt)
{
    uint8_t bytes[8];
    be64_store(bytes, salt);
    uint32_t crc = crc32c(span_make(bytes, sizeof bytes));
    crc = crc32c_more(crc, span_make(frame, 4));
    return crc32c_more(crc, span_make(frame + 8, FRAME_HEAD_SIZE - 8));
}

/* Returns the checksum of the payload and the padding behind it. */
static uint32_t payload_checksum(const uint8_t *frame, uint64_t salt, uint64_t number,
                                 size_t length)
{
    uint8_t bytes[16];
    be64_store(bytes, salt);
    be64_store(bytes + 8, number);
    uint32_t crc = crc32c(span_make(bytes, sizeof bytes));
    size_t padded = frame_size(length) - FRAME_HEAD_SIZE;
    return crc32c_more(crc, span_make(frame + FRAME_HEAD_SIZE, padded));
}

void frame_seal(uint8_t *frame, uint64_t salt, const struct frame_head *head)
{
    assert(head->length <= FRAME_PAYLOAD_MAX);
    be32_store(frame, head->length);
    be64_store(frame + 8, head->number);
    be64_store(frame + 16, head->durable);
    be32_store(frame + 24, payload_checksum(frame, salt, head->number, head->length));
    be32_store(frame + 28, head->records);
    be32_store(frame + 4, frame_checksum(frame, salt));
}

enum parsed frame_head_parse(struct span in, uint64_t salt, struct frame_head *head)
{
    static const uint8_t zeros[FRAME_HEAD_SIZE] = {0};
    if (in.n < FRAME_HEAD_SIZE) {
        return PARSED_CUT;
    }
    if (be32_load(in.p + 4) != frame_checksum(in.p, salt)) {
        return memcmp(in.p, zeros, sizeof zeros) == 0 ? WRONG_ZEROS : WRONG_CHECKSUM;
    }
    uint32_t length = be32_load(in.p);
    if (length > FRAME_PAYLOAD_MAX) {
        return WRONG_LENGTH;
    }
    *head = (struct frame_head){
        .length = length,
        .number = be64_load(in.p + 8),
        .durable = be64_load(in.p + 16),
        .checksum = be32_load(in.p + 24),
        .records = be32_load(in.p + 28),
    };
    return PARSED_VALID;
}

enum parsed frame_parse(struct span in, uint64_t salt, struct frame_head *head,
                        struct span *payload)
{
    enum parsed parsed = frame_head_parse(in, salt, head);
    if (parsed != PARSED_VALID) {
        return parsed;
    }
    if (in.n < frame_size(head->length)) {
        return PARSED_CUT;
    }
    if (payload_checksum(in.p, salt, head->number, head->length) != head->checksum) {
        return WRONG_PAYLOAD;
    }
    *payload = span_make(in.p + FRAME_HEAD_SIZE, head->length);
    return PARSED_VALID;
}
