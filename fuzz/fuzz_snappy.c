/* SPDX-License-Identifier: MIT */
/*
 * Invariant: a peer's bytes decode to the same bytes however they are cut and however little room
 * there is, and to no more than snappy's highest ratio allows. After each flush, the peer can
 * decode all that this side has encoded.
 *
 * Input: see codecs.h.
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
    /* Three bytes stand for a copy of 64 bytes. */
    static const struct fuzz_codec target = {make, 22};
    return fuzz_codec(&target, span_make(data, size));
}
