/* SPDX-License-Identifier: MIT */
/*
 * Owns: compression with deflate by zlib. The format is raw deflate (RFC 1951), without header and
 * checksum. Each direction is one stream without end. Each flush ends at a whole byte with the
 * empty stored block 00 00 ff ff (zlib's sync flush). A server and a client use the same codec.
 * Source: nsqd 1.3.0, client_v2.go, UpgradeDeflate.
 */
#ifndef CODEC_DEFLATE_H
#define CODEC_DEFLATE_H

#include "codec/codec.h"

/* Bytes of memory that a codec takes at most: zlib's windows and tables for both directions (see
 * zconf.h), and its bookkeeping. */
#define DEFLATE_COST ((size_t)(268 + 44 + 8) << 10)

/* Makes a codec that compresses at a level from 1 (fast) to 9 (small). The caller owns it. */
struct codec deflate_codec(int level);

#endif
