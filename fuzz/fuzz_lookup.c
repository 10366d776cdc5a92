/* SPDX-License-Identifier: MIT */
/*
 * Invariant: whatever joins, leaves, registers, expires and is deleted in between, the registry of
 * nsqlookupd shows what plain tables have (registry_model.h), no matter how little is freed at a
 * time. At the end, all memory was given back.
 *
 * Input: two bytes, which are the limit of entries of a producer and the memory budget. Then
 * operations of four bytes each.
 */
#include "fuzz.h"
#include "registry_model.h"

const struct fuzz_shape fuzz_shape = {.header = 2, .body = FUZZ_BYTES};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    struct registry_model m;
    size_t most = fuzz_below(&in, 32);
    registry_model_begin(&m, most, ((size_t)fuzz_byte(&in) + 1) * 256);
    while (in.n > 0) {
        struct span bytes = fuzz_take(&in, 4);
        uint8_t op[4] = {0};
        memcpy(op, bytes.p, bytes.n);
        registry_model_do(&m, op);
        registry_model_check(&m);
    }
    registry_model_end(&m);
    return 0;
}
