/* SPDX-License-Identifier: MIT */
/*
 * Owns: changing inputs where they mean something: whole commands or operations are repeated,
 * swapped, dropped and taken over from another input, lengths are made right or wrong, parameters
 * stand at their bounds. mutator_libfuzzer.c and mutator_afl.c offer it to the engines, which keep
 * their own changes for the rest. Must not know: any target or engine. A function of its arguments,
 * so that a run is repeated by its seed.
 */
#ifndef FUZZ_MUTATOR_H
#define FUZZ_MUTATOR_H

#include "fuzz.h"

#define MUTATOR_PIECES_MAX 64 /* the last one takes all that is left */
#define MUTATOR_FIELDS_MAX 8  /* of a piece; what is behind them is left to the engines */

/* A length or a count in an input: 4 bytes, big-endian, or one. */
struct mutator_field {
    size_t at;      /* offset in the body */
    size_t width;   /* 4 or 1 */
    bool counts;    /* messages, not bytes */
    uint32_t right; /* what it would have to be for the bytes that are there */
};

/* A command (FUZZ_CLIENT), the magic, or an operation (FUZZ_OPS). */
struct mutator_piece {
    size_t at; /* offset in the body */
    size_t n;
    size_t fields;
    struct mutator_field field[MUTATOR_FIELDS_MAX];
};

/*
 * Splits a body, an input without its header, into pieces that lie one behind the other and leave
 * nothing out. Tolerant: where a length is not positive or longer than the input, its bytes end
 * where the next known command begins, or with the input. Returns how many pieces, at most
 * MUTATOR_PIECES_MAX.
 */
size_t mutator_split(enum fuzz_body kind, struct span body, struct mutator_piece *pieces);

/* Writes a changed copy of `in` (borrowed) to `out`, which has room for `max` bytes and is not in
 * `in`. Returns its size: 0 when nothing is left, or nothing can be done with inputs of this shape
 * (FUZZ_BYTES). */
size_t mutator_change(const struct fuzz_shape *shape, struct span in, uint8_t *out, size_t max,
                      uint32_t seed);

/* The same for a mixture: `in`, with some of its pieces replaced by pieces of `other`. */
size_t mutator_cross(const struct fuzz_shape *shape, struct span in, struct span other,
                     uint8_t *out, size_t max, uint32_t seed);

#endif
