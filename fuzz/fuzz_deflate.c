/* SPDX-License-Identifier: MIT */
/*
 * Invariant: bytes of a peer mean the same however they are cut and however little room there is,
 * and never more than deflate allows; what this side says is what the peer hears, after each flush.
 *
 * Input: as codecs.h says.
 */
#include "codec/deflate.h"

#include "codecs.h"
#include "fuzz.h"

const struct fuzz_shape fuzz_shape = {.header = FUZZ_CODECS_HEADER, .body = FUZZ_BYTES};

static struct codec make(unsigned level)
{
    return deflate_codec((int)level);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Two codes of one bit, for a length and a distance, are 258 bytes. */
    static const struct fuzz_codec target = {make, 258 * 4};
    return fuzz_codec(&target, span_make(data, size));
}
