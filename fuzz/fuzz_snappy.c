/* SPDX-License-Identifier: MIT */
/*
 * Invariant: bytes of a peer mean the same however they are cut and however little room there is,
 * and never more than snappy allows; what this side says is what the peer hears, after each flush.
 *
 * Input: as codecs.h says.
 */
#include "codec/snappy.h"

#include "codecs.h"
#include "fuzz.h"

const struct fuzz_shape fuzz_shape = {.header = FUZZ_CODECS_HEADER, .body = FUZZ_BYTES};

static struct codec make(unsigned level)
{
    (void)level;
    return snappy_codec();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy of 64 bytes takes three. */
    static const struct fuzz_codec target = {make, 22};
    return fuzz_codec(&target, span_make(data, size));
}
