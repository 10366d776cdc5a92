/* SPDX-License-Identifier: MIT */
/*
 * Invariant: what one client is sent depends on the bytes that it sent and on the time, not on how
 * the bytes were cut; every reply comes with the byte that completes what is answered; after a
 * fatal error nothing more comes; the server reads all that it is sent or closes; all memory that
 * was charged is given back.
 *
 * Nobody offers codecs here: what negotiates them is much slower, and is fuzz_upgrade.c's.
 *
 * Input: the ten bytes of struct choice in client.c, then what the client sends, 1,024 bytes of it.
 */
#include "client.h"
#include "fuzz.h"

const struct fuzz_shape fuzz_shape = {.header = CLIENT_HEADER, .body = FUZZ_CLIENT};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return client_run(span_make(data, size), false);
}
