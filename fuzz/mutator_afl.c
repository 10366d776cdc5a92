/* SPDX-License-Identifier: MIT */
/*
 * The mutator as AFL++ calls it. AFL++ loads it from a shared object that
 * AFL_CUSTOM_MUTATOR_LIBRARY names, and alternates it with its own changes. The environment
 * variable NSQREF_FUZZ_SHAPE holds the target's shape as `TARGET --shape` prints it (fuzz/main.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mutator.h"

#define INPUT_MAX ((size_t)1 << 20)

/* AFL++ finds these functions by their names. */
void *afl_custom_init(void *afl, unsigned seed);
size_t afl_custom_fuzz(void *data, uint8_t *in, size_t size, uint8_t **out, uint8_t *other,
                       size_t other_size, size_t max);
void afl_custom_deinit(void *data);

struct mutator {
    struct fuzz_shape shape;
    uint32_t seed; /* of the next change */
    uint8_t out[INPUT_MAX];
};

/* Returns NULL, which ends AFL++, if the shape is not set or not valid. */
void *afl_custom_init(void *afl, unsigned seed)
{
    (void)afl;
    const char *text = getenv("NSQREF_FUZZ_SHAPE");
    struct mutator *mutator = calloc(1, sizeof *mutator);
    char *end = NULL;
    if (text == NULL || mutator == NULL) {
        free(mutator);
        return NULL;
    }
    mutator->shape.header = strtoul(text, &end, 10);
    mutator->shape.body = (enum fuzz_body)strtoul(end, NULL, 10);
    mutator->seed = seed;
    return mutator;
}

size_t afl_custom_fuzz(void *data, uint8_t *in, size_t size, uint8_t **out, uint8_t *other,
                       size_t other_size, size_t max)
{
    struct mutator *mutator = data;
    uint32_t seed = mutator->seed++;
    size_t room = max < sizeof mutator->out ? max : sizeof mutator->out;
    struct span a = span_make(in, size), b = span_make(other, other_size);
    *out = mutator->out;
    size_t n = other_size > 0 && seed % 4 == 0
                   ? mutator_cross(&mutator->shape, a, b, mutator->out, room, seed)
                   : mutator_change(&mutator->shape, a, mutator->out, room, seed);
    if (n == 0) { /* AFL++ does not accept an empty result: return the input unchanged */
        *out = in;
        n = size;
    }
    return n;
}

void afl_custom_deinit(void *data)
{
    free(data);
}
