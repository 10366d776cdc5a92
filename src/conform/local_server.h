/* SPDX-License-Identifier: MIT */
/*
 * Owns: a server in this process: nsqd's engine, or nsqlookupd's service. Must not know: flags, and
 * how the server is driven.
 */
#ifndef CONFORM_LOCAL_SERVER_H
#define CONFORM_LOCAL_SERVER_H

#include <limits.h>

#include "conform/session_file.h"
#include "engine/engine.h"
#include "lookup/lookup_service.h"

struct local_config {
    enum server_kind kind;
    struct engine_config nsqd;       /* SERVER_NSQD */
    struct lookup_config nsqlookupd; /* SERVER_NSQLOOKUPD */
};

struct local_server {
    struct engine *nsqd;               /* NULL: the server is an nsqlookupd */
    struct lookup_service *nsqlookupd; /* NULL: the server is an nsqd */
    struct tcp_handler handler;
};

/* Starts a server. `start_time` (seconds since 1970) is the time at which it says that it was
 * started. The caller frees it with local_server_free. */
void local_server_start(struct local_server *s, const struct local_config *config,
                        int64_t start_time);
void local_server_free(struct local_server *s);

/* Returns the number of the listener for a protocol (tcp_handler.open), or LOCAL_SERVER_NONE. */
#define LOCAL_SERVER_NONE UINT_MAX
unsigned local_server_listener(const struct local_config *config, enum connect_kind kind);

/* Limits what the server may do in each call to one unit of effort (base/effort.h). */
void local_config_least_effort(struct local_config *config);

#endif
