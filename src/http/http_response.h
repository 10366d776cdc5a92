/* SPDX-License-Identifier: MIT */
/*
 * Owns: one HTTP response, which is read while its bytes arrive: its status, its body, and the two
 * headers that are needed (Location, Content-Encoding). A gzip body is decompressed. llhttp parses
 * the response, and zlib decompresses the body. Must not know: what the body means, connections,
 * time.
 */
#ifndef HTTP_HTTP_RESPONSE_H
#define HTTP_HTTP_RESPONSE_H

#include <llhttp.h>

#include "base/buf.h"

#define HTTP_RESPONSE_HEAD_MAX 65536 /* bytes. Without this limit, a head could be endless */
/* A response may have at most HTTP_RESPONSE_HEAD_MAX + HTTP_RESPONSE_OVERHEAD * body_max bytes when
 * it arrives. The factor is needed because a chunked body has more bytes than its contents. Without
 * this limit, chunk extensions could be endless. */
#define HTTP_RESPONSE_OVERHEAD 8
/* Bytes: the longest name or value of a header. A longer header is ignored. */
#define HTTP_RESPONSE_VALUE_MAX 2048

enum http_response_state { HTTP_RESPONSE_MORE, HTTP_RESPONSE_WHOLE, HTTP_RESPONSE_BAD };

struct http_response {
    llhttp_t parser;
    llhttp_settings_t settings;
    size_t body_max;     /* bytes: the largest body, both compressed and decompressed */
    size_t received;     /* bytes that have arrived */
    bool in_body;        /* the head is complete */
    bool whole;          /* the response is complete */
    struct span bad;     /* why the response is bad, a static text; empty: the response is not
                          * bad */
    struct buf field;    /* the name of the header that is arriving */
    struct buf value;    /* the value of this header */
    bool value_begun;    /* the name is complete, and the value is arriving */
    bool too_long;       /* the header that is arriving is too long and is ignored */
    bool has_encoding;   /* a Content-Encoding has arrived */
    bool gzip;           /* the first Content-Encoding is gzip */
    bool has_location;   /* a Location has arrived */
    struct buf location; /* the first Location; empty if there is none, or if it was too long */
    struct buf body;
};

/* Begins a response. Its body may have at most body_max bytes as it arrives, and at most body_max
 * bytes after it was decompressed. Without these limits, a body could fill the memory. The struct
 * must not be moved afterwards. The caller frees the response with http_response_free. */
void http_response_init(struct http_response *response, size_t body_max);
void http_response_free(struct http_response *response);

/* Reads bytes that have arrived. Bytes after the end of the response are ignored. When the result
 * is HTTP_RESPONSE_WHOLE, the caller may read the status, `location` and `body`. When the result is
 * HTTP_RESPONSE_BAD, `bad` is the reason. */
enum http_response_state http_response_parse(struct http_response *response, struct span in);

/* Tells the response that no more bytes will arrive. Never returns HTTP_RESPONSE_MORE. */
enum http_response_state http_response_eof(struct http_response *response);

int http_response_status(const struct http_response *response);

#endif
