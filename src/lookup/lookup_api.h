/* SPDX-License-Identifier: MIT */
/*
 * Owns: nsqlookupd's HTTP API as a table of routes. The texts, statuses and the order of the checks
 * are those of nsqlookupd 1.3.0. Must not know: connections, the framing of requests (src/http),
 * sockets, clocks.
 *
 * Two differences from upstream (DEPARTURES.md, rows 122 and 123): POST /topic/delete?topic=*
 * deletes no topic, because '*' is not a valid name. The routes /debug/pprof do not exist.
 *
 * The HTTP server passes a struct lookup_api to the handlers (http_server_config.service).
 */
#ifndef LOOKUP_LOOKUP_API_H
#define LOOKUP_LOOKUP_API_H

#include "http/http_server.h"
#include "lookup/registry.h"

/* The headers of answers: of an answer without a body, and of an answer in JSON. */
#define LOOKUP_API_HEADERS "X-Nsq-Content-Type: nsq; version=1.0\r\n"
#define LOOKUP_API_HEADERS_JSON                                                                    \
    "Content-Type: application/json; charset=utf-8\r\n" LOOKUP_API_HEADERS

struct lookup_api {
    struct registry *registry; /* borrowed */
    struct span version;       /* borrowed; GET /info tells it */
    int64_t wall_offset;       /* ns; `now` + wall_offset is the wall clock. Set by the program */
};

/* Returns all routes. */
struct http_routes lookup_api_routes(void);

#endif
