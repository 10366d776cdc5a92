/* SPDX-License-Identifier: MIT */
/*
 * Implements the codec for snappy's framing format (codec/codec.h). libsnappy compresses the
 * blocks. The header of a chunk is checked before the code allocates memory for the chunk. Must not
 * know the connection.
 */
#include "codec/snappy.h"

#include <snappy-c.h>

#include "base/alloc.h"
#include "base/crc32c.h"

#define HEADER_SIZE 4
#define CHECKSUM_SIZE 4
/* Blocks of fewer bytes are not compressed, as in golang/snappy: they would not become smaller. */
#define COMPRESSIBLE_LEAST 17

enum chunk_type {
    CHUNK_COMPRESSED = 0x00,
    CHUNK_PLAIN = 0x01,
    CHUNK_SKIPPABLE = 0x80, /* this value and all above it, except the identifier */
    CHUNK_IDENTIFIER = 0xff,
};

#define IDENTIFIER "sNaPpY"

struct snappy {
    enum codec_state state;
    struct span why;
    bool identifier_sent; /* this side has sent its stream identifier */
    bool identifier_seen; /* the header of the peer's stream identifier has arrived */
    bool in_chunk;        /* the header of the current chunk has been read */
    uint8_t type;         /* the type of the current chunk */
    size_t left;          /* bytes of the current chunk that are not used yet */
    struct buf part;      /* a header or a chunk that has arrived in part */
    struct buf block;     /* decoded bytes for which there was no room */
};

static bool fail(struct snappy *s, struct span why)
{
    s->state = CODEC_FAILED;
    s->why = why;
    buf_free(&s->part);
    return false;
}

/* Writes the masked checksum of a block into `to`, in the byte order of the wire: little-endian. */
static void checksum_of(struct span data, uint8_t to[CHECKSUM_SIZE])
{
    uint32_t crc = crc32c(data);
    crc = (crc >> 15 | crc << 17) + 0xa282ead8;
    for (int i = 0; i < CHECKSUM_SIZE; i++) {
        to[i] = (uint8_t)(crc >> (8 * i));
    }
}

/* --- decoding --------------------------------------------------------------------------------- */

/* Collects the next n bytes of the input and removes them from `*in`. If all n bytes have
 * arrived, sets `*all` to them and returns true. If they arrive in several parts, the function
 * collects them in `part`, and `*all` points there. The caller must call drop_part when it has used
 * the bytes. */
static bool gather(struct snappy *s, size_t n, struct span *in, struct span *all)
{
    if (s->part.n == 0 && in->n >= n) {
        *all = span_first(*in, n);
        *in = span_skip(*in, n);
        return true;
    }
    struct span more = span_first(*in, n - s->part.n);
    buf_append(&s->part, more);
    *in = span_skip(*in, more.n);
    *all = buf_span(&s->part);
    return all->n == n;
}

static void drop_part(struct snappy *s)
{
    buf_drop(&s->part, s->part.n);
}

/* Checks a header. Later bytes of the chunk are read only if the header is valid, and memory is
 * allocated only then. */
static bool begin_chunk(struct snappy *s, struct span header)
{
    s->in_chunk = true;
    s->type = header.p[0];
    s->left = header.p[1] | (size_t)header.p[2] << 8 | (size_t)header.p[3] << 16;
    drop_part(s);
    if (!s->identifier_seen && s->type != CHUNK_IDENTIFIER) {
        return fail(s, SPAN("snappy: corrupt input: no stream identifier"));
    }
    s->identifier_seen = true;
    bool data = s->type <= CHUNK_PLAIN;
    if (s->type < CHUNK_SKIPPABLE && !data) {
        return fail(s, SPAN("snappy: unsupported input: a reserved chunk"));
    }
    if (s->left > SNAPPY_CHUNK_MAX) {
        return fail(s, SPAN("snappy: unsupported input: a chunk is too long"));
    }
    if ((data && s->left < CHECKSUM_SIZE) ||
        (s->type == CHUNK_PLAIN && s->left > CHECKSUM_SIZE + SNAPPY_BLOCK_MAX) ||
        (s->type == CHUNK_IDENTIFIER && s->left != sizeof IDENTIFIER - 1)) {
        return fail(s, SPAN("snappy: corrupt input: the length of a chunk"));
    }
    return true;
}

/* Decodes the data of a compressed chunk into `block`. */
static bool uncompress(struct snappy *s, struct span data)
{
    size_t n;
    const char *from = (const char *)data.p;
    if (snappy_uncompressed_length(from, data.n, &n) != SNAPPY_OK || n > SNAPPY_BLOCK_MAX) {
        return fail(s, SPAN("snappy: corrupt input: the length of a block"));
    }
    char none;
    char *to = n == 0 ? &none : (char *)buf_room(&s->block, n);
    if (snappy_uncompress(from, data.n, to, &n) != SNAPPY_OK) {
        buf_free(&s->block);
        return fail(s, SPAN("snappy: corrupt input: a block"));
    }
    buf_grew(&s->block, n);
    return true;
}

