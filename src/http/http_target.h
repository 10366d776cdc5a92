/* SPDX-License-Identifier: MIT */
/*
 * Owns: the target of a request: its path, the parameters of its query, and the Location of a
 * redirect, all by the rules of Go's net/url. Must not know: routes, requests, connections.
 */
#ifndef HTTP_HTTP_TARGET_H
#define HTTP_HTTP_TARGET_H

#include "base/buf.h"

/* A struct of zeros is empty. */
struct http_target {
    struct span origin; /* "http://host" of an absolute target, or empty; borrowed */
    struct span query;  /* the text after the first '?'; borrowed */
    bool has_query;     /* there is a '?' */
    struct buf path;    /* the path with its escapes decoded */
};

/* Splits a target. Returns false if Go's server would refuse the request. `connect` is true if the
 * method is CONNECT, whose target has no path. The caller frees `target` with http_target_free,
 * even if the result is false. */
bool http_target_parse(struct http_target *target, struct span text, bool connect);
void http_target_free(struct http_target *target);

/* Returns false if a query cannot be parsed: it contains a ';' or a bad escape. */
bool http_query_valid(struct span query);

/* Appends the value of the first parameter with this name. Returns false if there is no such
 * parameter. The query must be valid. */
bool http_query_find(struct span query, struct span name, struct buf *value);

/* Appends a path as httprouter cleans it: without empty elements, "." and "..". The result begins
 * with '/'. */
void http_path_clean(struct buf *out, struct span path);

/* Appends to `out` the value of the Location header that redirects the client to `path`. `path` is
 * not escaped; the function escapes it. */
void http_target_location(struct buf *out, const struct http_target *target, struct span path);

#endif
