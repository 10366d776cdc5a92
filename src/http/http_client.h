/* SPDX-License-Identifier: MIT */
/*
 * Owns: asking HTTP servers. One fetch is one GET of one URL: connecting, TLS, redirects, the
 * answer, and two deadlines. Its connections are connections of serve's like any other. A fetch is
 * begun by an owner, and later it is done: with an answer, whatever its status, or with a failure.
 * Must not know: what is asked, what an answer means, logs.
 *
 * Nothing calls the owner. In each step, after serve's own part, it takes up the fetches that
 * http_client_next_done returns and ends each of them with http_fetch_drop. While there is such a
 * fetch, a step is due.
 *
 *     while ((fetch = http_client_next_done(client)) != NULL) {
 *         .. http_fetch_owner(fetch), http_fetch_failure(fetch), http_fetch_body(fetch) ..
 *         http_fetch_drop(fetch);
 *     }
 */
#ifndef HTTP_HTTP_CLIENT_H
#define HTTP_HTTP_CLIENT_H

#include "base/budget.h"
#include "base/list.h"
#include "codec/codec.h"
#include "http/http_url.h"
#include "serve/serve.h"

#define HTTP_REDIRECTS_MAX 10         /* at the tenth, Go's client stops */
#define HTTP_HANDSHAKE_NS 10000000000 /* the time for a TLS handshake; nsqd's */

/* What makes the client's end of TLS for a server of this name (a C string, borrowed). */
struct http_tls {
    struct codec (*connect)(void *self, const char *server_name); /* NULL: https is impossible */
    void *self;
    size_t cost; /* bytes that one codec takes at most, for the memory budget */
};

/* What all fetches of a client have in common. Timeouts are ns; 0 or less means no limit, but a
 * connect_timeout below 0 has always passed. */
struct http_client_config {
    int64_t connect_timeout; /* for making each connection */
    int64_t request_timeout; /* for the whole fetch, with all redirects and connections */
    size_t body_max;         /* bytes of an answer's body; stops a server that never ends it */
    struct span accept;      /* value of the Accept header; borrowed */
    struct http_tls tls;
};

struct http_client {
    struct http_client_config config;
    struct serve *serve;
    struct budget *budget;
    struct list open; /* of struct http_fetch */
    struct list done; /* the same; they wait for their owners */
};

struct http_fetch;

/* The configuration is copied; serve and budget are borrowed. There is nothing to free: a fetch
 * ends when its owner drops it, which it may also do after serve_free. */
void http_client_init(struct http_client *client, const struct http_client_config *config,
                      struct serve *serve, struct budget *budget);

/* Begins a fetch for an owner. Takes what the URL holds and leaves it empty. Never fails itself: a
 * fetch that cannot begin is done at once, with a failure. */
struct http_fetch *http_fetch_begin(struct http_client *client, struct http_url *url, void *owner,
                                    int64_t now);

/* The fetch that has been done for the longest time, or NULL. */
struct http_fetch *http_client_next_done(const struct http_client *client);
void *http_fetch_owner(const struct http_fetch *fetch);

/* Of a fetch that is done: why there is no answer, empty when there is one; and the answer. A
 * redirect that could not be followed, because its Location is missing or too long, is an answer.
 * Borrowed until http_fetch_drop. */
struct span http_fetch_failure(const struct http_fetch *fetch);
int http_fetch_status(const struct http_fetch *fetch);
struct span http_fetch_body(const struct http_fetch *fetch);

/* Ends a fetch, done or not, and its connection. */
void http_fetch_drop(struct http_fetch *fetch);

#endif
