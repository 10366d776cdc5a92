/* SPDX-License-Identifier: MIT */
/*
 * Owns: the engine, which is a complete server in one struct: its listeners, protocols, connections
 * and broker. Its state depends only on the calls that were made, so two engines that get the same
 * calls are in the same state. Must not know: sockets, clocks, files. The part of the program
 * that uses them is called the shell (src/shell). The shell calls the functions of serve/handler.h.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "api/api_service.h"
#include "api/statsd.h"
#include "auth/auth.h"
#include "broker/broker.h"
#include "peer/peers.h"
#include "serve/magic.h"
#include "serve/serve.h"
#include "session/v2.h"

/* The number of each listener. The shell passes this number to tcp_handler.open. */
enum engine_listener { ENGINE_TCP, ENGINE_HTTP, ENGINE_HTTPS, ENGINE_LISTENERS };

#define ENGINE_TIMERS_A_STEP 1024 /* maximum number of message timers handled in one step */

/* What the HTTP API tells about the server. The spans are borrowed. */
struct engine_about {
    struct span broadcast_address;
    struct span hostname;
    int64_t tcp_port; /* a port of a unix socket is -1; a port that is not open is 0 */
    int64_t http_port;
    int64_t https_port;
    int64_t start_time; /* seconds since 1970 */
    int64_t started;    /* ns; the time of the handler (`now`) at which the server started */
    int32_t zone;       /* of the local time: seconds east of UTC */
    /* The percentiles of broker.latency, each as the JSON of a number. */
    const struct span *quantiles;
    const struct api_setting *settings; /* the values of all options */
    size_t setting_count;
};

struct engine_config {
    struct serve_config serve;
    struct broker_config broker;
    struct v2_config v2;
    struct auth_config auth;
    struct engine_about about;
    struct statsd_config statsd;
    struct peers_config peers;
    struct metrics_options metrics; /* what GET /metrics shows in addition */
    struct codec_maker https_tls;   /* for HTTPS; if there is none, v2.tls is used */
    bool http_needs_tls;            /* --tls-required: every request without TLS is refused */
    int64_t magic_timeout;          /* ns; a client must send its magic within this time */
    enum log_level log_level;
};

struct engine {
    struct log log;
    struct broker broker;
    struct serve serve;
    struct tickets tickets; /* of the requests to the shell (struct ask) that wait for an answer */
    struct v2 v2;
    struct auth auth;
    struct api_service web;        /* the HTTP API */
    struct statsd statsd;          /* the reports to a statsd server */
    struct peers peers;            /* the nsqlookupds */
    struct magic_row protocols[1]; /* of the TCP listener, one row for each protocol */
    struct magic_table magic;
    struct listener listeners[ENGINE_LISTENERS];
};

/* Returns nsqd's default settings. The program sets the values that depend on the machine: the
 * seed, the node id and the limits. */
struct engine_config engine_defaults(void);

/* Returns a new engine. The configuration is copied. The caller frees the engine with
 * engine_free. */
struct engine *engine_new(const struct engine_config *config);

/* Frees an engine with its connections, topics and messages. */
void engine_free(struct engine *engine);

/* Returns the functions that the shell calls. They may be called until engine_free. */
struct tcp_handler engine_handler(struct engine *engine);

#endif