/* Decodes a complete chunk: data, or the stream identifier. */
static bool end_chunk(struct snappy *s, struct span body)
{
    if (s->type == CHUNK_IDENTIFIER) {
        return span_equal(body, SPAN(IDENTIFIER)) ||
               fail(s, SPAN("snappy: corrupt input: the stream identifier"));
    }
    struct span data = span_skip(body, CHECKSUM_SIZE);
    if (s->type == CHUNK_PLAIN) {
        buf_append(&s->block, data);
    } else if (!uncompress(s, data)) {
        return false;
    }
    uint8_t checksum[CHECKSUM_SIZE];
    checksum_of(buf_span(&s->block), checksum);
    if (!span_equal(span_first(body, CHECKSUM_SIZE), span_make(checksum, CHECKSUM_SIZE))) {
        buf_free(&s->block);
        return fail(s, SPAN("snappy: corrupt input: a checksum"));
    }
    return true;
}

/* Reads the next header or chunk, or ignores bytes of a chunk. Returns whether the function should
 * be called again. Returns false if the input is empty or the codec has failed. */
static bool advance(struct snappy *s, struct span *in)
{
    struct span all;
    if (!s->in_chunk) {
        return gather(s, HEADER_SIZE, in, &all) && begin_chunk(s, all);
    }
    if (s->type >= CHUNK_SKIPPABLE && s->type != CHUNK_IDENTIFIER) {
        struct span skipped = span_first(*in, s->left);
        *in = span_skip(*in, skipped.n);
        s->left -= skipped.n;
        s->in_chunk = s->left > 0;
        return !s->in_chunk;
    }
    if (!gather(s, s->left, in, &all) || !end_chunk(s, all)) {
        return false;
    }
    drop_part(s);
    s->in_chunk = false;
    return true;
}

static size_t snappy_decode(void *self, struct span in, size_t room, struct buf *up,
                            struct buf *down)
{
    struct snappy *s = self;
    (void)down;
    struct span rest = in;
    bool more = s->state == CODEC_OPEN;
    while (more) {
        struct span part = span_first(buf_span(&s->block), room);
        buf_append(up, part);
        room -= part.n;
        buf_drop(&s->block, part.n);
        more = room > 0 && advance(s, &rest);
    }
    return in.n - rest.n;
}

static bool snappy_has_pending(const void *self)
{
    return ((const struct snappy *)self)->block.n > 0;
}

/* --- encoding --------------------------------------------------------------------------------- */

/* Writes one chunk. The block has at most SNAPPY_BLOCK_MAX bytes. */
static void encode_block(struct span block, struct buf *down)
{
    size_t n = block.n < COMPRESSIBLE_LEAST ? block.n : snappy_max_compressed_length(block.n);
    uint8_t *chunk = buf_room(down, HEADER_SIZE + CHECKSUM_SIZE + n);
    uint8_t *data = chunk + HEADER_SIZE + CHECKSUM_SIZE;
    if (block.n >= COMPRESSIBLE_LEAST) {
        snappy_compress((const char *)block.p, block.n, (char *)data, &n);
    }
    chunk[0] = CHUNK_COMPRESSED;
    if (n >= block.n - block.n / 8) {
        chunk[0] = CHUNK_PLAIN;
        n = block.n;
        memcpy(data, block.p, n);
    }
    size_t length = CHECKSUM_SIZE + n;
    for (int i = 0; i < 3; i++) {
        chunk[1 + i] = (uint8_t)(length >> (8 * i));
    }
    checksum_of(block, chunk + HEADER_SIZE);
    buf_grew(down, HEADER_SIZE + length);
}

static void snappy_encode(void *self, struct span in, struct buf *down)
{
    struct snappy *s = self;
    if (!s->identifier_sent && in.n > 0) {
        buf_append(down, SPAN("\xff\x06\0\0" IDENTIFIER));
        s->identifier_sent = true;
    }
    while (in.n > 0) {
        struct span block = span_first(in, SNAPPY_BLOCK_MAX);
        encode_block(block, down);
        in = span_skip(in, block.n);
    }
}

/* Does nothing, because encode keeps no bytes. */
static void snappy_flush(void *self, struct buf *down)
{
    (void)self;
    (void)down;
}

/* --- the other calls of the contract ---------------------------------------------------------- */

/* Does nothing, because the format has no mark for the end of a stream. */
static void snappy_finish(void *self, struct buf *down)
{
    (void)self;
    (void)down;
}

static enum codec_state snappy_state(const void *self)
{
    return ((const struct snappy *)self)->state;
}

static struct span snappy_why(const void *self)
{
    return ((const struct snappy *)self)->why;
}

static void snappy_end(void *self)
{
    struct snappy *s = self;
    buf_free(&s->part);
    buf_free(&s->block);
    alloc_free(s);
}

static const struct codec_calls snappy_calls = {
    .decode = snappy_decode,
    .encode = snappy_encode,
    .flush = snappy_flush,
    .finish = snappy_finish,
    .has_pending = snappy_has_pending,
    .state = snappy_state,
    .why = snappy_why,
    .free = snappy_end,
};

struct codec snappy_codec(void)
{
    struct snappy *s = alloc_zeroed(sizeof *s);
    s->state = CODEC_OPEN;
    return (struct codec){&snappy_calls, s};
}
