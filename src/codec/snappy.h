/* SPDX-License-Identifier: MIT */
/*
 * Owns: compression with snappy in its framing format: a stream identifier, then chunks
 *
 *     | type, 1 byte | length, 3 bytes little-endian | checksum, 4 bytes | data ...
 *
 * each of at most 65536 bytes uncompressed, with the masked CRC-32C of these; the length counts the
 * checksum. Types: 00 compressed, 01 as it is, ff the stream identifier "sNaPpY", which has no
 * checksum and comes first, and later as often as anyone likes; 80 to fe are skipped, all others
 * are not allowed. Both sides of a connection are the same codec.
 *
 * Sources: framing_format.txt of snappy, and golang/snappy 0.0.4 with which nsqd reads and writes.
 * It writes a block as it is unless that shrinks by more than an eighth, and refuses chunks,
 * skippable ones too, that are longer than a compressed one can be; so does this.
 */
#ifndef CODEC_SNAPPY_H
#define CODEC_SNAPPY_H

#include "codec/codec.h"

#define SNAPPY_BLOCK_MAX 65536 /* bytes uncompressed */
/* Bytes behind a header at most: what a block can compress to, and a checksum. */
#define SNAPPY_CHUNK_MAX 76494

/* What one takes: a chunk as it arrives, in a buffer that doubles as it grows, and what it
 * uncompresses to. Between chunks it is a few hundred bytes. */
#define SNAPPY_COST ((size_t)(131072 + SNAPPY_BLOCK_MAX) + 1024)

/* The caller owns it. */
struct codec snappy_codec(void);

#endif
