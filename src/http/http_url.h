/* SPDX-License-Identifier: MIT */
/*
 * Owns: URLs of HTTP servers, as Go reads and writes them. The functions parse a URL, follow a
 * redirect, and escape the parameters of a query. Must not know: requests, connections.
 */
#ifndef HTTP_HTTP_URL_H
#define HTTP_HTTP_URL_H

#include "base/buf.h"

/* Bytes: the longest Location that http_url_follow accepts. Without this limit, each URL in a chain
 * of redirects could be longer than the URL before it. (In the HTTP client the largest size is
 * smaller: HTTP_RESPONSE_VALUE_MAX.) */
#define HTTP_URL_MAX 4096

/* A parsed URL. A struct of zeros is an empty URL, and http_url_free accepts it. */
struct http_url {
    bool https;
    struct buf host;    /* as in the Host header: without a port if the URL names no port */
    struct buf name;    /* the host without brackets and port */
    struct buf address; /* the address for the connection: "host:port" */
    struct buf user;    /* "user:password", not escaped; empty if has_user is false */
    bool has_user;
    struct buf path;  /* as in the request line */
    struct buf query; /* the text after the '?' */
};

/* Parses a whole URL into `url` and replaces the URL that was there. Returns false if no request
 * can be sent to the URL. Then *why is the reason, a static text. The caller frees the URL with
 * http_url_free, even if the result is false. */
bool http_url_parse(struct http_url *url, struct span text, struct span *why);
void http_url_free(struct http_url *url);

/* Returns true if a text contains "://", as in "http://". */
bool http_url_has_scheme(struct span text);

/* Replaces a URL by the URL in its answer's Location header. The Location must be a whole URL, or a
 * path that begins with '/'. Returns false if the Location cannot be followed. Then *why is the
 * reason, a static text. */
bool http_url_follow(struct http_url *url, struct span location, struct span *why);

/* Changes a URL to https and replaces its port. Returns false if the URL names no port, or if the
 * new port is not valid. Then *why is the reason, a static text. */
bool http_url_secure(struct http_url *url, int64_t port, struct span *why);

/* Appends the URL in the form for logs: without user, password and parameters. */
void http_url_show(const struct http_url *url, struct buf *out);

/* Appends "name=value" to `out`. If `out` is not empty, appends '&' first. The value is escaped as
 * by Go's url.Values.Encode. The name is not escaped. */
void http_query_append(struct buf *out, struct span name, struct span value);

#endif
