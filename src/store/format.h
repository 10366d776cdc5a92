/* SPDX-License-Identifier: MIT */
/*
 * Owns: the format of a segment, which is one file of the log on disk: its head, and the frames
 * behind the head. All integers are big-endian. Version 1.
 * Must not know: what the payload of a frame means (store/record.h), and which files there are
 * (store/log.h).
 *
 * A segment has a fixed size. Its unused bytes are zeros.
 *
 *     0        4096                                                     size of the file
 *     | head ... | frame | frame | frame ...           | zeros ...             |
 *
 * The head stands in the file twice, at byte 0 and at byte 2048, so that one bad sector does not
 * make the whole segment unreadable. The other bytes up to 4096 are zeros, and nobody reads them.
 *
 *      0   8  magic "NSQLOG\r\n"
 *      8   4  version
 *     12   4  checksum of the other 60 bytes
 *     16   8  number of the segment; it is in the name of the file, too
 *     24   8  salt: a number that is new at each use of the file
 *     32   8  number of the segment before this one; 0: there is none
 *     40   8  where the valid bytes of that segment end. Frames behind this byte do not count
 *     48   8  when the segment was begun: ns since 1970
 *     56   8  zeros
 *
 * A frame begins at a multiple of 8 bytes. One frame is what one append writes.
 *
 *      0   4  length of the payload
 *      4   4  checksum of the salt and the other 28 bytes of this head. So a reader knows that the
 *             length is right before it has read the payload
 *      8   8  number of the frame; consecutive over the whole log
 *     16   8  byte up to which the segment was safe on the disk when the frame was made, as far as
 *             the log knew
 *     24   4  checksum of the salt, the number of the frame, the payload and its padding
 *     28   4  how many records are in the payload
 *     32   n  payload
 *   32+n 0-7  padding: zeros, up to a multiple of 8 bytes
 *
 * All checksums are CRC-32C. The salt makes three kinds of frames invalid. First, frames from the
 * time when the file was another segment. Second, frames that were written into the wrong segment.
 * Third, bytes of a message that look like a frame: the publisher of the message does not know the
 * salt.
 */
#ifndef STORE_FORMAT_H
#define STORE_FORMAT_H

#include <nsq/span.h>

#define SEGMENT_VERSION 1
#define SEGMENT_HEAD_SIZE 4096 /* bytes in front of the first frame */
#define SEGMENT_HEAD_COPY 2048 /* here the head stands for the second time */
#define SEGMENT_HEAD_USED 64   /* bytes of one copy */
#define FRAME_HEAD_SIZE 32
#define FRAME_ALIGN 8
/* Bytes of the longest payload. With this bound, the size of every frame fits into 32 bits. */
#define FRAME_PAYLOAD_MAX ((size_t)1 << 30)

/* The result of every parser of src/store. All values behind PARSED_CUT say what is wrong. */
enum parsed {
    PARSED_VALID = 0, /* complete and valid */
    PARSED_CUT,       /* the beginning of something that may be valid: more bytes are needed */
    WRONG_MAGIC,      /* not a segment of this log */
    WRONG_VERSION,    /* a segment that a later version has written */
    WRONG_CHECKSUM,   /* the checksum of a head is wrong */
    WRONG_ZEROS,      /* only zeros in place of a frame's head: nothing was written here */
    WRONG_LENGTH,     /* a length that is too large, or not the length of the contents */
    WRONG_PAYLOAD,    /* the checksum of a payload and its padding is wrong */
    WRONG_TYPE,       /* there is no such record */
    WRONG_FIELD,      /* a field of a record has a value that it must not have */
    PARSED_COUNT,
};

/* Returns a short text for the log of the server, for example "wrong checksum". The bytes are
 * static. */
struct span parsed_text(enum parsed parsed);

struct segment_head {
    uint64_t number;       /* from 1 */
    uint64_t salt;         /* any value */
    uint64_t previous;     /* the number of the segment before; 0: none */
    uint64_t previous_end; /* byte in that segment */
    int64_t wall;          /* ns since 1970 */
};

/* Writes the first SEGMENT_HEAD_SIZE bytes of a segment: both copies of the head, and zeros. */
void segment_head_write(const struct segment_head *head, uint8_t out[SEGMENT_HEAD_SIZE]);

/*
 * Parses the first bytes of a segment. `in` needs SEGMENT_HEAD_COPY + SEGMENT_HEAD_USED bytes.
 *
 * PARSED_VALID: `*head` is set. `*damaged` is true when one of the two copies is wrong, or when the
 * copies differ. If they differ, the first copy counts. The caller should log a warning when
 * `*damaged` is true. PARSED_CUT, WRONG_MAGIC, WRONG_VERSION, WRONG_CHECKSUM: nothing is set. If
 * both copies are wrong, or the first has another version, the result says what is wrong with the
 * first.
 */
enum parsed segment_head_parse(struct span in, struct segment_head *head, bool *damaged);

struct frame_head {
    uint32_t length;   /* bytes of the payload */
    uint64_t number;   /* from 1 */
    uint64_t durable;  /* byte in the segment */
    uint32_t checksum; /* of the payload; frame_seal sets it */
    uint32_t records;
};

/* Returns how many bytes a frame with a payload of n bytes has: head, payload and padding. */
static inline size_t frame_size(size_t n)
{
    return FRAME_HEAD_SIZE + (n + FRAME_ALIGN - 1) / FRAME_ALIGN * FRAME_ALIGN;
}

/* Completes a frame: `frame` has frame_size(head->length) bytes. The payload and its padding are
 * already there. Computes the checksums and writes the head in front of the payload. */
void frame_seal(uint8_t *frame, uint64_t salt, const struct frame_head *head);

/*
 * Parses the head of the frame at the start of `in`.
 *
 * PARSED_VALID: `*head` is set, and its length is at most FRAME_PAYLOAD_MAX.
 * PARSED_CUT: there are fewer than FRAME_HEAD_SIZE bytes. Nothing is set.
 * WRONG_ZEROS, WRONG_CHECKSUM, WRONG_LENGTH: nothing is set.
 */
enum parsed frame_head_parse(struct span in, uint64_t salt, struct frame_head *head);

/*
 * Parses the frame at the start of `in`, with its payload.
 *
 * PARSED_VALID: `*head` is set, `*payload` points into `in`. The frame has
 *     frame_size(head->length) bytes.
 * PARSED_CUT: the frame is not complete. `*head` is set if there are FRAME_HEAD_SIZE bytes.
 * WRONG_PAYLOAD: the head is valid, but the payload is not. `*head` is set, so that the caller can
 *     go on behind this frame.
 * WRONG_ZEROS, WRONG_CHECKSUM, WRONG_LENGTH: as above.
 */
enum parsed frame_parse(struct span in, uint64_t salt, struct frame_head *head,
                        struct span *payload);

#endif
