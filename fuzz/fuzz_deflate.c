/* SPDX-License-Identifier: MIT */
/*
 * Invariant: a peer's bytes decode to the same bytes however they are cut and however little room
 * there is, and to no more than deflate's highest ratio allows. After each flush, the peer can
 * decode all that this side has encoded.
 *
 * Input: see codecs.h.
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
    /* Two codes of one bit each, a length and a distance, stand for 258 bytes; so 8 bits stand for
     * four times as many. */
    static const struct fuzz_codec target = {make, 258 * 4};
    return fuzz_codec(&target, span_make(data, size));
}
