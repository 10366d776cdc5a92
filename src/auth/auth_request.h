/* SPDX-License-Identifier: MIT */
/*
 * Owns: the URL of a request to an auth server, with its parameters. The URL has the same bytes as
 * the URL that nsqd sends. Must not know: connections, the other parts of HTTP.
 */
#ifndef AUTH_AUTH_REQUEST_H
#define AUTH_AUTH_REQUEST_H

#include "http/http_url.h"

#define AUTH_SERVER_MAX 4096 /* bytes: the largest address or URL of a server */

/* Appends the parameters that tell an auth server about the client, in nsqd's order. */
void auth_query_append(struct buf *out, struct span common_name, struct span remote_ip,
                       struct span secret, bool tls);

/* Writes into `url` the URL of the request to `server`. It is the same URL as in nsqd. `server` is
 * one value of --auth-http-address. If `server` contains "://", it is a whole URL. If not, `server`
 * is "host:port", and the path is /auth. `query` becomes the URL's query. Returns false if the
 * server cannot be asked. Then *why is the reason, a static text. `url` must be empty before the
 * call. The caller frees the URL with http_url_free, even if the result is false. */
bool auth_request_url(struct http_url *url, struct span server, struct span query,
                      struct span *why);

#endif
