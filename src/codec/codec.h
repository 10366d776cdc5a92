/* SPDX-License-Identifier: MIT */
/*
 * Owns: the contract between a connection and a codec (TLS, snappy or deflate). A codec turns bytes
 * into other bytes, in both directions:
 *
 *     bytes that the protocol reads   <-- up <-- decode <---------- bytes from the peer
 *     bytes that the protocol writes  --> encode, flush --> down --> bytes for the peer
 *
 * `up` and `down` are buffers of the caller. A codec only appends to them.
 * Must not know: the connection, the protocol, the time.
 */
#ifndef CODEC_CODEC_H
#define CODEC_CODEC_H

#include <nsq/span.h>

#include "base/buf.h"

enum codec_state {
    CODEC_HANDSHAKING, /* a handshake is not complete yet; encode must not be called */
    CODEC_OPEN,        /* the codec decodes and encodes */
    CODEC_CLOSED,      /* the peer has closed its stream: decode will return no more bytes */
    CODEC_FAILED,      /* the peer has sent bytes that are not valid; `why` returns the reason.
                        * encode may still be called; it appends encoded bytes or nothing */
};

/* The text that `why` returns when the peer of an HTTPS listener has sent an HTTP request without
 * TLS. The words are Go's. */
#define CODEC_WHY_HTTP "client sent an HTTP request to an HTTPS server"

/* What TLS has negotiated, as numbers on the wire (RFC 8446). 0: nothing was negotiated. */
struct codec_parameters {
    uint16_t version; /* 0x0303 is TLS 1.2 */
    uint16_t cipher;
};

struct codec_calls {
    /* Decodes bytes that the peer has sent. `in` is borrowed and may be empty. The function appends
     * the decoded bytes to `up`, at most about `room` bytes. If the codec itself has to send bytes
     * (the next bytes of a handshake, or an alert), the function appends them to `down`. Returns
     * how many bytes of `in` were used. The result may be 0 in three cases only: `in` is empty;
     * has_pending returns true after the call; the codec was CLOSED or FAILED before the call. A
     * codec that was CLOSED or FAILED before the call appends nothing. */
    size_t (*decode)(void *self, struct span in, size_t room, struct buf *up, struct buf *down);

    /* Encodes all bytes of `in` for the peer and appends the result to `down`. The codec may keep
     * some or all of the result until flush is called. */
    void (*encode)(void *self, struct span in, struct buf *down);

    /* Appends to `down` all bytes that encode has kept. When the peer has received these bytes, it
     * can decode everything that was passed to encode. */
    void (*flush)(void *self, struct buf *down);

    /* Appends to `down` the last bytes that this side sends. After finish, encode and flush must
     * not be called. */
    void (*finish)(void *self, struct buf *down);

    /* Returns whether decode should be called again even if there is no more input: the codec may
     * have more bytes for `up`, or its state may change. It may also return true when there is in
     * fact nothing more. Then the next call of decode appends nothing, and after that call
     * has_pending returns false. */
    bool (*has_pending)(const void *self);

    /* Returns the current state. Only decode and encode change the state. */
    enum codec_state (*state)(const void *self);

    /* Returns why the codec is CODEC_FAILED, as one line of text, borrowed from the codec. */
    struct span (*why)(const void *self);

    /* Returns the common name in the peer's TLS certificate, borrowed from the codec. The name is
     * empty in each of these cases: the codec is not open yet; the peer has sent no certificate;
     * its certificate has no common name. Only TLS has this function; other codecs set it to NULL.
     */
    struct span (*peer_name)(const void *self);

    /* Returns what was negotiated. Only TLS has this function; other codecs set it to NULL. */
    struct codec_parameters (*parameters)(const void *self);

    /* Frees the codec. */
    void (*free)(void *self);
};

/* A codec. Its owner must free it with calls->free(self). */
struct codec {
    const struct codec_calls *calls;
    void *self;
};

/* A maker makes one codec for each connection. For example, the maker of TLS uses a context with
 * the certificates. */
struct codec_maker {
    struct codec (*make)(void *self); /* returns a codec, which the caller owns. If `make` is NULL,
                                         there is no maker. */
    void *self;
    size_t cost; /* largest size of one codec in bytes of memory; the memory budget counts it */
};

#endif
