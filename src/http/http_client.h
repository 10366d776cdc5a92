/* SPDX-License-Identifier: MIT */
/*
 * Owns: requests to HTTP servers. One fetch is one GET of one URL, with the connection, TLS,
 * redirects, the answer and two deadlines. A fetch uses ordinary connections of struct serve. An
 * owner begins a fetch. Later the fetch is done: it has an answer with any status, or it has
 * failed. Must not know: why the owner asks, what an answer means, logs.
 *
 * The client never calls the owner. Each time the shell calls step (serve/handler.h), struct serve
 * does its own work first. Then the owner calls http_client_next_done until it returns NULL. The
 * owner frees each returned fetch with http_fetch_drop, or keeps it for a while with
 * http_fetch_keep. While there is a returned fetch for which the owner has called neither of these
 * two functions, the next step is due at once.
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

#define HTTP_REDIRECTS_MAX 10         /* Go's client stops at the tenth redirect */
#define HTTP_HANDSHAKE_NS 10000000000 /* ns; the timeout of a TLS handshake, as in nsqd */

/* How a client makes a TLS codec for a connection. `server_name` is the name of the server: a C
 * string, borrowed.
 */
struct http_tls {
    struct codec (*connect)(void *self, const char *server_name); /* NULL: https is impossible */
    void *self;
    size_t cost; /* the largest size of one codec in bytes of memory; the memory budget counts it */
};

/* The settings for all fetches of a client. Timeouts are in ns. A timeout of 0 or less means no
 * limit, with one exception: when connect_timeout is below 0, every attempt to connect times out at
 * once. */
struct http_client_config {
    int64_t connect_timeout; /* for opening each connection */
    int64_t request_timeout; /* for the whole fetch, with all redirects and connections */
    size_t body_max;         /* bytes: the largest body of an answer. Without this limit, a body
                              * could be endless */
    struct span accept;      /* the value of the Accept header; borrowed */
    struct http_tls tls;
};

struct http_client {
    struct http_client_config config;
    struct serve *serve;
    struct budget *budget;
    struct list open; /* of struct http_fetch: the fetches that are not done */
    struct list done; /* of struct http_fetch: the fetches that are done; their owners free them */
};

struct http_fetch;

/* Copies the configuration; borrows serve and budget. There is no http_client_free: the owner of
 * each fetch frees it with http_fetch_drop, before or after serve_free. */
void http_client_init(struct http_client *client, const struct http_client_config *config,
                      struct serve *serve, struct budget *budget);

/* Begins a fetch for an owner. Moves the contents of `url` into the fetch and leaves `url` empty.
 * This call never fails: a fetch that cannot begin is done at once, and http_fetch_failure says
 * why. */
struct http_fetch *http_fetch_begin(struct http_client *client, struct http_url *url, void *owner,
                                    int64_t now);

/* Of the fetches that are done, http_client_next_done returns the one that was done first. It
 * returns NULL if no fetch is done. http_fetch_owner returns the owner that was passed to
 * http_fetch_begin. */
struct http_fetch *http_client_next_done(const struct http_client *client);
void *http_fetch_owner(const struct http_fetch *fetch);

/* These three functions need a fetch that is done. Their results are borrowed until
 * http_fetch_drop. http_fetch_failure returns the reason why there is no answer; it is empty if
 * there is an answer. http_fetch_status and http_fetch_body return the answer's status and body. If
 * a redirect has no Location, or a Location that is too long, the redirect itself is the answer. */
struct span http_fetch_failure(const struct http_fetch *fetch);
int http_fetch_status(const struct http_fetch *fetch);
struct span http_fetch_body(const struct http_fetch *fetch);

/* From now on http_client_next_done does not return this fetch. An owner calls this function if it
 * needs more than one step to read the answer. The owner still frees the fetch with
 * http_fetch_drop. */
void http_fetch_keep(struct http_fetch *fetch);

/* Frees a fetch, whether it is done or not, and closes its connection. */
void http_fetch_drop(struct http_fetch *fetch);

#endif
