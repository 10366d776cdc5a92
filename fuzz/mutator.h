/* SPDX-License-Identifier: MIT */
/*
 * Owns: changes of inputs that know their structure. Whole commands or operations are repeated,
 * swapped, dropped or taken from another input; lengths are made right or wrong; parameters are set
 * to their bounds. mutator_libfuzzer.c and mutator_afl.c offer this to the fuzzing engines, which
 * also make their own changes. Must not know: any target or engine. The result depends only on the
 * arguments, so a seed repeats a run.
 */
#ifndef FUZZ_MUTATOR_H
#define FUZZ_MUTATOR_H

#include "fuzz.h"

#define MUTATOR_PIECES_MAX 64 /* the last one takes the rest of the input */
#define MUTATOR_FIELDS_MAX 8  /* of a piece; only the engines' own changes reach later fields */

/* A length or a count in an input: 4 bytes, big-endian, or 1 byte. */
struct mutator_field {
    size_t at;      /* offset in the body */
    size_t width;   /* 4 or 1 */
    bool counts;    /* true: the number of messages; false: a length in bytes */
    uint32_t right; /* the value that fits the bytes that follow */
};

/* A command (FUZZ_CLIENT), the magic, or an operation (FUZZ_OPS). */
struct mutator_piece {
    size_t at; /* offset in the body */
    size_t n;
    size_t fields;
    struct mutator_field field[MUTATOR_FIELDS_MAX];
};

/*
 * Splits a body (an input without its header) into consecutive pieces that cover it completely. If
 * a length is not positive or longer than the input, its bytes end where the next known command
 * begins, or at the end of the input. Returns the number of pieces, at most MUTATOR_PIECES_MAX.
 */
size_t mutator_split(enum fuzz_body kind, struct span body, struct mutator_piece *pieces);

/* Writes a changed copy of `in` (borrowed) to `out`, which has room for `max` bytes and does not
 * overlap `in`. Returns its size. 0: nothing is left, or the mutator knows no changes for inputs of
 * this shape (FUZZ_BYTES). */
size_t mutator_change(const struct fuzz_shape *shape, struct span in, uint8_t *out, size_t max,
                      uint32_t seed);

/* The same, but the copy is `in` with some pieces replaced by pieces of `other`. */
size_t mutator_cross(const struct fuzz_shape *shape, struct span in, struct span other,
                     uint8_t *out, size_t max, uint32_t seed);

#endif
