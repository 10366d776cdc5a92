/* SPDX-License-Identifier: MIT */
/*
 * Owns: what an auth server is asked, byte for byte as nsqd does it: its URL and the parameters.
 * Must not know: connections, how HTTP is spoken.
 */
#ifndef AUTH_AUTH_REQUEST_H
#define AUTH_AUTH_REQUEST_H

#include "http/http_url.h"

#define AUTH_SERVER_MAX 4096 /* bytes of a server's address or URL */

/* Appends the parameters that tell an auth server which client asks, in nsqd's order. */
void auth_query_append(struct buf *out, struct span common_name, struct span remote_ip,
                       struct span secret, bool tls);

/* Parses the URL at which nsqd asks a server that --auth-http-address names. "host:port" is a host
 * whose path is /auth; a server with "://" in it is a whole URL. The query is appended to it.
 * False: it cannot be asked, and `*why` is a static reason. The URL held nothing before; the caller
 * ends it with http_url_free in both cases. */
bool auth_request_url(struct http_url *url, struct span server, struct span query,
                      struct span *why);

#endif
