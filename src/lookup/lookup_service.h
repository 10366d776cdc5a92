/* SPDX-License-Identifier: MIT */
/*
 * Owns: a whole nsqlookupd in one struct: its listeners, its protocols and its registry. Its state
 * depends only on the calls that were made. Must not know: sockets, clocks, files. The shell calls
 * the functions of serve/handler.h, as it does for nsqd's engine.
 */
#ifndef LOOKUP_LOOKUP_SERVICE_H
#define LOOKUP_LOOKUP_SERVICE_H

#include "lookup/lookup_api.h"
#include "lookup/v1.h"
#include "serve/magic.h"
#include "serve/serve.h"

/* The number of each listener. The shell passes this number to tcp_handler.open. */
enum lookup_listener { LOOKUP_TCP, LOOKUP_HTTP, LOOKUP_LISTENERS };

struct lookup_config {
    struct serve_config serve; /* do not set `budget`: the service uses its own */
    struct registry_config registry;
    struct v1_config v1; /* do not set `timeout`: the service sets it to magic_timeout */
    size_t memory; /* bytes: the cap of the memory budget. Without this limit, nsqds could fill the
                    * memory with names of topics, which stay for ever */
    int64_t magic_timeout; /* ns; a client must send its magic within this time. v1.timeout gets
                            * the same value */
    enum log_level log_level;
};

struct lookup_service {
    struct log log;
    struct budget budget;
    struct effort effort;
    struct registry registry;
    struct serve serve;
    struct v1 v1;
    struct lookup_api api;
    struct http_server http;
    struct http_slots slots;       /* the connections of `http` */
    size_t effort_a_call;          /* units: each kind of work in a call may use this many */
    struct magic_row protocols[1]; /* of the TCP listener, one row for each protocol */
    struct magic_table magic;
    struct listener listeners[LOOKUP_LISTENERS];
};

/* Returns nsqlookupd's default settings. The program sets the values that depend on the machine:
 * the seed, the limit of connections, names and ports. */
struct lookup_config lookup_defaults(void);

/* Returns a new service. The configuration is copied. The caller frees the service with
 * lookup_free. */
struct lookup_service *lookup_new(const struct lookup_config *config);

/* Frees a service with its connections and its registry. */
void lookup_free(struct lookup_service *service);

/* Returns the functions that the shell calls. They may be called until lookup_free. */
struct tcp_handler lookup_handler(struct lookup_service *service);

#endif
