/* SPDX-License-Identifier: MIT */
/*
 * Owns: the codec that compresses with deflate. It uses zlib. The format is raw deflate (RFC 1951),
 * without header and checksum. Each direction is one stream that has no final block. Each flush
 * writes the empty stored block 00 00 ff ff (zlib's sync flush). So the output of the flush ends on
 * a byte boundary. This code is for servers and for clients.
 * Source: nsqd 1.3.0, client_v2.go, UpgradeDeflate.
 */
#ifndef CODEC_DEFLATE_H
#define CODEC_DEFLATE_H

#include "codec/codec.h"

/* The largest size of a codec in bytes of memory: the windows and tables of zlib for both
 * directions (see zconf.h), and zlib's other fields. */
#define DEFLATE_COST ((size_t)(268 + 44 + 8) << 10)

/* Makes a codec. `level` is from 1 (fast) to 9 (smallest output). The caller owns the codec. */
struct codec deflate_codec(int level);

#endif
