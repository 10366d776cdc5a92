/* SPDX-License-Identifier: MIT */
/*
 * Owns: the codec that compresses with snappy, in snappy's framing format. The stream is a sequence
 * of chunks:
 *
 *     | type, 1 byte | length, 3 bytes little-endian | checksum, 4 bytes | data ...
 *
 * The length is the number of bytes of the checksum and the data. A block is the uncompressed data
 * of one chunk; it has at most 65536 bytes. The checksum is the masked CRC-32C of the block. The
 * types are:
 *
 *     00        the data is a compressed block
 *     01        the data is a block that is not compressed
 *     80 to fe  the reader ignores the chunk
 *     ff        the stream identifier: "sNaPpY" without a checksum. It must be the first chunk. It
 *               may occur again later.
 *
 * All other types are errors. This code is for servers and for clients.
 *
 * Sources: framing_format.txt of snappy; golang/snappy 0.0.4, which nsqd uses. Two rules are from
 * golang/snappy: a block is written in compressed form only if this saves more than an eighth of
 * its size; and a chunk that is longer than the longest compressed block is an error, even if the
 * reader ignores its type.
 */
#ifndef CODEC_SNAPPY_H
#define CODEC_SNAPPY_H

#include "codec/codec.h"

#define SNAPPY_BLOCK_MAX 65536 /* bytes of a block */
/* The largest length of a chunk: the greatest size of a compressed block, plus the checksum. */
#define SNAPPY_CHUNK_MAX 76494

/* The largest size of a codec in bytes of memory: a chunk that has arrived in part (in a buffer
 * whose size is a power of two), and the block of the chunk. Between two chunks a codec needs only
 * a few hundred bytes. */
#define SNAPPY_COST ((size_t)(131072 + SNAPPY_BLOCK_MAX) + 1024)

/* Makes a codec. The caller owns the codec. */
struct codec snappy_codec(void);

#endif
