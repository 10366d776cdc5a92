/* SPDX-License-Identifier: MIT */
/*
 * Owns: one HTTP answer, as its bytes arrive: its status and its body, unpacked. llhttp reads it,
 * zlib unpacks it. Must not know: what the body means, connections, time.
 */
#ifndef AUTH_AUTH_HTTP_H
#define AUTH_AUTH_HTTP_H

#include <llhttp.h>

#include "base/buf.h"

#define AUTH_HTTP_HEAD_MAX 65536 /* bytes of a head; stops one that never ends */
/* Bytes of a chunked body for each byte that it may hold, so that empty extensions do not go on for
 * ever. */
#define AUTH_HTTP_OVERHEAD 8
#define AUTH_HTTP_VALUE_MAX 2048 /* bytes kept of a header's value; a longer one is of no use */

enum auth_http_outcome { AUTH_HTTP_MORE, AUTH_HTTP_WHOLE, AUTH_HTTP_BAD };

struct auth_http {
    llhttp_t parser;
    llhttp_settings_t settings;
    size_t most;      /* bytes of a body, packed and unpacked */
    size_t read;      /* bytes that have arrived */
    bool in_body;     /* the head is over */
    bool whole;       /* the answer is over */
    struct span bad;  /* why it is no good; static */
    struct buf field; /* of the header that is arriving */
    struct buf value;
    bool value_begun;
    bool too_long;       /* it, or its name: it is dropped */
    bool encoded;        /* Content-Encoding was there; .. */
    bool gzip;           /* .. it said this */
    bool located;        /* Location was there; .. */
    struct buf location; /* .. where else to ask: a redirect; empty: too long */
    struct buf body;
};

/* Begins an answer with a body of at most `most` bytes: stops a server whose body, or what it
 * unpacks to, fills the memory. Must not be moved; the caller ends it with auth_http_free. */
void auth_http_init(struct auth_http *http, size_t most);
void auth_http_free(struct auth_http *http);

/* Bytes have arrived; those behind the answer are ignored. When it is WHOLE, its status and body
 * may be looked at; when it is BAD, `bad`. */
enum auth_http_outcome auth_http_feed(struct auth_http *http, struct span in);

/* No more will come. Never MORE. */
enum auth_http_outcome auth_http_eof(struct auth_http *http);

int auth_http_status(const struct auth_http *http);

#endif
