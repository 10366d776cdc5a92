/* SPDX-License-Identifier: MIT */
/*
 * Invariant: what the server sends to a client depends on the client's bytes and on the time, not
 * on how the bytes were cut. Every reply is sent after the byte that completes what it answers.
 * Nothing follows a fatal error. The server reads all input or closes. At the end all memory that
 * was charged has been released.
 *
 * The server offers no codecs here; with codecs a run is much slower, and fuzz_upgrade.c does that.
 *
 * Input: the ten bytes of struct choice in client_parts.h, then up to 1,024 bytes that the client
 * sends.
 */
#include "client.h"
#include "fuzz.h"

const struct fuzz_shape fuzz_shape = {.header = CLIENT_HEADER, .body = FUZZ_CLIENT};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return client_run(span_make(data, size), false);
}
