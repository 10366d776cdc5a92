/* SPDX-License-Identifier: MIT */
/*
 * Owns: the bytes of a GET request, as Go's HTTP client writes them. Must not know: connections,
 * the answer.
 */
#ifndef HTTP_HTTP_REQUEST_H
#define HTTP_HTTP_REQUEST_H

#include "http/http_url.h"

/* Appends the request for a URL. `accept` is the value of the Accept header. The URL's user and
 * password become an Authorization header. */
void http_request_append(struct buf *out, const struct http_url *url, struct span accept);

#endif
