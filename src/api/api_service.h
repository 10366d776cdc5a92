/* SPDX-License-Identifier: MIT */
/*
 * Owns: the HTTP API as a service: the API, and the two HTTP servers that pass requests to it, in
 * clear text and with TLS. Must not know: sockets, clocks, the V2 protocol.
 */
#ifndef API_API_SERVICE_H
#define API_API_SERVICE_H

#include "api/api.h"

struct api_service_config {
    struct api_config api;
    bool needs_tls;         /* --tls-required: every request without TLS is refused */
    int64_t https_port;     /* told to clients that are refused */
    struct codec_maker tls; /* for the server with TLS */
    size_t max_connections; /* of the whole program; HTTP may have a part of them */
};

/* Must not be moved after api_service_init. */
struct api_service {
    struct api api;
    struct http_server http;
    struct http_server https;
    struct http_slots slots;    /* the connections of both */
    struct http_answer refusal; /* of requests that need TLS */
    struct buf refusal_body;
};

/* The configuration is copied, the other arguments are borrowed. The caller frees the service with
 * api_service_free, after the connections. */
void api_service_init(struct api_service *service, const struct api_service_config *config,
                      struct broker *broker, const struct serve *serve, struct tickets *tickets,
                      struct log *log);
void api_service_free(struct api_service *service);

/* Sets the offset of the wall clock in the service (see tcp_handler.wall). */
void api_service_wall(struct api_service *service, int64_t offset);

/* Continues the work that is left. Must be called in each step. While api_service_has_work is true,
 * the next step is due at once. */
void api_service_step(struct api_service *service, int64_t now);
static inline bool api_service_has_work(const struct api_service *service)
{
    return api_has_work(&service->api) || http_server_has_work(&service->http) ||
           http_server_has_work(&service->https);
}

/* Return the listeners (struct listener), borrowed from the service. */
struct listener api_service_http(struct api_service *service);
struct listener api_service_https(struct api_service *service);

#endif
