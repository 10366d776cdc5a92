/* SPDX-License-Identifier: MIT */
/*
 * Owns: what all fuzz targets share: reading an input, checks, the event log of `make fuzz-repro`,
 * and the table that shows libFuzzer states which no edge of the code shows.
 * Must not know: any target.
 *
 * A target is a file fuzz_<what>.c. It opens with the invariant that it tests and with the layout
 * of its input. The layout must not change, because corpora depend on it. Limits are tiny and part
 * of the input: a bug that needs 16 KiB is not found, the same bug at 16 bytes is.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <nsq/span.h>

/* Every target defines this; libFuzzer, AFL++ and main.c call it. Returns 0. `data` is borrowed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How a target reads its input, for the mutator: a header with limits and choices, then a body of
 * this kind. */
enum fuzz_body {
    FUZZ_BYTES,  /* any bytes */
    FUZZ_CLIENT, /* what a client sends, with or without the magic */
    FUZZ_OPS,    /* operations as in ops.h */
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

/* Ends the program unless the claim is true. The fuzzing engines keep the input as a crash. */
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

/* Writes one line of the event log if fuzz_talks. Check fuzz_talks first where the arguments are
 * expensive. */
void fuzz_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes one line of the event log: a text, then bytes, quoted. */
void fuzz_say_bytes(const char *text, struct span bytes);

/* --- states ----------------------------------------------------------------------------------- */

#define FUZZ_STATES 8
#define FUZZ_COMMANDS 16
#define FUZZ_OUTCOMES 4

/* Counts that a command came in a state and had an outcome. So libFuzzer keeps inputs that reach a
 * new combination. All three are below the bounds above. */
void fuzz_met(unsigned state, unsigned command, unsigned outcome);

#endif
