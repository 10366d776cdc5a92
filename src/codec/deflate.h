/* SPDX-License-Identifier: MIT */
/*
 * Owns: compression with deflate: raw (RFC 1951), no header, no checksum, one endless stream a
 * direction. Each flush ends at a byte, with the empty stored block 00 00 ff ff (zlib's sync
 * flush). Both sides of a connection are the same codec.
 */
#ifndef CODEC_DEFLATE_H
#define CODEC_DEFLATE_H

#include "codec/codec.h"

/* What one takes: zlib's windows and tables in both directions (zconf.h), and its bookkeeping. */
#define DEFLATE_COST ((size_t)(268 + 44 + 8) << 10)

/* A codec that compresses at a level of 1 (fast) to 9 (small). The caller owns it. */
struct codec deflate_codec(int level);

#endif
