/* SPDX-License-Identifier: MIT */
/*
 * Invariant: whatever up to 16 clients of the TCP port do, the messages, the output and the memory
 * budget are as engine_run.h says.
 *
 * Input: the eight bytes of struct engine_choice, then operations (ops.h), at
 * most 256 of them.
 */
#include "engine_run.h"
#include "fuzz.h"

const struct fuzz_shape fuzz_shape = {.header = ENGINE_RUN_HEADER, .body = FUZZ_OPS};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return engine_run(span_make(data, size), false);
}
