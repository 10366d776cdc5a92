/* SPDX-License-Identifier: MIT */
/*
 * Owns: nsqd as a value: its listeners and protocols, its broker, its connections. Everything that
 * happens in it follows from the calls that were made, so two engines that get the same calls are
 * in the same state. Must not know: sockets, clocks, files. The shell drives it through
 * serve/handler.h.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "auth/auth.h"
#include "broker/broker.h"
#include "serve/magic.h"
#include "serve/serve.h"
#include "session/v2.h"

/* Numbers of the listeners, for tcp_handler.open. */
enum engine_listener { ENGINE_TCP, ENGINE_LISTENERS };

#define ENGINE_TIMERS_A_STEP 1024 /* due messages handled in one step */
#define ENGINE_AUTHS_A_STEP 64    /* answers of auth servers handled in one step */
#define ENGINE_BUFFERED_PART 4    /* connections may buffer 1/4 of the bytes that queues may hold */

struct engine_config {
    struct serve_config serve;
    struct broker_config broker;
    struct v2_config v2;
    struct auth_config auth;
    enum log_level log_level;
};

struct engine {
    struct log log;
    struct broker broker;
    struct serve serve;
    struct tickets tickets; /* of asks that somebody waits for */
    struct v2 v2;
    struct auth auth;
    struct magic_row protocols[1]; /* of the TCP listener; a future V3 is one row more */
    struct magic_table magic;
    struct listener listeners[ENGINE_LISTENERS];
};

/* nsqd's defaults. The program sets what depends on the machine: seed, node id, caps. */
struct engine_config engine_defaults(void);

/* Returns an engine, which the caller ends with engine_free. Copies the configuration. */
struct engine *engine_new(const struct engine_config *config);
void engine_free(struct engine *engine);

/* The engine as the shell sees it; borrowed as long as the engine lives. */
struct tcp_handler engine_handler(struct engine *engine);

#endif
