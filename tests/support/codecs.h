/* SPDX-License-Identifier: MIT */
/*
 * Owns: driving a codec as serve does, cut in any way, and holding it to the contract of
 * codec/codec.h at each call: progress, room, and silence once it is closed or has failed.
 * Must not know: any codec.
 */
#ifndef TESTS_SUPPORT_CODECS_H
#define TESTS_SUPPORT_CODECS_H

#include "codec/codec.h"

/* How input is offered: first so many bytes, then the rest in pieces; each call has this room. None
 * of them is 0. */
struct codecs_cut {
    size_t first, piece, room;
};

struct codecs_run {
    struct buf up;          /* all that was decoded */
    size_t taken;           /* of the input */
    enum codec_state state; /* at the end */
    char why[100];          /* a C string; empty unless it failed */
};

/* Decodes all of `in`, or as much as the codec wants, with the pieces right before a wall; the
 * codec is freed. */
void codecs_decode(struct codec codec, struct span in, struct codecs_cut cut,
                   struct codecs_run *run);

/* The same without cuts. */
void codecs_decode_whole(struct codec codec, struct span in, struct codecs_run *run);

/* Decodes a short input cut once, everywhere, and byte by byte, each with little room, some and
 * much: all must give what it gives in one piece, which is left in *run. */
void codecs_check_cuts(struct codec (*make)(void), struct span in, struct codecs_run *run);

/* The same byte by byte alone: for a test that has many inputs. */
void codecs_check_bytes(struct codec (*make)(void), struct span in, struct codecs_run *run);

void codecs_run_free(struct codecs_run *run);

/* Appends what `in` becomes, flushed, to `down`. */
void codecs_encode(struct codec codec, struct span in, struct buf *down);

/* Appends n bytes: zeros, words, what has no pattern. */
enum codecs_data { DATA_ZEROS, DATA_WORDS, DATA_NOISE, DATA_KINDS };
void codecs_make_data(struct buf *b, enum codecs_data kind, size_t n);

/* Encodes n bytes of a kind so many times, each flushed; the other codec must decode them all. Both
 * are freed. */
void codecs_check_round_trip(struct codec from, struct codec to, enum codecs_data kind, size_t n,
                             size_t times);

#endif
