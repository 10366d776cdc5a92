/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the fuzz targets of codecs share: what must be true of every codec, and how an input
 * is read.
 *
 * Input: five bytes (what to do, a level, a room, two lengths of pieces), then bytes. What to do
 * says what the bytes are:
 *
 *     0  what a peer sends
 *     1  a number of repetitions (1 byte), then what this side sends, flushed after each piece
 *     2  a number of repetitions (1 byte), a position (2 bytes), a mask (1 byte), then what this
 *        side sends, as in 1; on the wire the byte at that position is XORed with the mask
 */
#ifndef FUZZ_CODECS_H
#define FUZZ_CODECS_H

#include "codec/codec.h"

#define FUZZ_CODECS_HEADER 5

struct fuzz_codec {
    struct codec (*make)(unsigned level); /* 1 to 9 */
    size_t most; /* the most bytes that one byte on the wire can decode to */
};

/* Runs one input; returns what a target returns. */
int fuzz_codec(const struct fuzz_codec *target, struct span in);

#endif
