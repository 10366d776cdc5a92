/* SPDX-License-Identifier: MIT */
/*
 * Owns: the contract between a connection and what changes its bytes on their way: TLS, snappy,
 * deflate. A codec turns bytes into bytes in both directions and knows nothing else: no connection,
 * no protocol, no clock.
 *
 *     what the protocol reads   <-- up   decode <--   what the peer sent
 *     what the protocol writes  --> encode, flush --> down   what the peer is sent
 *
 * Buffers belong to the caller, and codecs only append to them.
 */
#ifndef CODEC_CODEC_H
#define CODEC_CODEC_H

#include <nsq/span.h>

#include "base/buf.h"

enum codec_state {
    CODEC_HANDSHAKING, /* encode may not be called yet */
    CODEC_OPEN,
    CODEC_CLOSED, /* the peer has said that no more will come */
    CODEC_FAILED, /* its bytes were no good; `why` tells. Output may go on, or become nothing */
};

struct codec_calls {
    /* Takes bytes that the peer sent (borrowed, may be empty), appends what they mean to `up`,
     * about `room` bytes at most, and what must be sent to `down`: a handshake's answer, an alert.
     * Returns the bytes of `in` that it took; it takes at least one unless `in` is empty or
     * has_pending is true. Nothing is taken or appended once the codec is CLOSED or FAILED. */
    size_t (*decode)(void *self, struct span in, size_t room, struct buf *up, struct buf *down);

    /* Takes bytes for the peer; some or all of what they become may wait for flush. */
    void (*encode)(void *self, struct span in, struct buf *down);

    /* Appends what encode kept back, so that the peer can decode all that was encoded. */
    void (*flush)(void *self, struct buf *down);

    /* Appends the last bytes that this side sends. Neither encode nor flush comes after it. */
    void (*finish)(void *self, struct buf *down);

    /* Whether decode may have more for `up`, or may end, without more input. The call that shows
     * that there was nothing more makes it false. */
    bool (*has_pending)(const void *self);

    enum codec_state (*state)(const void *self);

    /* Why it is CODEC_FAILED, as one line of text; static or the codec's own. */
    struct span (*why)(const void *self);

    /* Who the peer has shown itself to be once the codec is open: the common name of its TLS
     * certificate; the codec's own. Empty: nobody, or a certificate without one. NULL: a codec that
     * cannot tell, which is every one but TLS. */
    struct span (*peer_name)(const void *self);

    void (*free)(void *self);
};

/* A codec; it belongs to whoever holds this. */
struct codec {
    const struct codec_calls *calls;
    void *self;
};

/* What makes codecs for connections, such as a TLS context with its certificates. */
struct codec_maker {
    struct codec (*make)(void *self); /* the caller owns the codec. NULL: there is none to be had */
    void *self;
    size_t cost; /* bytes that one takes at most, for the account of memory */
};

#endif
