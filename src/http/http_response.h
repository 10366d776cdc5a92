/* SPDX-License-Identifier: MIT */
/*
 * Owns: one HTTP response, read as its bytes arrive: its status, the headers that matter here
 * (Location, Content-Encoding) and its body, unpacked when it is gzip. llhttp parses, zlib unpacks.
 * Must not know: what the body means, connections, time.
 */
#ifndef HTTP_HTTP_RESPONSE_H
#define HTTP_HTTP_RESPONSE_H

#include <llhttp.h>

#include "base/buf.h"

#define HTTP_RESPONSE_HEAD_MAX 65536 /* bytes of a head; stops one that never ends */
/* Bytes that may arrive of a chunked body for each byte that the body may have. Stops chunk
 * extensions that never end. */
#define HTTP_RESPONSE_OVERHEAD 8
#define HTTP_RESPONSE_VALUE_MAX                                                                    \
    2048 /* bytes of a header's name or value; a longer one is ignored */

enum http_response_state { HTTP_RESPONSE_MORE, HTTP_RESPONSE_WHOLE, HTTP_RESPONSE_BAD };

struct http_response {
    llhttp_t parser;
    llhttp_settings_t settings;
    size_t body_max;     /* bytes of the body, packed and unpacked */
    size_t received;     /* bytes that have arrived */
    bool in_body;        /* the head is complete */
    bool whole;          /* the response is complete */
    struct span bad;     /* why it is bad; static. Empty: it is not */
    struct buf field;    /* the name of the header that is arriving */
    struct buf value;    /* its value */
    bool value_begun;    /* the value is arriving, and the name is complete */
    bool too_long;       /* the header that is arriving is ignored */
    bool has_encoding;   /* a Content-Encoding has arrived */
    bool gzip;           /* the first Content-Encoding is gzip */
    bool has_location;   /* a Location has arrived */
    struct buf location; /* the first Location. Empty: none, or it was too long */
    struct buf body;
};

/* Begins a response whose body has at most body_max bytes, both as it arrives and unpacked. Stops a
 * server whose body fills the memory. The struct must not be moved. The caller ends it with
 * http_response_free. */
void http_response_init(struct http_response *response, size_t body_max);
void http_response_free(struct http_response *response);

/* Bytes have arrived; those behind the response are ignored. When it is WHOLE, its status, location
 * and body may be read; when it is BAD, `bad` says why. */
enum http_response_state http_response_parse(struct http_response *response, struct span in);

/* No more bytes will come. Never returns MORE. */
enum http_response_state http_response_eof(struct http_response *response);

int http_response_status(const struct http_response *response);

#endif
