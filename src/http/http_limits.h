/* SPDX-License-Identifier: MIT */
/*
 * Owns: the limits of an HTTP server on what one request may contain, and on how much of an answer
 * is made at a time. The usual values of chunk_line, trailer, chunk_excess and discard are those of
 * Go's server. Tests and fuzz targets use smaller limits. Must not know: anything else.
 */
#ifndef HTTP_HTTP_LIMITS_H
#define HTTP_HTTP_LIMITS_H

#include <stddef.h>

/* All values are bytes. */
struct http_limits {
    size_t head; /* of a request line with all headers. Without this limit, a head could be endless.
                  * The server handles a complete head without a pause, so this also limits how long
                  * other clients wait for it. Go's limit is 1 MiB */
    /* While connections hold more than their share of the memory, a head that has arrived in part
     * may have at most this many bytes. Without this limit, heads that never end could fill the
     * memory. */
    size_t head_little;
    size_t chunk_line; /* of the line with the size of a chunk and its extension */
    size_t trailer;    /* of all trailers together */
    /* The limit for the excess of a chunked body. The excess is 0 at the beginning. For each chunk,
     * the length of its line (size and extension) is added to the excess. Then 16 and twice the
     * number of bytes of data are subtracted. The excess never falls below 0. Without this limit, a
     * body could consist almost only of extensions. */
    size_t chunk_excess;
    /* If the answer to a request is known before its whole body has arrived, and at least this many
     * bytes are still to come, the connection ends after the answer, as in Go. If the number of
     * missing bytes is not known, the connection ends when more than this many bytes of the body
     * were discarded. Without this limit, a client could send for ever what nobody reads. */
    size_t discard;
    size_t whole; /* a longer body of a stream (http_call_stream) is sent in chunks */
    size_t piece; /* about this many bytes of a stream are made at a time */
    /* While connections hold more than their share of the memory, this is used instead of `whole`
     * and `piece`. Without it, clients that do not read could fill the memory with pieces that are
     * not sent yet. */
    size_t piece_little;
};

#define HTTP_HEAD_MAX ((size_t)64 << 10)
#define HTTP_HEAD_LITTLE 2048
#define HTTP_CHUNK_LINE_MAX 4096
#define HTTP_TRAILER_MAX 4096
#define HTTP_CHUNK_EXCESS_MAX 16384
#define HTTP_DISCARD_MAX ((size_t)256 << 10)
#define HTTP_WHOLE_MAX ((size_t)64 << 10)
#define HTTP_PIECE ((size_t)16 << 10)
#define HTTP_PIECE_LITTLE 1024

/* The usual limits, as an initialiser. */
#define HTTP_LIMITS_USUAL                                                                          \
    {                                                                                              \
        .head = HTTP_HEAD_MAX, .head_little = HTTP_HEAD_LITTLE, .chunk_line = HTTP_CHUNK_LINE_MAX, \
        .trailer = HTTP_TRAILER_MAX, .chunk_excess = HTTP_CHUNK_EXCESS_MAX,                        \
        .discard = HTTP_DISCARD_MAX, .whole = HTTP_WHOLE_MAX, .piece = HTTP_PIECE,                 \
        .piece_little = HTTP_PIECE_LITTLE                                                          \
    }

#endif
