/* SPDX-License-Identifier: MIT */
/*
 * Owns: compression with snappy in its framing format: a stream identifier, then chunks
 *
 *     | type, 1 byte | length, 3 bytes little-endian | checksum, 4 bytes | data ...
 *
 * each of at most 65536 bytes uncompressed, with the masked CRC-32C of these. Both sides of a
 * connection are the same codec. Source: framing_format.txt of snappy.
 */
#ifndef CODEC_SNAPPY_H
#define CODEC_SNAPPY_H

#include "codec/codec.h"

/* What one takes: a chunk as it arrives, and what it uncompresses to. */
#define SNAPPY_COST ((size_t)(76490 + 65536) + 1024)

/* The caller owns it. */
struct codec snappy_codec(void);

#endif
