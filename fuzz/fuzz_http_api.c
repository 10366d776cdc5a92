/* SPDX-License-Identifier: MIT */
/*
 * Invariant: up to ten clients of the TCP port and six of the HTTP API share one engine; then the
 * messages, the output and the memory budget are as engine_run.h says. What HTTP creates,
 * publishes, empties, pauses and deletes has the same effect as if a TCP client or an administrator
 * had done it. The answers are well formed, and each request gets one, unless it waits for the
 * disk.
 *
 * Input: the eight bytes of struct engine_choice, then operations (ops.h), at most 256 of them. The
 * connections from ENGINE_RUN_WEB on are clients of the HTTP API.
 */
#include "engine_run.h"
#include "fuzz.h"

const struct fuzz_shape fuzz_shape = {.header = ENGINE_RUN_HEADER, .body = FUZZ_OPS};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return engine_run(span_make(data, size), true);
}
