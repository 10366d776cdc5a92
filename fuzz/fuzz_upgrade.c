/* SPDX-License-Identifier: MIT */
/*
 * Invariant: that of fuzz_session.c for the decoded bytes of both sides, while IDENTIFY may
 * negotiate snappy, deflate and TLS (a toy, toy_tls.h), and AUTH may be required. In addition, a
 * client's codecs can decode what the server sends, unless a broken stream has stopped the server's
 * output.
 *
 * Input: the ten bytes of struct choice in client_parts.h, then up to 1,024 bytes that the client
 * sends, before encoding. After an IDENTIFY that negotiates codecs, each item is encoded by itself,
 * and the encoded bytes are cut.
 */
#include "client.h"
#include "fuzz.h"

const struct fuzz_shape fuzz_shape = {.header = CLIENT_HEADER, .body = FUZZ_CLIENT};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return client_run(span_make(data, size), true);
}
