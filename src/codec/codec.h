/* SPDX-License-Identifier: MIT */
/*
 * Owns: the contract between a connection and a codec (TLS, snappy or deflate). A codec turns bytes
 * into other bytes, in both directions:
 *
 *     what the protocol reads   <-- up  <-- decode        <-- what the peer has sent
 *     what the protocol writes  --> encode, flush --> down --> what is sent to the peer
 *
 * `up` and `down` are buffers of the caller. A codec only appends to them.
 * Must not know: the connection, the protocol, the time.
 */
#ifndef CODEC_CODEC_H
#define CODEC_CODEC_H

#include <nsq/span.h>

#include "base/buf.h"

enum codec_state {
    CODEC_HANDSHAKING, /* a handshake is under way; encode must not be called */
    CODEC_OPEN,        /* bytes pass in both directions */
    CODEC_CLOSED,      /* the peer has ended its stream: nothing more will be decoded */
    CODEC_FAILED,      /* the peer sent bytes that are not valid; `why` gives the reason. encode may
                        * still be called; it works, or it appends nothing. */
};

struct codec_calls {
    /* Decodes bytes that the peer has sent. `in` is borrowed and may be empty. It appends to `up`
     * what they contain, about `room` bytes at most, and to `down` what must be sent because of
     * them (the next bytes of a handshake, an alert). Returns how many bytes of `in` it took: at
     * least one, unless `in` is empty or has_pending is true. When the codec is CLOSED or FAILED,
     * it takes and appends nothing. */
    size_t (*decode)(void *self, struct span in, size_t room, struct buf *up, struct buf *down);

    /* Encodes bytes for the peer: takes all of `in` and appends to `down`. Some or all of the
     * result may be kept back until flush. */
    void (*encode)(void *self, struct span in, struct buf *down);

    /* Appends what encode has kept back. The peer can decode then all that was encoded. */
    void (*flush)(void *self, struct buf *down);

    /* Appends the last bytes that this side sends. encode and flush must not be called after it. */
    void (*finish)(void *self, struct buf *down);

    /* Whether decode should be called again even if there is no more input, because it may have
     * more bytes for `up` or may change its state. It may be true although there is nothing more;
     * the next call of decode then makes it false. */
    bool (*has_pending)(const void *self);

    /* The current state. Only decode and encode change it. */
    enum codec_state (*state)(const void *self);

    /* Why the codec is CODEC_FAILED: one line of text, borrowed from the codec. */
    struct span (*why)(const void *self);

    /* The common name in the peer's TLS certificate, borrowed from the codec. It is empty before
     * the codec is open, when the peer has shown no certificate, and when its certificate has no
     * common name. The function is NULL in codecs other than TLS. */
    struct span (*peer_name)(const void *self);

    /* Ends the codec and frees its memory. */
    void (*free)(void *self);
};

/* A codec. Its owner calls calls->free(self). */
struct codec {
    const struct codec_calls *calls;
    void *self;
};

/* Something that makes codecs for connections, such as a TLS context with its certificates. */
struct codec_maker {
    struct codec (*make)(void *self); /* the caller owns the result. NULL: it makes no codecs. */
    void *self;
    size_t cost; /* bytes of memory that one codec takes at most; the memory budget counts them */
};

#endif
