/* SPDX-License-Identifier: MIT */
/*
 * Owns: a table of routes, and the search for the route of a request. The search has the same
 * results as httprouter, which upstream's nsqd uses. A path that is almost right is redirected. If
 * a path exists only for other methods, the answer has the names of these methods.
 * Must not know: what a route does, connections.
 */
#ifndef HTTP_HTTP_ROUTES_H
#define HTTP_HTTP_ROUTES_H

#include "base/buf.h"

struct http_call; /* http/http_server.h */

/* What a route does with the body of a request. */
enum http_body {
    HTTP_BODY_UNREAD,  /* the answer does not depend on the body: only `begin` is called */
    HTTP_BODY_SKIPPED, /* the whole body must arrive, and is ignored: only `end` is called */
    HTTP_BODY_PIECES,  /* `begin`, then `piece` for each part of the body, then `end` */
};

/* A route and its functions. `service` is http_server_config.service; `call` is the request that
 * is being handled. Any of begin, piece and end may answer the request (http_call_answer). After
 * the answer only `drop` is called. */
struct http_route {
    struct span method;
    struct span path; /* literal; when has_param is set, the path ends with '/' and a parameter
                       * follows */
    bool has_param;
    bool logged; /* each answer is logged */
    enum http_body body;
    /* The head is complete. */
    void (*begin)(void *service, struct http_call *call, int64_t now);
    /* Bytes of the body have arrived (borrowed, not empty). One call has at most HTTP_PIECE_MAX
     * bytes. */
    void (*piece)(void *service, struct http_call *call, struct span bytes, int64_t now);
    /* The body is complete. `broken`: the rest of the body cannot be read. */
    void (*end)(void *service, struct http_call *call, bool broken, int64_t now);
    /* Frees call->state. Called once for each request whose `state` is not NULL: after the answer,
     * or when the connection has ended. `call` must not be used afterwards. */
    void (*drop)(void *service, struct http_call *call);
};

struct http_routes {
    const struct http_route *rows; /* borrowed */
    size_t count;
};

enum http_match {
    HTTP_MATCH_FOUND,    /* `route`, and `param` if it has one */
    HTTP_MATCH_REDIRECT, /* the same method has a route at the path `text`, which is not escaped */
    HTTP_MATCH_OPTIONS,  /* the method is OPTIONS; `text` has the methods of the path */
    HTTP_MATCH_NOT_ALLOWED, /* only other methods have a route; `text` has these methods */
    HTTP_MATCH_NONE,
};

/* A struct of zeros is empty. */
struct http_found {
    const struct http_route *route;
    struct span param; /* borrowed from the path */
    struct buf text;   /* the caller frees it */
};

/* Finds the route of a request. `path` is not escaped. */
enum http_match http_routes_find(const struct http_routes *routes, struct span method,
                                 struct span path, struct http_found *found);

#endif
