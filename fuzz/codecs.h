/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the fuzz targets of codecs have in common: what must be true of any, and how an input
 * is read.
 *
 * Input: what to do, a level, a room, two lengths of pieces (a byte each), and bytes, which are
 *
 *     0  what a peer sends
 *     1  how often, and what this side says, flushed after each piece
 *     2  the same, and one byte of what it sent is changed: first how often, where (2 bytes), how
 */
#ifndef FUZZ_CODECS_H
#define FUZZ_CODECS_H

#include "codec/codec.h"

#define FUZZ_CODECS_HEADER 5

struct fuzz_codec {
    struct codec (*make)(unsigned level); /* 1 to 9 */
    size_t most;                          /* bytes that one byte can unpack to */
};

/* One input; returns what a target returns. */
int fuzz_codec(const struct fuzz_codec *target, struct span in);

#endif
