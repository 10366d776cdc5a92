/* SPDX-License-Identifier: MIT */
/*
 * Owns: the bytes of a request that this side sends: a GET as Go's HTTP client writes it. Must not
 * know: connections, the answer.
 */
#ifndef HTTP_HTTP_REQUEST_H
#define HTTP_HTTP_REQUEST_H

#include "http/http_url.h"

/* Appends the request for a URL. `accept` is the value of the Accept header. User and password of
 * the URL go into an Authorization header. */
void http_request_append(struct buf *out, const struct http_url *url, struct span accept);

#endif
