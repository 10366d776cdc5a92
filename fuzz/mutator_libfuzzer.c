/* SPDX-License-Identifier: MIT */
/*
 * The mutator as libFuzzer calls it. In half of the calls libFuzzer's own change is made instead,
 * and always if the mutator knows no change for the input. Other engines do not call this.
 */
#include <string.h>

#include "mutator.h"

#define INPUT_MAX ((size_t)1 << 20)

/* libFuzzer's own change. Weak, because other engines do not define it. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* libFuzzer finds this function by its name. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other,
                                 size_t other_size, uint8_t *out, size_t max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    static uint8_t copy[INPUT_MAX];
    if (seed % 2 == 0 && size <= sizeof copy) {
        if (size > 0) {
            memcpy(copy, data, size);
        }
        size_t n = mutator_change(&fuzz_shape, span_make(copy, size), data, max, seed / 2);
        if (n > 0) {
            return n;
        }
        /* Whatever was written is replaced. */
        if (size > 0) {
            memcpy(data, copy, size);
        }
    }
    return LLVMFuzzerMutate == NULL ? size : LLVMFuzzerMutate(data, size, max);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other,
                                 size_t other_size, uint8_t *out, size_t max, unsigned seed)
{
    return mutator_cross(&fuzz_shape, span_make(data, size), span_make(other, other_size), out, max,
                         seed);
}
