/* SPDX-License-Identifier: MIT */
/*
 * Owns: compression with snappy in its framing format. The stream is a sequence of chunks:
 *
 *     | type, 1 byte | length, 3 bytes little-endian | checksum, 4 bytes | data ...
 *
 * The length counts the checksum and the data. The checksum is the masked CRC-32C of the block,
 * that is of the uncompressed data. A block has at most 65536 bytes. The types are:
 *
 *     00        the data is a compressed block
 *     01        the data is a block that is not compressed
 *     80 to fe  skipped
 *     ff        the stream identifier: "sNaPpY" without a checksum. It must be the first chunk; it
 *               may be repeated later.
 *
 * All other types are errors. A server and a client use the same codec.
 *
 * Sources: framing_format.txt of snappy; golang/snappy 0.0.4, which nsqd uses. Like the latter,
 * this writes a block compressed only if that saves more than an eighth of it, and refuses every
 * chunk, also one to be skipped, that is longer than a compressed block can be.
 */
#ifndef CODEC_SNAPPY_H
#define CODEC_SNAPPY_H

#include "codec/codec.h"

#define SNAPPY_BLOCK_MAX 65536 /* bytes of a block */
/* The largest length of a chunk: the most bytes that a block can compress to, and a checksum. */
#define SNAPPY_CHUNK_MAX 76494

/* Bytes of memory that a codec takes at most: a chunk that has arrived in part, in a buffer whose
 * size is a power of two, and its block. Between two chunks it takes a few hundred bytes. */
#define SNAPPY_COST ((size_t)(131072 + SNAPPY_BLOCK_MAX) + 1024)

/* Makes a codec. The caller owns it. */
struct codec snappy_codec(void);

#endif
