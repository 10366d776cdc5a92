/* SPDX-License-Identifier: MIT */
/*
 * Invariant: that of fuzz_session.c, where IDENTIFY may negotiate snappy, deflate and a toy's TLS,
 * and AUTH be required: it is true of what the bytes mean. Besides, what is sent is what a client's
 * codecs decode, unless a broken stream has silenced the server.
 *
 * Input: the ten bytes of struct choice in client.c, then what the client means, 1,024 bytes of it.
 * Behind an IDENTIFY that negotiates codecs it is encoded, each item by itself, and the bytes that
 * come of it are what is cut.
 */
#include "client.h"
#include "fuzz.h"

const struct fuzz_shape fuzz_shape = {.header = CLIENT_HEADER, .body = FUZZ_CLIENT};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return client_run(span_make(data, size), true);
}
