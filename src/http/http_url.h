/* SPDX-License-Identifier: MIT */
/*
 * Owns: URLs of HTTP servers as Go reads and writes them: parsing one, following a redirect, and
 * escaping the parameters of a query. Must not know: requests, connections.
 */
#ifndef HTTP_HTTP_URL_H
#define HTTP_HTTP_URL_H

#include "base/buf.h"

#define HTTP_URL_MAX 4096 /* bytes of a Location; stops redirects to ever longer URLs */

/* A parsed URL. All zeros is an empty one, which may be freed. */
struct http_url {
    bool https;
    struct buf host;    /* as the Host header has it: without a port that the URL does not name */
    struct buf name;    /* without brackets and port */
    struct buf address; /* what to connect to: "host:port" */
    struct buf user;    /* "user:password", not escaped; empty unless has_user */
    bool has_user;
    struct buf path;  /* as the request line has it */
    struct buf query; /* what follows the '?' */
};

/* Parses a whole URL, in place of the one that `url` holds. False: it cannot be asked, and `*why`
 * is a static reason. The caller ends the URL with http_url_free in both cases. */
bool http_url_parse(struct http_url *url, struct span text, struct span *why);
void http_url_free(struct http_url *url);

/* Whether a text names a scheme, as in "http://". */
bool http_url_has_scheme(struct span text);

/* Turns a URL into the one that its answer's Location header names: a whole URL, or a path that
 * begins with '/'. False as for http_url_parse. */
bool http_url_follow(struct http_url *url, struct span location, struct span *why);

/* Turns a URL that names a port into the same URL by https at another port. False as for
 * http_url_parse: it names no port, or the new one is no port. */
bool http_url_secure(struct http_url *url, int64_t port, struct span *why);

/* Appends the URL for a log: without user, password and parameters. */
void http_url_show(const struct http_url *url, struct buf *out);

/* Appends "name=value", or "&name=value" behind other parameters; the value is escaped as Go's
 * url.Values.Encode does it, the name is appended as it is. */
void http_query_append(struct buf *out, struct span name, struct span value);

#endif
