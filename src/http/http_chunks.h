/* SPDX-License-Identifier: MIT */
/*
 * Owns: the strict check of a chunked body's framing. llhttp decodes the body (http/http_reader.h).
 * llhttp accepts some bodies that Go refuses. That is dangerous behind a proxy: if the proxy and
 * this server find different ends of the same body, a part of the body becomes a request (request
 * smuggling). So every byte passes this check first. The check accepts:
 *
 *     size    1 to 16 hexadecimal digits; an extension with ';' may follow
 *     line    ends with CR LF and has no other CR, LF or control byte
 *     trailer at most limits->trailer bytes; no line begins with a space, a tab or ':'
 *
 * Must not know: what the body means, connections.
 */
#ifndef HTTP_HTTP_CHUNKS_H
#define HTTP_HTTP_CHUNKS_H

#include <nsq/span.h>

#include "http/http_limits.h"

enum http_chunks_state {
    HTTP_CHUNKS_SIZE, /* in the digits of a size */
    HTTP_CHUNKS_EXTENSION,
    HTTP_CHUNKS_SIZE_LF,
    HTTP_CHUNKS_DATA,
    HTTP_CHUNKS_DATA_CR,
    HTTP_CHUNKS_DATA_LF,
    HTTP_CHUNKS_TRAILER, /* at the beginning of a line of the trailer */
    HTTP_CHUNKS_TRAILER_LINE,
    HTTP_CHUNKS_TRAILER_LF,
    HTTP_CHUNKS_LAST_LF,
    HTTP_CHUNKS_WHOLE,
    HTTP_CHUNKS_BAD,
};

/* A struct of zeros is at the beginning of a body. */
struct http_chunks {
    enum http_chunks_state state;
    unsigned digits; /* of the size that is arriving */
    uint64_t left;   /* bytes of data that are left; while a size arrives: its value so far */
    size_t line;     /* bytes of the current line, or of the trailer */
    int64_t excess;  /* bytes of framing above what is normal */
};

/* Takes bytes from the start of `in`, which must not be empty. If the state is HTTP_CHUNKS_DATA
 * before the call, all taken bytes are data. In all other states, they are framing. So the call
 * stops where data begins or ends, where the body is complete (HTTP_CHUNKS_WHOLE), and before a bad
 * byte (HTTP_CHUNKS_BAD). Returns how many bytes were taken. */
size_t http_chunks_take(struct http_chunks *chunks, const struct http_limits *limits,
                        struct span in);

#endif
