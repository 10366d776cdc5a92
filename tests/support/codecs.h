/* SPDX-License-Identifier: MIT */
/*
 * Owns: driving a codec as serve does, with input cut in any way, and checking the contract of
 * codec/codec.h at each call: progress, room, and no output after it is closed or has failed.
 * Must not know: any particular codec.
 */
#ifndef TESTS_SUPPORT_CODECS_H
#define TESTS_SUPPORT_CODECS_H

#include "codec/codec.h"

/* How input is offered: first `first` bytes, then the rest in pieces; each call has `room` bytes of
 * room. None of them is 0. */
struct codecs_cut {
    size_t first, piece, room;
};

struct codecs_run {
    struct buf up;          /* all decoded bytes */
    size_t taken;           /* of the input */
    enum codec_state state; /* at the end */
    char why[100];          /* a C string; empty unless it failed */
};

/* Decodes all of `in`, or as much as the codec takes. Each piece ends at a wall (support/exact.h).
 * Frees the codec. */
void codecs_decode(struct codec codec, struct span in, struct codecs_cut cut,
                   struct codecs_run *run);

/* The same, with the input in one piece. */
void codecs_decode_whole(struct codec codec, struct span in, struct codecs_run *run);

/* Decodes a short input in one piece, cut once at every place, and byte by byte, each with little,
 * medium and much room. All must give the same result; *run has that of one piece. */
void codecs_check_cuts(struct codec (*make)(void), struct span in, struct codecs_run *run);

/* The same, only byte by byte, for tests with many inputs. */
void codecs_check_bytes(struct codec (*make)(void), struct span in, struct codecs_run *run);

void codecs_run_free(struct codecs_run *run);

/* Encodes `in`, flushes, and appends the result to `down`. */
void codecs_encode(struct codec codec, struct span in, struct buf *down);

/* Appends n bytes: zeros, words, or random bytes. */
enum codecs_data { DATA_ZEROS, DATA_WORDS, DATA_NOISE, DATA_KINDS };
void codecs_make_data(struct buf *b, enum codecs_data kind, size_t n);

/* Encodes n bytes of a kind `times` times, each flushed; the other codec must decode all of them.
 * Frees both codecs. */
void codecs_check_round_trip(struct codec from, struct codec to, enum codecs_data kind, size_t n,
                             size_t times);

#endif
