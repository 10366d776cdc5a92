/* SPDX-License-Identifier: MIT */
/*
 * Owns: what all fuzz targets share: reading an input as a plan, checks, the event log of a repro,
 * and the table that tells libFuzzer of states which no edge of the code shows.
 * Must not know: any target.
 *
 * A target is a file fuzz_<what>.c. It opens with the invariant that it tests and with how it reads
 * its input, which stays as it is: corpora depend on it. Limits are tiny and chosen by the input,
 * because a bug that needs 16 KiB is not found, and the same bug at 16 bytes is.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <nsq/span.h>

/* What libFuzzer, AFL++ and main.c call, in every target. Returns 0. `data` is borrowed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How a target reads its input, for the mutator: so many bytes of limits and choices, then ... */
enum fuzz_body {
    FUZZ_BYTES,  /* ... anything */
    FUZZ_CLIENT, /* ... what a client sends, perhaps without the magic */
    FUZZ_OPS,    /* ... operations as ops.h has them */
};

struct fuzz_shape {
    size_t header; /* bytes */
    enum fuzz_body body;
};

/* Defined by each target. */
extern const struct fuzz_shape fuzz_shape;

/* --- reading an input ------------------------------------------------------------------------- */

/* The next byte of an input, or 0 at its end; moves on. */
uint8_t fuzz_byte(struct span *in);

/* The next byte as a number below `count`, which is 1 to 256. */
unsigned fuzz_below(struct span *in, unsigned count);

/* The next n bytes, or as many as there are; moves on. */
struct span fuzz_take(struct span *in, size_t n);

/* --- checks ----------------------------------------------------------------------------------- */

/* Ends the program, as a crash that the engines keep, unless what the target claims is true. */
#define FUZZ_CHECK(claim)                                                                          \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            fuzz_fail(__FILE__, __LINE__, #claim);                                                 \
        }                                                                                          \
    } while (0)

_Noreturn void fuzz_fail(const char *file, int line, const char *claim);

/* --- the event log ---------------------------------------------------------------------------- */

/* Set by `main.c -v`, which is what make fuzz-repro runs; false while fuzzing. */
extern bool fuzz_talks;

/* One line of the event log, when somebody listens. Ask fuzz_talks before making its arguments. */
void fuzz_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line of the event log: a text, then bytes, quoted. */
void fuzz_say_bytes(const char *text, struct span bytes);

/* --- states ----------------------------------------------------------------------------------- */

#define FUZZ_STATES 8
#define FUZZ_COMMANDS 16
#define FUZZ_OUTCOMES 4

/* Counts that a command met a state with an outcome, so that inputs which reach a new meeting are
 * kept. All three are below the bounds above. */
void fuzz_met(unsigned state, unsigned command, unsigned outcome);

#endif
